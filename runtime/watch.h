/* A value of each epoch that a statement watches (`on=val_loss`): which one it is, and when it is better. */
#ifndef CNN_WATCH_H
#define CNN_WATCH_H

#include "runtime/totals.h"
#include "runtime/train_args.h"

typedef struct {
    int on;     /* Watched */
    int metric; /* of the program; -1: the loss */
} Watch;

/**
 * What `statement` watches by `on`, in a training that has a validation part or has none.
 *
 * Errors  CNN_BAD_INPUT: this training does not have the value; the statement is named with its place.
 */
CnnStatus cnn_watch_open(const CnnImage *image, bool validation, const CnnStatement *statement, int on,
                         Watch *out, CnnError *error);

/** Its value after an epoch; `validation` may be NULL where it is not watched. */
double cnn_watch_value(const Watch *watch, const Totals *training, const Totals *validation);

/** How much better `value` is than `best`: negative where it is worse. */
double cnn_watch_gain(const Watch *watch, double value, double best);

/** Its name: "val_accuracy". */
void cnn_watch_name(const Watch *watch, char *out, size_t bytes);

#endif
