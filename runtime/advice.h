/* What can be said of a training by its losses: that the rate is too high or too low, that nothing is learnt,
 * that the samples are learnt by heart. It is fed with plain numbers, and says each remedy once. */
#ifndef CNN_ADVICE_H
#define CNN_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    ADVICE_DEAD,     /* a layer gives only zeros */
    ADVICE_RISING,   /* the loss rises from the start: the rate is too high */
    ADVICE_STILL,    /* the loss has not moved */
    ADVICE_SLOW,     /* it falls, but hardly: the rate is too low */
    ADVICE_BY_HEART, /* the validation's loss rises while the training's falls */
    ADVICE_SCALE,    /* gradients overflow f16 again and again */
    ADVICE_COUNT
} AdviceKind;

/* Mean and spread of numbers, as they come (Welford, Technometrics 4, 1962). */
typedef struct {
    int64_t count;
    double mean, squares; /* squares: of the differences from the mean, summed */
} Spread;

typedef struct {
    bool stops, augments;  /* the recipe has `stop`, `augment`: they need not be recommended */
    int64_t said;          /* 1 << AdviceKind of those that were */
    int64_t updates, done; /* of the epoch: expected, so far */
    int64_t all;           /* updates of the training */
    Spread start;          /* the first quarter of the first epoch's losses */
    Spread end;            /* the last quarter of this epoch's */
    int64_t epoch;         /* finished ones */
    double best;           /* the lowest loss of the validation, and the epoch that had it */
    int64_t best_epoch;
    double loss;     /* the training's, of the last epoch */
    int64_t falling; /* epochs in a row in which the training's loss fell */
} Advice;

/** `stops`, `augments`: see Advice. */
void advice_open(Advice *advice, bool stops, bool augments);

/** An epoch of so many updates begins; an update with this loss was made. All that is known of the training
 * so far stands in numbers, so that it may be kept within an epoch, too. */
void advice_epoch(Advice *advice, int64_t updates);
void advice_update(Advice *advice, double loss);

/* What is known at the end of an epoch. */
typedef struct {
    double loss, validation; /* mean losses; validation: NaN where there is no such part */
    double rate;             /* of the last update */
    const char *dead;        /* a layer that gives only zeros for a batch of the validation part; or NULL */
    const char *dead_where;  /* its line */
    double scale;            /* of f16's gradients (runtime/loss_scale.h); 0: there is none */
    int64_t skipped;         /* updates of the epoch in which they have overflowed */
} EpochEnd;

/** Whether it is worth a look for dead layers at the end of this epoch: the first, and one in which the loss
 * has not moved. */
bool advice_wants_dead(const Advice *advice);

typedef struct {
    char text[512]; /* a sentence */
} AdviceLine;

/** What there is to say after an epoch, and has not been said before. Returns the number of lines. */
int advice_end(Advice *advice, const EpochEnd *end, AdviceLine lines[ADVICE_COUNT]);

#endif
