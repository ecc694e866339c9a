/* What a training on a few batches says of the network. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/overfit.h"
#include "runtime/data/data.h"

/* A loss of so much of what it was without knowledge is near zero. */
static const double NEAR_ZERO = 0.01;
/* A loss that has not fallen to this share of it has learnt hardly anything. */
static const double HALF_WAY = 0.5;
/* Values of this size and more drive most networks into saturation, or to dead layers. */
static const double LARGE_INPUT = 20;

const char *const overfit_verdict_names[] = {"learns", "learns slowly", "does not learn", "diverged"};

/* ---- What the batches hold ---- */

typedef struct {
    const char *bytes;
    size_t length;
    double label;
} Seen;

static int compare_seen(const void *left, const void *right)
{
    const Seen *a = left, *b = right;
    int order = memcmp(a->bytes, b->bytes, a->length);
    return order ? order : (a->label > b->label) - (a->label < b->label);
}

static double label_of(const CnnImage *image, const KeptBatches *batches, int64_t sample)
{
    const char *label = batches->label + 4 * (uint64_t)(sample * image->label_width);
    return image->label_dtype == DTYPE_F32 ? (double)*(const float *)(const void *)label
                                           : (double)*(const int32_t *)(const void *)label;
}

/* All samples, equal ones behind each other. */
static Seen *sorted_samples(Arena *arena, const CnnImage *image, const KeptBatches *batches, int64_t count)
{
    Seen *seen = NEW_ARRAY(arena, Seen, count);
    size_t bytes = batches->input_bytes / (size_t)batches->samples;
    for (int64_t i = 0; i < count; i++)
        seen[i] = (Seen){batches->input + (size_t)i * bytes, bytes, label_of(image, batches, i)};
    qsort(seen, (size_t)count, sizeof *seen, compare_seen);
    return seen;
}

static void look_at_labels(const CnnImage *image, int64_t count, const Seen *seen, OverfitLook *look)
{
    double mean = 0;
    for (int64_t i = 1; i < count; i++)
        look->contradictions += seen[i].label != seen[i - 1].label &&
                                memcmp(seen[i].bytes, seen[i - 1].bytes, seen[i].length) == 0;
    for (int64_t i = 0; i < count; i++)
        mean += seen[i].label / (double)count;
    for (int64_t i = 0; i < count; i++) {
        look->variance += (seen[i].label - mean) * (seen[i].label - mean) / (double)count;
        look->spread += fabs(seen[i].label - mean) / (double)count;
    }
    if (image->label_dtype == DTYPE_F32)
        return;
    for (int64_t i = 0; i < count; i++) {
        bool again = false;
        for (int64_t k = 0; k < i && !again; k++)
            again = seen[k].label == seen[i].label;
        look->classes += !again;
    }
}

OverfitLook overfit_look(Arena *arena, const CnnImage *image, const KeptBatches *batches)
{
    OverfitLook look = {.least = INFINITY, .most = -INFINITY};
    int64_t count = batches->count * batches->samples;
    uint64_t values = batches->input_bytes / dtype_bytes(image->input_dtype) * (uint64_t)batches->count;
    for (uint64_t i = 0; i < values; i++) {
        double value = image->input_dtype == DTYPE_F32 ? (double)((const float *)(void *)batches->input)[i]
                                                       : (double)((const uint8_t *)batches->input)[i];
        look.least = fmin(look.least, value);
        look.most = fmax(look.most, value);
    }
    look_at_labels(image, count, sorted_samples(arena, image, batches, count), &look);
    return look;
}

/* ---- The verdict ---- */

static double last_loss(const Overfit *overfit)
{
    return overfit->losses.items[overfit->losses.count - 1];
}

/* What the loss is without any knowledge of the samples: at first, or, if that is less, where the network
 * always gives the same answer, the best of those. */
static double unknowing(const Overfit *overfit)
{
    double first = overfit->losses.items[0];
    double same = overfit->classes > 1 ? log((double)overfit->classes)
                  : overfit->absolute  ? overfit->look.spread
                                       : overfit->look.variance;
    return same > 0 ? fmin(first, same) : first;
}

double overfit_near_zero(const Overfit *overfit)
{
    return NEAR_ZERO * unknowing(overfit);
}

bool overfit_is_done(const Overfit *overfit)
{
    return last_loss(overfit) <= overfit_near_zero(overfit) &&
           (isnan(overfit->accuracy) || overfit->accuracy == 1);
}

OverfitVerdict overfit_verdict(const Overfit *overfit)
{
    if (overfit->losses.count == 0 || !isfinite(last_loss(overfit)))
        return OVERFIT_DIVERGED;
    if (overfit_is_done(overfit))
        return OVERFIT_LEARNS;
    return last_loss(overfit) < HALF_WAY * unknowing(overfit) ? OVERFIT_SLOWLY : OVERFIT_NOT;
}

/* ---- What to look at ---- */

static bool is_large(const OverfitLook *look)
{
    return fmax(fabs(look->least), fabs(look->most)) >= LARGE_INPUT;
}

int overfit_hints(const Overfit *overfit, Arena *arena, const char *hints[OVERFIT_HINTS])
{
    OverfitVerdict verdict = overfit_verdict(overfit);
    const OverfitLook *look = &overfit->look;
    bool diverged = verdict == OVERFIT_DIVERGED, stuck = verdict == OVERFIT_NOT;
    int count = 0;
    if (look->classes == 1)
        hints[count++] =
            arena_printf(arena, "all samples of these batches are of one class, which says little: try "
                                "more batches, or a larger one");
    if (verdict == OVERFIT_LEARNS)
        return count;
    if (look->contradictions)
        hints[count++] =
            arena_printf(arena,
                         "%" PRId64 " of the samples %s an earlier one with another label, which "
                         "no network can learn: `cnnc data check` names them",
                         look->contradictions, look->contradictions == 1 ? "is" : "are");
    if (look->least == look->most)
        hints[count++] = arena_printf(arena,
                                      "all values that the network is given are %g: `cnnc data preview` "
                                      "draws what it sees",
                                      look->least);
    else if (is_large(look))
        hints[count++] = arena_printf(arena,
                                      "the network is given values from %g to %g: `scale 0..1` or "
                                      "`standardize` in 'data' makes them small",
                                      look->least, look->most);
    if (overfit->dead)
        hints[count++] = arena_printf(arena,
                                      "%s (%s) gives only zeros for these samples: a lower rate, `leaky` "
                                      "in place of relu, or `batchnorm` before it",
                                      overfit->dead, overfit->dead_where);
    if (diverged || (stuck && last_loss(overfit) > overfit->losses.items[0]))
        hints[count++] =
            arena_printf(arena, "the rate, %g, is too high: `cnnc run --find-rate` finds one", overfit->rate);
    else
        hints[count++] = arena_printf(arena,
                                      "the rate, %g, may be too low or too high: `cnnc run --find-rate` "
                                      "finds one",
                                      overfit->rate);
    if (verdict == OVERFIT_SLOWLY)
        hints[count++] = arena_printf(arena, "more steps: --steps %" PRId64, 4 * overfit->most);
    if (stuck)
        hints[count++] =
            "the labels and the pictures: `cnnc data preview` shows whether they belong together";
    if (stuck && !overfit->dead)
        hints[count++] =
            "the layers: `cnnc show` tells whether one is very narrow, or the picture has become "
            "one pixel too early";
    return count;
}
