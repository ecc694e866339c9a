/* The scale of the loss under `precision f16`: what gradients are multiplied by, so that small ones are not
 * lost and large ones do not overflow (Micikevicius et al., Mixed precision training, ICLR 2018, section
 * 3.2). It grows after a number of good updates, and falls with each whose gradients overflow. The numbers
 * are those of PyTorch's GradScaler, but for its bounds. */
#ifndef CNN_LOSS_SCALE_H
#define CNN_LOSS_SCALE_H

#include "runtime/device.h"

static const double LOSS_SCALE_FIRST = 65536, LOSS_SCALE_LEAST = 1, LOSS_SCALE_MOST = 0x1p24;
enum { LOSS_SCALE_GOOD = 2000 /* updates after which it is doubled */ };

typedef struct {
    double value;     /* a power of two: to multiply by it and to divide rounds nothing */
    int64_t good;     /* updates since it has changed */
    int64_t skipped;  /* updates that were not made: the optimizer does not count them */
    int64_t of_epoch; /* of the epoch that is trained */
} LossScale;

void loss_scale_open(LossScale *scale);

/** Sets the members of a step's scalars that are the scale's. */
void loss_scale_set(const LossScale *scale, CnnScalars *scalars);

/**
 * After an update, whose gradients were `finite`: changes the scale. An update whose gradients are not was
 * not made, and is counted. False: they were not with the least scale either, so it is not its fault; the
 * scale stays.
 */
bool loss_scale_update(LossScale *scale, bool finite);

/** The same after a step that ends an update, and whose loss is finite. Of a program that does not scale:
 * true, and nothing is changed. */
bool loss_scale_heed(LossScale *scale, CnnDevice *device, const CnnProgram *program);

#endif
