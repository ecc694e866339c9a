#include "runtime/advice.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "runtime/loss_scale.h"

/* Fewer updates than this in an epoch tell nothing: their losses differ by chance. */
static const int64_t UPDATES_LEAST = 16;
/* Means differ when they are further apart than so many standard errors of their difference: by chance alone
 * that is so in one of a thousand epochs. */
static const double ERRORS_APART = 3.3;
/* That a loss does not fall, or hardly, is nothing special at the start of a training: many networks take
 * their time until they have found something. */
static const int64_t PATIENT_UPDATES = 200;
/* A loss that has changed by less than this share of it has not moved, … */
static const double STILL_SHARE = 0.005;
/* … one that fell by less than this in the whole first epoch falls too slowly: a network that learns has lost
 * a tenth of its first loss and more by then. Nor has it moved where it changed less than that, and no more
 * than by chance. */
static const double SLOW_SHARE = 0.02;
/* A loss that has risen by this share in the first epoch: beyond what a schedule's warm-up does. */
static const double RISING_SHARE = 0.05;
/* Epochs since the validation's best loss, and the share that it is above it, while the training's falls on:
 * less happens by chance on a small validation part. */
static const int64_t WORSE_EPOCHS = 3;
static const double WORSE_SHARE = 0.05;
/* Updates of an epoch in which gradients have overflowed: beyond what it takes to bring the scale down from
 * its first value to any other, and more than this share. A scale that fits overflows once in 2000. */
static const int64_t OVERFLOWS_LEAST = 16;
static const double OVERFLOWS_SHARE = 0.01;

/* ---- Numbers ---- */

static void spread_add(Spread *spread, double value)
{
    double apart = value - spread->mean;
    spread->count++;
    spread->mean += apart / (double)spread->count;
    spread->squares += apart * (value - spread->mean);
}

/* The square of the standard error of the mean. */
static double spread_error(const Spread *spread)
{
    double n = (double)spread->count;
    return spread->count > 1 ? spread->squares / (n - 1) / n : INFINITY;
}

static bool differ(const Spread *a, const Spread *b)
{
    return fabs(a->mean - b->mean) > ERRORS_APART * sqrt(spread_error(a) + spread_error(b));
}

void advice_open(Advice *advice, bool stops, bool augments)
{
    *advice = (Advice){.stops = stops, .augments = augments, .best = INFINITY};
}

void advice_epoch(Advice *advice, int64_t updates)
{
    advice->updates = updates;
    advice->done = 0;
    advice->end = (Spread){0};
}

void advice_update(Advice *advice, double loss)
{
    int64_t quarter = advice->updates / 4;
    if (advice->epoch == 0 && advice->done < quarter)
        spread_add(&advice->start, loss);
    if (advice->done >= advice->updates - quarter)
        spread_add(&advice->end, loss);
    advice->done++;
    advice->all++;
}

/* ---- Findings ---- */

static bool knows(const Advice *advice)
{
    return advice->updates >= UPDATES_LEAST && advice->start.count > 1 && advice->end.count > 1;
}

/* How far the loss has risen since the start of the training, as a share of it; below 0: fallen. */
static double risen(const Advice *advice)
{
    return (advice->end.mean - advice->start.mean) / fabs(advice->start.mean);
}

static bool is_still(const Advice *advice)
{
    double share = knows(advice) ? fabs(risen(advice)) : INFINITY;
    return advice->all >= PATIENT_UPDATES &&
           (share < STILL_SHARE || (share < SLOW_SHARE && !differ(&advice->start, &advice->end)));
}

static bool has_said(const Advice *advice, AdviceKind kind)
{
    return advice->said >> kind & 1;
}

bool advice_wants_dead(const Advice *advice)
{
    return !has_said(advice, ADVICE_DEAD) && (advice->epoch == 0 || is_still(advice));
}

/* After the training's part of an epoch: does the validation's loss rise while the training's falls? */
static bool is_by_heart(Advice *advice, const EpochEnd *end)
{
    advice->falling = advice->epoch > 0 && end->loss < advice->loss ? advice->falling + 1 : 0;
    advice->loss = end->loss;
    if (end->validation < advice->best) {
        advice->best = end->validation;
        advice->best_epoch = advice->epoch + 1;
    }
    int64_t since = advice->epoch + 1 - advice->best_epoch;
    return isfinite(end->validation) && since >= WORSE_EPOCHS && advice->falling >= WORSE_EPOCHS &&
           end->validation > advice->best * (1 + WORSE_SHARE);
}

static bool overflows(const Advice *advice, const EpochEnd *end)
{
    if (end->scale == 0 || end->skipped == 0)
        return false;
    return end->scale <= LOSS_SCALE_LEAST ||
           (end->skipped > OVERFLOWS_LEAST &&
            (double)end->skipped > OVERFLOWS_SHARE * (double)advice->updates);
}

/* What holds after this epoch, each by its kind. */
static void find(Advice *advice, const EpochEnd *end, bool found[ADVICE_COUNT])
{
    bool first = advice->epoch == 0, known = knows(advice), still = is_still(advice);
    double share = known ? risen(advice) : 0;
    found[ADVICE_DEAD] = end->dead != NULL;
    found[ADVICE_RISING] = first && known && share > RISING_SHARE && differ(&advice->start, &advice->end);
    found[ADVICE_STILL] = still && !end->dead; /* else that is why */
    found[ADVICE_SLOW] =
        first && known && !still && advice->all >= PATIENT_UPDATES && share < 0 && share > -SLOW_SHARE;
    found[ADVICE_BY_HEART] = is_by_heart(advice, end);
    found[ADVICE_SCALE] = overflows(advice, end);
}

/* ---- Words ---- */

static void say(const Advice *advice, AdviceKind kind, const EpochEnd *end, AdviceLine *line)
{
    char *out = line->text;
    size_t bytes = sizeof line->text;
    switch (kind) {
    case ADVICE_DEAD:
        snprintf(
            out, bytes,
            "%.100s (%.200s) gives only zeros for a whole batch of the validation part, so that nothing is "
            "learnt through it: a lower rate (now %g), 'leaky' in place of 'relu', or 'init=he' may help",
            end->dead, end->dead_where, end->rate);
        break;
    case ADVICE_RISING:
        snprintf(out, bytes,
                 "the loss has risen from %.4g to %.4g in the first epoch: the rate is too high: try %.1g in "
                 "place of %g, or 'schedule { warmup 1 epoch }'",
                 advice->start.mean, advice->end.mean, end->rate / 10, end->rate);
        break;
    case ADVICE_STILL:
        snprintf(
            out, bytes,
            "the loss has not moved from %.4g: the rate (%g) may be far too low or too high, the values of "
            "the samples may want 'scale' or 'standardize', or the labels may not belong to the samples",
            advice->start.mean, end->rate);
        break;
    case ADVICE_SLOW:
        snprintf(
            out, bytes,
            "the loss has only fallen from %.4g to %.4g in the first epoch: the rate is too low: try %.1g in "
            "place of %g",
            advice->start.mean, advice->end.mean, end->rate * 10, end->rate);
        break;
    case ADVICE_BY_HEART:
        snprintf(
            out, bytes,
            "the validation loss has risen from %.4g in epoch %" PRId64
            " to %.4g, while that of the training falls: the samples are learnt by heart: %s%s'dropout' or "
            "'decay' help",
            advice->best, advice->best_epoch, end->validation, advice->augments ? "" : "'augment', ",
            advice->stops ? "" : "'stop', ");
        break;
    case ADVICE_SCALE:
        snprintf(
            out, bytes,
            "gradients have overflowed f16 in %" PRId64 " of %" PRId64
            " updates of this epoch, and their scale is down to %g: what is small among them may be lost: "
            "'precision bf16' has the range of f32; a lower rate (now %g) or 'batchnorm' may help, too",
            end->skipped, advice->updates, end->scale, end->rate);
        break;
    case ADVICE_COUNT:
        break;
    }
}

int advice_end(Advice *advice, const EpochEnd *end, AdviceLine lines[ADVICE_COUNT])
{
    bool found[ADVICE_COUNT];
    int count = 0;
    find(advice, end, found);
    for (int kind = 0; kind < ADVICE_COUNT; kind++) {
        if (!found[kind] || has_said(advice, (AdviceKind)kind))
            continue;
        advice->said |= (int64_t)1 << kind;
        say(advice, (AdviceKind)kind, end, &lines[count++]);
    }
    advice->epoch++;
    return count;
}
