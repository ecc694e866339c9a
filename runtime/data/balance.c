/* Each class is drawn equally often. Its draws go through its samples as many whole times as fit; the rest
 * are the beginning of a permutation that each epoch has of its own. */
#include "runtime/data/balance.h"

#include <inttypes.h>
#include <stdlib.h>

#include "runtime/data/pipeline.h"
#include "runtime/rng.h"

static const Field balance_fields[] = {
    FIELD(BalanceArgs, way, FIELD_WORD, .words = "oversample undersample weights",
          .doc =
              "oversample: samples of rare classes are repeated until there are as many as of the "
              "commonest; undersample: of each class as many are drawn as the rarest has; weights: the "
              "samples stay, and the loss weighs each class by samples / (classes * samples of the class)"),
    FIELDS_END,
};
const Schema balance_schema = {
    .word = "balance",
    .doc =
        "Makes classes of different sizes count alike in the training. Validation and test are left as they "
        "are. The draws are chosen anew for each epoch, by the training's seed; with oversample each sample "
        "is drawn at least once, and each copy is augmented by itself.",
    .places = IN_DATA,
    .fields = balance_fields,
    .args_bytes = sizeof(BalanceArgs),
    .example = "balance oversample",
};

/* Samples of each class, and from them the sizes. */
static void balance_measure(Balance *balance, const int64_t *counts, int64_t classes)
{
    balance->least = INT64_MAX;
    for (int64_t c = 0; c < classes; c++) {
        if (counts[c] == 0)
            continue;
        balance->classes++;
        balance->least = counts[c] < balance->least ? counts[c] : balance->least;
        balance->most = counts[c] > balance->most ? counts[c] : balance->most;
    }
}

/* Sorts the samples by class; of each class that has any, counts[c] becomes the place of its next one. */
static CnnStatus balance_sort(Balance *balance, Source *source, const Split *split, int64_t *counts,
                              CnnError *error)
{
    int64_t all = split->count[PART_TRAIN], classes = 0, next = 0;
    balance->first = malloc((size_t)(balance->classes + 1) * sizeof *balance->first);
    balance->member = malloc((size_t)all * sizeof *balance->member);
    if (!balance->first || !balance->member)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to balance %" PRId64 " samples", all);
    for (int64_t c = 0; c < source->info.classes; c++) {
        int64_t count = counts[c];
        counts[c] = next;
        if (count > 0)
            balance->first[classes++] = next;
        next += count;
    }
    balance->first[classes] = next;
    for (int64_t i = 0; i < all; i++)
        balance->member[counts[(int64_t)source->label(source, split->index[PART_TRAIN][i])]++] = i;
    return CNN_OK;
}

CnnStatus balance_open(const BalanceArgs *args, Source *source, const Split *split, Balance *out,
                       CnnError *error)
{
    int64_t classes = source->info.classes, all = split->count[PART_TRAIN];
    *out = (Balance){.args = args, .count = all};
    if (!args)
        return CNN_OK;
    if (classes == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "'balance' needs classes, and the labels are numbers");
    int64_t *counts = calloc((size_t)classes, sizeof *counts);
    if (!counts)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %" PRId64 " classes", classes);
    for (int64_t i = 0; i < all; i++)
        counts[(int64_t)source->label(source, split->index[PART_TRAIN][i])]++;
    balance_measure(out, counts, classes);
    CnnStatus status = CNN_OK;
    if (args->way != BALANCE_WEIGHTS && all > 0) {
        out->each = args->way == BALANCE_OVERSAMPLE ? out->most : out->least;
        out->count = out->each * out->classes; /* at most samples * classes: below 2^63 */
        status = balance_sort(out, source, split, counts, error);
    }
    free(counts);
    return status;
}

void balance_close(Balance *balance)
{
    free(balance->first);
    free(balance->member);
    *balance = (Balance){0};
}

/* The key of one class's permutation in this epoch. */
static uint64_t balance_key(uint64_t seed, int64_t class_index, int64_t epoch)
{
    Random4 random = cnn_random4(seed, (uint32_t)class_index, 0, (uint32_t)epoch, PURPOSE_BALANCE);
    return (uint64_t)random.word[1] << 32 | random.word[0];
}

Pick balance_pick(const Balance *balance, int64_t place, uint64_t seed, int64_t epoch)
{
    if (balance->each == 0)
        return (Pick){.sample = place};
    int64_t c = place % balance->classes, turn = place / balance->classes;
    int64_t first = balance->first[c], count = balance->first[c + 1] - first;
    int64_t whole = balance->each - balance->each % count;
    int64_t at = turn < whole
                     ? turn % count
                     : (int64_t)cnn_permute((uint64_t)(turn - whole), (uint64_t)count,
                                            balance_key(seed, c, epoch), PURPOSE_BALANCE, (uint32_t)epoch);
    return (Pick){balance->member[first + at], turn / count};
}

int64_t cnn_data_epoch_count(const CnnData *data, Part part)
{
    return part == PART_TRAIN ? data->balance.count : data->split.count[part];
}

bool cnn_data_balance_text(const CnnData *data, char *out, size_t bytes)
{
    const Balance *balance = &data->balance;
    if (!balance->args)
        return false;
    if (balance->args->way == BALANCE_WEIGHTS)
        snprintf(out, bytes,
                 "balance weights: a sample of the rarest class counts as much as %.3g of the commonest",
                 (double)balance->most / (double)balance->least);
    else
        snprintf(out, bytes,
                 "balance %s: an epoch draws %" PRId64 " samples of each of %" PRId64 " classes, %" PRId64
                 " together; the training part has %" PRId64,
                 balance->args->way == BALANCE_OVERSAMPLE ? "oversample" : "undersample", balance->each,
                 balance->classes, balance->count, data->split.count[PART_TRAIN]);
    return true;
}
