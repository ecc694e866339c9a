/* The best epoch: a watched value, and where `stop` is to take them, a copy of the weights. */
#ifndef CNN_BEST_H
#define CNN_BEST_H

#include "runtime/totals.h"
#include "runtime/train_args.h"
#include "runtime/watched.h"

typedef struct {
    const StopArgs *args; /* NULL: the training does not end early, and the last weights are taken */
    Watched watched;
    double value;         /* best so far */
    int64_t epoch, since; /* of the best value, from 1, 0: none yet; epochs since */
    char *copy;           /* the weights of that epoch, one tensor after another; NULL without `stop` */
    char **names; /* of the copied tensors, by tensor of the image: STATE_BEST_PREFIX before its name */
    int count;    /* of names */
} Best;

/** Watches what `stop` says, or the loss: that of the validation part, where there is one. Errors: the recipe
 * watches a value that this training does not have. */
CnnStatus cnn_best_open(const CnnImage *image, bool validation, Best *best, CnnError *error);
void cnn_best_close(Best *best);

/** Of the copy; 0: there is none. */
uint64_t cnn_best_bytes(const Best *best, const CnnImage *image);

/** After an epoch: keeps the weights when they are the best, and says whether they are. `validation` may be
 * NULL. */
bool cnn_best_update(Best *best, CnnDevice *device, const CnnImage *image, int64_t epoch,
                     const Totals *training, const Totals *validation);

/** Whether `stop` ends the training. */
bool cnn_best_is_over(const Best *best);

/** Puts the best weights back. Does nothing when none were kept. */
void cnn_best_restore(const Best *best, CnnDevice *device, const CnnImage *image);

#endif
