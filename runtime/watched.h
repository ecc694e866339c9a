/* A value that decides something after each epoch, such as when to stop, by its name: `loss` or a metric of
 * the training, or of the validation with `val_` before it. */
#ifndef CNN_WATCHED_H
#define CNN_WATCHED_H

#include "runtime/totals.h"

typedef struct {
    const char *name; /* "val_f1" */
    bool validation;  /* of the validation part, else of the training */
    bool falls;       /* the smaller the better */
    int metric;       /* of the program; -1: the loss */
} Watched;

/**
 * Finds the value that `statement` (NULL: none of the recipe's) watches. `name` must outlive the result;
 * `validation`: the data have such a part.
 *
 * Errors  CNN_BAD_INPUT: this training does not have the value; what it has, or what brings it, is said.
 */
CnnStatus cnn_watched_find(const CnnImage *image, bool validation, const CnnStatement *statement,
                           const char *name, Watched *out, CnnError *error);

/** Its value after an epoch. `validation` is read only where the value is of that part. */
double cnn_watched_value(const Watched *watched, const Totals *training, const Totals *validation);

/** By how much `value` is better than `other`; below 0 where it is worse. */
double cnn_watched_gain(const Watched *watched, double value, double other);

#endif
