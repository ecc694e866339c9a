/* Predictions: what a trained network says to files that need not be part of any data. */
#ifndef CNN_PREDICT_H
#define CNN_PREDICT_H

#include <stdio.h>

#include "runtime/device.h"
#include "runtime/prediction.h"
#include "runtime/weights.h"

typedef struct {
    const char *weights; /* must be given */
    int64_t top;         /* classes told of each file, the most probable first; 0: one */
    bool json, csv;      /* in place of lines for people */
    int64_t batch;       /* 0: the image's, which it must not exceed */
    int threads;         /* 0: all cores */
    FILE *report;        /* the bar, and files that cannot be read; NULL: silent */
} PredictionOptions;

/** What is wrong with the options, and can be known before anything is opened. Errors: CNN_BAD_USAGE. */
CnnStatus cnn_prediction_check(const PredictionOptions *options, CnnError *error);

/**
 * Loads the weights, and what the data have measured, into a device and its data. Errors: CNN_BAD_INPUT,
 * where they belong to another network.
 */
CnnStatus cnn_prediction_load(const CnnImage *image, CnnData *data, const WeightFile *weights,
                              const char *path, CnnDevice *device, CnnError *error);
/** Readies the lines that the options ask for. */
CnnStatus cnn_prediction_open(const CnnImage *image, const CnnData *data, const PredictionOptions *options,
                              Prediction *out, CnnError *error);

/**
 * Prints a line for each file that can be read, in their order, to the standard output. `data` come from
 * cnn_data_open_loose with the same weights.
 *
 * Errors  CNN_BAD_INPUT: the weights belong to another network; at the end, how many files could not be read.
 */
CnnStatus cnn_predict(const CnnImage *image, CnnData *data, const WeightFile *weights,
                      const PredictionOptions *options, CnnError *error);

#endif
