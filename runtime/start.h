/* The weights that a training starts from: those of --start, else of `start` in the recipe. */
#ifndef CNN_START_H
#define CNN_START_H

#include "runtime/report.h"
#include "runtime/weights.h"

/**
 * Opens the file, without the tensors that `start` calls new, tells the report what it has of the network,
 * and gives the data their measured values if they are in it. `flag`: the path of --start, or NULL. *out:
 * NULL where the training starts from nothing; what it has is copied by cnn_state_load, and it is closed by
 * the caller.
 *
 * Errors  CNN_BAD_INPUT: there is no such file; a tensor of another shape, with what can be done about it.
 */
CnnStatus cnn_start_open(const CnnImage *image, CnnData *data, const char *flag, Report *report,
                         WeightFile **out, CnnError *error);

#endif
