/* `mixup` and `cutmix`: samples of a batch mixed with each other, their labels too. The loader does it, when
 * a batch is whole (runtime/data/mix_batch.c). */
#ifndef CNN_MIX_H
#define CNN_MIX_H

#include "runtime/augment/augment.h"

extern const Schema augment_schema, mixup_schema, cutmix_schema;

/* What the data ask for. */
typedef struct {
    double mixup, cutmix; /* both parameters of the beta distribution; 0: not asked for */
} Mix;

/** Looks for the statements in the `data` section. */
Mix mix_of(CnnStatements data);
bool mix_wanted(const Mix *mix);

/* What a sample takes of another. */
typedef struct {
    double share; /* of the other one, 0 … 1: in its values, or of its area */
    bool piece;   /* rows top … bottom-1 and columns left … right-1 of it, or else all is blended */
    int64_t top, bottom, left, right;
} Mixture;

/** Draws a mixture; where both ways are asked for, one of them with a chance of one half. */
Mixture mix_draw(const Mix *mix, Draw *draw, int64_t height, int64_t width);
/** Mixes `other` into `own`, both [height, width, channels] and not the same memory. */
void mix_apply(const Mixture *mixture, int64_t height, int64_t width, int64_t channels, const float *other,
               float *own);

#endif
