/* `cnnc run --find-batch`: batches that were tried, and which of them to take. */
#ifndef FIND_BATCH_H
#define FIND_BATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t batch;
    uint64_t bytes; /* of the training's memory */
    double rate;    /* images a second; 0: not measured */
} BatchRow;

typedef struct {
    int fastest;   /* of the rows; -1: none was measured */
    int suggested; /* the model's own where that is as fast, else the smallest that is */
} BatchChoice;

/** `rows` by rising batches, `own` is the model's. */
BatchChoice batch_choose(const BatchRow *rows, int count, int64_t own);

/** Whether larger batches are worth measuring: not after two in a row that were hardly faster than the
 * fastest before them. */
bool batch_goes_on(const BatchRow *rows, int count);

/** The batch to be tried after `batch`: twice the power of two below it, but never past `own` or `most`. */
int64_t batch_next(int64_t batch, int64_t own, int64_t most);

#endif
