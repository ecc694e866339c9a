/* `split`: a pseudo-random choice that depends on nothing but the number of samples (of each class) and the
 * seed. */
#include "runtime/data/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"

static const Field split_fields[] = {
    FIELD(SplitArgs, validation, FIELD_SHARE, .preset = "0", .least = 0, .most = 0.99, .named_only = true,
          .doc = "share of the samples that measure the training while it runs"),
    FIELD(SplitArgs, test, FIELD_SHARE, .preset = "0", .least = 0, .most = 0.99, .named_only = true,
          .doc = "share of the samples that `cnnc eval` uses"),
    FIELD(SplitArgs, stratified, FIELD_BOOLEAN, .preset = "true", .named_only = true,
          .doc =
              "take the shares from each class, so that all parts have the classes in the same proportions"),
    FIELD(SplitArgs, seed, FIELD_INTEGER, .preset = "1", .least = 0, .most = 9007199254740992.0,
          .named_only = true,
          .doc = "another number gives another choice; the training's seed has no influence"),
    FIELD(SplitArgs, by, FIELD_TEXT, .preset = "", .words = "folder square", .named_only = true,
          .doc = "keeps the samples of a group in one part: a column of 'list', or by=folder, the folder "
                 "below that of the class, or by=square, of a scene"),
    FIELD(
        SplitArgs, side, FIELD_INTEGER, .preset = "0", .least = 0, .most = 1 << 20, .named_only = true,
        .doc =
            "with by=square: the side of a square, in pixels. Tiles that reach into a square of another part "
            "are left out"),
    FIELD(SplitArgs, folds, FIELD_INTEGER, .preset = "0", .least = 0, .most = 1000, .named_only = true,
          .doc = "for cross-validation: divides the samples into as many equal folds, of which one is the "
                 "validation "
                 "part and the others are trained on"),
    FIELD(SplitArgs, fold, FIELD_INTEGER, .preset = "0", .least = 0, .most = 999, .named_only = true,
          .doc = "the fold that is the validation part, from 0"),
    FIELDS_END,
};
const Schema split_schema = {
    .word = "split",
    .doc =
        "Sets samples aside for validation and test, chosen at random. A part that the source has itself "
        "(idx's test "
        "files, folders train and test) is not taken from again. With folds, the test part is taken first.",
    .places = IN_DATA,
    .fields = split_fields,
    .args_bytes = sizeof(SplitArgs),
    .example = "split validation=20%, test=10%, stratified=true, seed=1",
};

static const Field shuffle_fields[] = {
    FIELD(ShuffleArgs, on, FIELD_BOOLEAN, .preset = "true", .doc = "false keeps the order of the source"),
    FIELDS_END,
};
const Schema shuffle_schema = {
    .word = "shuffle",
    .doc = "Whether each epoch goes through the training part in an order of its own.",
    .places = IN_DATA,
    .fields = shuffle_fields,
    .args_bytes = sizeof(ShuffleArgs),
    .example = "shuffle false",
};

static const Field bad_fields[] = {
    FIELD(BadArgs, policy, FIELD_WORD, .preset = "skip", .words = "skip stop",
          .doc = "skip: leave the picture out, count and name it; stop: end the training"),
    FIELD(BadArgs, at_most, FIELD_SHARE, .preset = "10%", .least = 0, .most = 1, .named_only = true,
          .doc = "share of a part above which skipping ends the training"),
    FIELDS_END,
};
const Schema bad_schema = {
    .word = "bad",
    .doc = "What happens to a picture that cannot be read. A damaged file that holds many samples is always "
           "an error.",
    .places = IN_DATA,
    .fields = bad_fields,
    .args_bytes = sizeof(BadArgs),
    .example = "bad skip, at_most=10%",
};

/* The samples of one class, or of all when not stratified. */
typedef struct {
    int64_t count, next;      /* next: how many have been seen */
    int64_t part[PART_COUNT]; /* how many go where */
    uint32_t number;          /* key of the permutation */
    int64_t fold;             /* where its first sample goes, so that all folds together have one size */
} Stratum;

/* Gives `part` its share of every stratum, together as near to the share of all as whole samples allow: each
 * its whole number, then the strata with the largest remainders one more, the earlier ones first. */
static void split_share(Stratum *strata, int64_t strata_count, int64_t all, double share, Part part)
{
    int64_t left = (int64_t)floor(share * (double)all + 0.5);
    for (int64_t s = 0; s < strata_count; s++) {
        strata[s].part[part] = (int64_t)floor(share * (double)strata[s].count);
        left -= strata[s].part[part];
    }
    for (; left > 0; left--) {
        Stratum *largest = NULL;
        double most = 0;
        for (int64_t s = 0; s < strata_count; s++) {
            double remainder = share * (double)strata[s].count - (double)strata[s].part[part];
            if (remainder > most) {
                most = remainder;
                largest = &strata[s];
            }
        }
        if (!largest)
            return;
        largest->part[part]++;
    }
}

/* A stratum keeps at least one sample to train on. */
static void stratum_settle(Stratum *stratum)
{
    while (stratum->count > 0 && stratum->part[PART_VALIDATION] + stratum->part[PART_TEST] >= stratum->count)
        stratum->part[stratum->part[PART_VALIDATION] >= stratum->part[PART_TEST] ? PART_VALIDATION
                                                                                 : PART_TEST]--;
    stratum->part[PART_TRAIN] = stratum->count - stratum->part[PART_VALIDATION] - stratum->part[PART_TEST];
}

static int64_t stratum_of(Source *source, const SplitArgs *args, int64_t index)
{
    return args->stratified && source->info.classes > 0 ? (int64_t)source->label(source, index) : 0;
}

/* The part of the stratum's next sample: its place in a permutation decides. */
static Part stratum_draw(Stratum *stratum, const SplitArgs *args)
{
    int64_t place = (int64_t)cnn_permute((uint64_t)stratum->next++, (uint64_t)stratum->count,
                                         (uint64_t)args->seed, PURPOSE_SPLIT, stratum->number);
    if (place < stratum->part[PART_TEST])
        return PART_TEST;
    if (args->folds)
        return (place - stratum->part[PART_TEST] + stratum->fold) % args->folds == args->fold
                   ? PART_VALIDATION
                   : PART_TRAIN;
    return place < stratum->part[PART_TEST] + stratum->part[PART_VALIDATION] ? PART_VALIDATION : PART_TRAIN;
}

static CnnStatus folds_check(const SourceInfo *info, const SplitArgs *args, CnnError *error)
{
    if (args->folds == 0)
        return args->fold == 0
                   ? CNN_OK
                   : cnn_fail(error, CNN_BAD_INPUT, "'fold=' needs 'folds=', the number of all folds");
    if (args->folds == 1)
        return cnn_fail(error, CNN_BAD_INPUT, "folds=1 leaves nothing to train on: 2 are the fewest");
    if (args->fold >= args->folds)
        return cnn_fail(error, CNN_BAD_INPUT, "there is no fold=%lld of folds=%lld: they are counted from 0",
                        (long long)args->fold, (long long)args->folds);
    if (args->validation > 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "a fold is the validation part: leave 'validation=' or 'folds=' out");
    if (info->validation_count > 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the data has a validation part of its own: leave 'folds=' out");
    return CNN_OK;
}

static CnnStatus split_check(const SourceInfo *info, const SplitArgs *args, CnnError *error)
{
    if (args->side && !(args->by && strcmp(args->by, "square") == 0))
        return cnn_fail(error, CNN_BAD_INPUT, "'side=' is the side of the squares of by=square");
    if (args->validation + args->test >= 1)
        return cnn_fail(error, CNN_BAD_INPUT, "'split' leaves nothing to train on");
    if (args->validation > 0 && info->validation_count > 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the data has a validation part of its own: leave 'validation=' out");
    if (args->test > 0 && info->test_count > 0)
        return cnn_fail(error, CNN_BAD_INPUT, "the data has a test part of its own: leave 'test=' out");
    return folds_check(info, args, error);
}

static CnnStatus split_not_empty(const Split *split, int64_t all, const SplitArgs *args, CnnError *error)
{
    static const char *const names[PART_COUNT] = {"the training", "the validation", "the test"};
    const double shares[PART_COUNT] = {1, args->folds ? 1 : args->validation, args->test};
    for (int part = 0; part < PART_COUNT; part++)
        if (shares[part] > 0 && split->count[part] == 0)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'split' leaves no sample for %s part: there are only %lld%s", names[part],
                            (long long)all, args->by ? ", in groups" : "");
    return CNN_OK;
}

/* Room for all samples in every part is simple, and costs less than the samples' names. */
static CnnStatus split_reserve(const SourceInfo *info, Split *out, CnnError *error)
{
    int64_t all = info->count + info->validation_count + info->test_count;
    for (int part = 0; part < PART_COUNT; part++) {
        out->index[part] = malloc((size_t)(all > 0 ? all : 1) * sizeof *out->index[part]);
        if (!out->index[part])
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to number %lld samples",
                            (long long)all);
    }
    return CNN_OK;
}

static void split_add(Split *split, Part part, int64_t index)
{
    split->index[part][split->count[part]++] = index;
}

/* Every fold gets a sample of each stratum, and all folds together have one size but for one sample. */
static CnnStatus strata_set_folds(Stratum *strata, int64_t count, const Source *source, const SplitArgs *args,
                                  CnnError *error)
{
    int64_t next = 0;
    for (int64_t s = 0; s < count; s++) {
        char name[NAME_BYTES];
        int64_t left = strata[s].count - strata[s].part[PART_TEST];
        strata[s].fold = next;
        next = (next + left) % args->folds;
        if (strata[s].count == 0 || left >= args->folds)
            continue;
        if (count == 1)
            return cnn_fail(error, CNN_BAD_INPUT, "folds=%lld, but there are only %lld samples",
                            (long long)args->folds, (long long)left);
        snprintf(name, sizeof name, "%lld", (long long)s);
        return cnn_fail(error, CNN_BAD_INPUT,
                        "folds=%lld, but class '%s' has only %lld samples: fewer folds, or stratified=false",
                        (long long)args->folds,
                        source->info.class_names ? name_printable(source->info.class_names[s], name) : name,
                        (long long)left);
    }
    return CNN_OK;
}

/* The part of each sample, by its class. */
static CnnStatus split_by_strata(Source *source, const SplitArgs *args, unsigned char *part, CnnError *error)
{
    const SourceInfo *info = &source->info;
    int64_t count = args->stratified && info->classes > 0 ? info->classes : 1;
    CnnStatus status = CNN_OK;
    Stratum *strata = calloc((size_t)count, sizeof *strata);
    if (!strata)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld classes", (long long)count);
    for (int64_t i = 0; i < info->count; i++)
        strata[stratum_of(source, args, i)].count++;
    split_share(strata, count, info->count, args->test, PART_TEST);
    split_share(strata, count, info->count, args->validation, PART_VALIDATION);
    for (int64_t s = 0; s < count; s++) {
        strata[s].number = (uint32_t)s;
        stratum_settle(&strata[s]);
    }
    if (args->folds)
        status = strata_set_folds(strata, count, source, args, error);
    for (int64_t i = 0; i < info->count && status == CNN_OK; i++)
        part[i] = (unsigned char)stratum_draw(&strata[stratum_of(source, args, i)], args);
    free(strata);
    return status;
}

CnnStatus split_make(Source *source, const SplitArgs *args, Split *out, CnnError *error)
{
    const SourceInfo *info = &source->info;
    *out = (Split){0};
    TRY(split_check(info, args, error));
    TRY(split_reserve(info, out, error));
    unsigned char *part = malloc((size_t)info->count + 1);
    if (!part)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to split %lld samples",
                        (long long)info->count);
    CnnStatus status = (args->by ? split_by_groups : split_by_strata)(source, args, part, error);
    for (int64_t i = 0; i < info->count && status == CNN_OK; i++)
        if (part[i] < PART_COUNT)
            split_add(out, (Part)part[i], i);
        else if (out->left_out++ == 0)
            out->first_left_out = i;
    free(part);
    TRY(status);
    for (int64_t i = 0; i < info->validation_count; i++)
        split_add(out, PART_VALIDATION, info->count + i);
    for (int64_t i = 0; i < info->test_count; i++)
        split_add(out, PART_TEST, info->count + info->validation_count + i);
    return split_not_empty(out, info->count, args, error);
}

CnnStatus split_make_test(const Source *source, Split *out, CnnError *error)
{
    *out = (Split){0};
    TRY(split_reserve(&source->info, out, error));
    for (int64_t i = 0; i < source->info.test_count; i++)
        split_add(out, PART_TEST, i);
    return CNN_OK;
}

void split_test_all(Split *split)
{
    int64_t all = 0;
    for (int part = 0; part < PART_COUNT; part++) {
        all += split->count[part];
        split->count[part] = 0;
    }
    for (int64_t i = 0; i < all; i++)
        split_add(split, PART_TEST, i);
}

void split_free(Split *split)
{
    for (int part = 0; part < PART_COUNT; part++)
        free(split->index[part]);
    *split = (Split){0};
}
