/* One sample as a person asks for it: found by what it is called, and seen as the source has it. */
#ifndef CNN_DATA_LOOK_H
#define CNN_DATA_LOOK_H

#include "runtime/data/data.h"

/**
 * Finds a sample by its name (cnn_data_name), by the end of its name from a '/' on, or by its number: the
 * source's, which counts from 0 through all parts.
 *
 * Errors  CNN_BAD_INPUT: there is none, or there are several.
 */
CnnStatus cnn_data_find(const CnnData *data, const char *text, PartSample *out, CnnError *error);

/** Whether the file at `path` is that of a sample, however its path is written. */
bool cnn_data_has_file(const CnnData *data, const char *path);

/** A sample before all stages. *unreadable: the sample alone is to blame, and a training would leave it out.
 */
CnnStatus cnn_data_stored(const CnnData *data, PartSample sample, Picture *out, bool *unreadable,
                          CnnError *error);

/** A class number, or a real number. */
double cnn_data_label(const CnnData *data, PartSample sample);

/** Whether an epoch of the training part sees other values of a sample than the one before. */
bool cnn_data_is_augmented(const CnnData *data);

/** Whether samples are sounds: what has rows then is a spectrum, whose first row is the lowest band. */
bool cnn_data_is_sound(const CnnData *data);

/** What a black and a white pixel are, [channels]: before all stages, or behind them. False: not known. */
bool cnn_data_stored_range(const CnnData *data, const float **black, const float **white);
bool cnn_data_seen_range(const CnnData *data, const float **black, const float **white);

/**
 * The stages that a sample goes through when it is evaluated, in their order: number 0, 1, …. *pointwise: how
 * each value is changed by itself, where that is all the stage does (runtime/transform/transform.h), else
 * NULL; its values must have been measured. Returns the stage's word, NULL: there are no more.
 */
struct Pointwise;
const char *cnn_data_stage(const CnnData *data, int number, const struct Pointwise **pointwise);

#endif
