/* A split that leaves groups whole. Which groups go where is not a matter of shares alone: a part should have
 * each class in proportion too, and groups differ in size and in classes. So groups are taken one by one,
 * large ones first, and each goes where what is lacking is most like it (as scikit-learn's
 * StratifiedGroupKFold, whose bins are all of one size). Sizes count by powers of two; among alike ones the
 * seed decides. */
#include <inttypes.h>
#include <stdlib.h>

#include "runtime/data/pipeline.h"
#include "runtime/rng.h"

static const uint32_t PERMUTATION = UINT32_MAX; /* no class has this number */

/* Bins are the parts, or the folds and behind them the test part. */
typedef struct {
    Source *source;
    const SplitArgs *args;
    int64_t count, classes; /* samples; classes that are kept in proportion, at least 1 */
    int64_t *group;         /* [count] */
    int64_t groups;
    int64_t *first, *member; /* [groups + 1], [count]: samples by group */
    int64_t *order;          /* [groups]: in which they are placed */
    int bins;
    double *lacking; /* [bins, classes + 1]: samples that a bin should still get; the last column: in all */
    double *weight;  /* [classes + 1]: of one sample of a class */
} Grouping;

static int64_t grouping_class(const Grouping *grouping, int64_t sample)
{
    return grouping->classes > 1 ? (int64_t)grouping->source->label(grouping->source, sample) : 0;
}

static double bin_share(const SplitArgs *args, int bin)
{
    if (args->folds)
        return bin == args->folds ? args->test : (1 - args->test) / (double)args->folds;
    const double shares[PART_COUNT] = {1 - args->validation - args->test, args->validation, args->test};
    return shares[bin];
}

static Part bin_part(const SplitArgs *args, int bin)
{
    if (!args->folds)
        return (Part)bin;
    return bin == args->folds ? PART_TEST : bin == args->fold ? PART_VALIDATION : PART_TRAIN;
}

static CnnStatus grouping_reserve(Grouping *grouping, CnnError *error)
{
    size_t columns = (size_t)grouping->classes + 1, bins = (size_t)grouping->bins;
    grouping->first = calloc((size_t)grouping->groups + 2, sizeof *grouping->first);
    grouping->member = malloc((size_t)grouping->count * sizeof *grouping->member);
    grouping->order = malloc((size_t)grouping->groups * 2 * sizeof *grouping->order);
    grouping->lacking = calloc(bins * columns, sizeof *grouping->lacking);
    grouping->weight = calloc(columns, sizeof *grouping->weight);
    if (!grouping->first || !grouping->member || !grouping->order || !grouping->lacking || !grouping->weight)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to split %" PRId64 " groups",
                        grouping->groups);
    return CNN_OK;
}

/* Samples by group. While they are sorted, first[g + 1] is the place of the group's next one. */
static void grouping_sort(Grouping *grouping)
{
    int64_t *first = grouping->first;
    for (int64_t i = 0; i < grouping->count; i++)
        first[grouping->group[i] + 2]++;
    for (int64_t g = 0; g < grouping->groups; g++)
        first[g + 2] += first[g + 1];
    for (int64_t i = 0; i < grouping->count; i++)
        grouping->member[first[grouping->group[i] + 1]++] = i;
}

static void grouping_order(Grouping *grouping)
{
    int64_t *shuffled = grouping->order + grouping->groups, next = 0;
    for (int64_t g = 0; g < grouping->groups; g++)
        shuffled[cnn_permute((uint64_t)g, (uint64_t)grouping->groups, (uint64_t)grouping->args->seed,
                             PURPOSE_SPLIT, PERMUTATION)] = g;
    for (int power = 62; power >= 0; power--)
        for (int64_t i = 0; i < grouping->groups && next < grouping->groups; i++) {
            int64_t g = shuffled[i], size = grouping->first[g + 1] - grouping->first[g];
            if (size >> power == 1)
                grouping->order[next++] = g;
        }
}

/* What each bin should have of each class, and how much a sample of it weighs: errors count as shares of the
 * class, and those of the whole as much as those of all classes together. */
static void grouping_targets(Grouping *grouping)
{
    int64_t all = grouping->classes, columns = all + 1;
    for (int64_t i = 0; i < grouping->count; i++)
        grouping->weight[grouping_class(grouping, i)]++;
    grouping->weight[all] = (double)grouping->count;
    for (int bin = 0; bin < grouping->bins; bin++)
        for (int64_t c = 0; c < columns; c++)
            grouping->lacking[bin * columns + c] = bin_share(grouping->args, bin) * grouping->weight[c];
    for (int64_t c = 0; c < columns; c++)
        if (grouping->weight[c] > 0)
            grouping->weight[c] = (c == all ? (double)all : 1) / (grouping->weight[c] * grouping->weight[c]);
}

/* The bin that a group brings nearest to what it should have. */
static int grouping_choose(const Grouping *grouping, int64_t group)
{
    int64_t columns = grouping->classes + 1;
    int chosen = 0;
    double most = 0;
    for (int bin = 0; bin < grouping->bins; bin++) {
        const double *lacking = grouping->lacking + bin * columns;
        double gain = 0;
        for (int64_t i = grouping->first[group]; i < grouping->first[group + 1]; i++) {
            int64_t c = grouping_class(grouping, grouping->member[i]);
            gain += lacking[c] * grouping->weight[c] +
                    lacking[grouping->classes] * grouping->weight[grouping->classes];
        }
        if (bin_share(grouping->args, bin) > 0 && (bin == 0 || gain > most)) {
            most = gain;
            chosen = bin;
        }
    }
    return chosen;
}

static void grouping_place(Grouping *grouping, unsigned char *part)
{
    int64_t columns = grouping->classes + 1;
    for (int64_t g = 0; g < grouping->groups; g++) {
        int64_t group = grouping->order[g];
        int bin = grouping_choose(grouping, group);
        double *lacking = grouping->lacking + bin * columns;
        for (int64_t i = grouping->first[group]; i < grouping->first[group + 1]; i++) {
            int64_t sample = grouping->member[i];
            lacking[grouping_class(grouping, sample)]--;
            lacking[grouping->classes]--;
            part[sample] = (unsigned char)bin_part(grouping->args, bin);
        }
    }
}

/* With stratified=true there is no class that the training never sees. */
static CnnStatus grouping_check(const Grouping *grouping, const unsigned char *part, CnnError *error)
{
    const SourceInfo *info = &grouping->source->info;
    double *trained = grouping->weight; /* it is not needed any more */
    for (int64_t c = 0; c < grouping->classes; c++)
        trained[c] = 0;
    for (int64_t i = 0; i < grouping->count; i++)
        trained[grouping_class(grouping, i)] += part[i] == PART_TRAIN;
    for (int64_t i = 0; i < grouping->count && grouping->classes > 1; i++) {
        int64_t c = grouping_class(grouping, i);
        char name[NAME_BYTES];
        if (trained[c] > 0)
            continue;
        snprintf(name, sizeof name, "%" PRId64, c);
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "'split' leaves no sample of class '%s' to train on, since its groups (by \"%s\") are too "
            "few: stratified=false takes that",
            info->class_names ? name_printable(info->class_names[c], name) : name, grouping->args->by);
    }
    return CNN_OK;
}

static CnnStatus grouping_run(Grouping *grouping, unsigned char *part, CnnError *error)
{
    const SplitArgs *args = grouping->args;
    Source *source = grouping->source;
    if (args->side)
        TRY(source->square(source, args->side, grouping->group, &grouping->groups, error));
    else
        TRY(source->group(source, args->by, grouping->group, &grouping->groups, error));
    if (args->folds > grouping->groups)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "folds=%" PRId64 ", but there are only %" PRId64 " groups by \"%s\"", args->folds,
                        grouping->groups, args->by);
    TRY(grouping_reserve(grouping, error));
    grouping_sort(grouping);
    grouping_order(grouping);
    grouping_targets(grouping);
    grouping_place(grouping, part);
    if (args->side)
        TRY(source->part_squares(source, args->side, part, error));
    return grouping_check(grouping, part, error);
}

CnnStatus split_by_groups(Source *source, const SplitArgs *args, unsigned char *part, CnnError *error)
{
    const SourceInfo *info = &source->info;
    Grouping grouping = {.source = source, .args = args, .count = info->count};
    if (args->side && !source->square)
        return cnn_fail(error, CNN_BAD_INPUT, "by=square is for scenes: this source is none");
    if (!args->side && !source->group)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "by=\"%s\" asks for groups, and the source tells none: 'list' has its columns, folders have "
            "by=folder, scenes have by=square, side=64",
            args->by);
    grouping.classes = args->stratified && info->classes > 0 ? info->classes : 1;
    grouping.bins = args->folds ? (int)args->folds + 1 : PART_COUNT;
    grouping.group = malloc((size_t)(info->count + 1) * sizeof *grouping.group);
    if (!grouping.group)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the groups of %" PRId64 " samples",
                        info->count);
    CnnStatus status = info->count > 0 ? grouping_run(&grouping, part, error) : CNN_OK;
    free(grouping.group);
    free(grouping.first);
    free(grouping.member);
    free(grouping.order);
    free(grouping.lacking);
    free(grouping.weight);
    return status;
}

bool cnn_data_split_text(const CnnData *data, char *out, size_t bytes)
{
    const Split *split = &data->split;
    char name[NAME_BYTES];
    if (split->left_out == 0)
        return false;
    data->source->name(data->source, split->first_left_out, name, sizeof name);
    snprintf(out, bytes,
             "split by=square leaves out %" PRId64 " of %" PRId64 " tiles, which have pixels of a square of "
             "another part or of one without labels; the first is %s",
             split->left_out, data->source->info.count, name);
    return true;
}
