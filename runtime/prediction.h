/* The lines of predictions: for people, as JSON, as a table. */
#ifndef CNN_PREDICTION_H
#define CNN_PREDICTION_H

#include <stdio.h>

#include "runtime/data/data.h"
#include "runtime/image.h"

typedef enum { PREDICTION_TEXT, PREDICTION_JSON, PREDICTION_CSV } PredictionForm;

/* A class, or a number that is none, and what the network says of it. */
typedef struct {
    int64_t class_index;
    double value; /* a share where `shares` */
} Ranked;

typedef struct {
    const CnnData *data;
    PredictionForm form;
    CnnOutput output;
    int64_t columns; /* of the network's output */
    int64_t classes; /* that it decides between; 0: its outputs are numbers */
    int64_t top;     /* of them, how many are told */
    bool shares;     /* values are probabilities, from 0 to 1 */
    Ranked *ranked;  /* [classes or columns] */
} Prediction;

/** For a network with `columns` outputs of the kind `output`. Errors: CNN_BAD_USAGE where `top` is given (not
 * 0) and the outputs are no classes. */
CnnStatus prediction_open(const CnnData *data, PredictionForm form, CnnOutput output, int64_t columns,
                          int64_t top, Prediction *out, CnnError *error);
void prediction_close(Prediction *prediction);

/**
 * Sets prediction->ranked from one sample's outputs: the classes with their shares, or their outputs where
 * these are no shares, the largest first, of equal ones the first; where there are no classes the outputs in
 * their order.
 */
void prediction_rank(Prediction *prediction, const float *outputs);

/** What stands above all lines: of a table the names of its columns. */
void prediction_begin(const Prediction *prediction, FILE *out);
/** The line of a file, from its outputs. */
void prediction_line(Prediction *prediction, const char *path, const float *outputs, FILE *out);

#endif
