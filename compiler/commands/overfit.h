/* Can the network learn at all? What came of training it on a few batches again and again, and what that
 * says. */
#ifndef OVERFIT_H
#define OVERFIT_H

#include "compiler/base/arena.h"
#include "compiler/base/vec.h"
#include "runtime/image.h"
#include "runtime/kept_batches.h"

typedef enum {
    OVERFIT_LEARNS,  /* the loss came near zero, all answers became right */
    OVERFIT_SLOWLY,  /* more than half of the way, in the steps that it had */
    OVERFIT_NOT,     /* less */
    OVERFIT_DIVERGED /* a loss was not finite */
} OverfitVerdict;
extern const char *const overfit_verdict_names[]; /* "learns", … */

/* What the batches hold. */
typedef struct {
    double least, most;      /* of the values that the network is given */
    int64_t classes;         /* that occur; 0: labels are numbers */
    int64_t contradictions;  /* samples that are an earlier one with another label */
    double variance, spread; /* of labels that are numbers; the mean distance from their mean */
} OverfitLook;

typedef struct {
    int64_t batches, samples; /* samples of each */
    int64_t classes;          /* of the data; 0: labels are numbers */
    bool absolute;            /* the loss is the mean absolute error */
    int64_t steps, most;      /* updates that were made, and that were allowed */
    double rate;
    VEC(double) losses;            /* of each pass through the batches, the mean */
    double accuracy;               /* of the last pass; NAN: there is none */
    const char *dead, *dead_where; /* a layer that gives only zeros, and its line; or NULL */
    OverfitLook look;
} Overfit;

/** What the batches hold. Memory for one number a sample is taken from the arena. */
OverfitLook overfit_look(Arena *arena, const CnnImage *image, const KeptBatches *batches);

/** The loss from which a pass counts as near zero: a hundredth of the first, or of what a network without any
 * knowledge of the samples would reach, if that is less. */
double overfit_near_zero(const Overfit *overfit);

/** Whether the last pass was near zero, with all answers right where there is an accuracy. */
bool overfit_is_done(const Overfit *overfit);

OverfitVerdict overfit_verdict(const Overfit *overfit);

/** What to look at, a sentence each, what is most likely first; none where the network learns as it should.
 * In the arena. */
enum { OVERFIT_HINTS = 8 };
int overfit_hints(const Overfit *overfit, Arena *arena, const char *hints[OVERFIT_HINTS]);

#endif
