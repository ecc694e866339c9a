/* Loss and metrics of one part of the data, by the evaluation program. */
#ifndef CNN_EVALUATE_H
#define CNN_EVALUATE_H

#include "runtime/data/loader.h"
#include "runtime/answers.h"
#include "runtime/device.h"
#include "runtime/report.h"
#include "runtime/totals.h"

/** Opens a loader for a part of the data; *out is NULL when the part has no samples. `batch` is the most
 * samples at a time. `memory`: lent for the batches, see LoaderOptions. */
CnnStatus cnn_part_open(CnnData *data, Part part, int64_t batch, int threads, void *memory, CnnLoader **out,
                        CnnError *error);

/** Starts a loader whose batches are for the device's steps: cnn_loader_start. */
CnnStatus cnn_part_start(CnnDevice *device, CnnLoader *loader, int64_t epoch, int64_t first_batch,
                         CnnError *error);
/** After a step: lets the device begin to take the batch that the loader lends next. */
void cnn_part_expect(CnnDevice *device, CnnLoader *loader);

/** One step of an evaluation program. */
void cnn_evaluate_batch(CnnDevice *device, const CnnProgram *program, const Batch *batch, uint64_t seed);

/**
 * Goes through a part once. Ends early, with CNN_OK, when a signal came (cnn_interrupted). `answers`, with
 * room for the part, is told what the network says to each sample.
 *
 * Errors  CNN_BAD_INPUT when no sample could be read; the loader's; writing's.
 */
CnnStatus cnn_part_evaluate(CnnDevice *device, const CnnImage *image, CnnLoader *loader, uint64_t seed,
                            Answers *answers, Totals *totals, CnnError *error);

/**
 * Looks for a layer that gives only zeros for a batch; see scan_dead. *dead NULL: there is none, or the batch
 * is too small to tell.
 */
CnnStatus cnn_batch_dead(CnnDevice *device, const CnnImage *image, const Batch *batch, uint64_t seed,
                         const CnnBuffer **dead, CnnError *error);
/** The same for the first batch of a part. */
CnnStatus cnn_part_dead(CnnDevice *device, const CnnImage *image, CnnLoader *loader, uint64_t seed,
                        const CnnBuffer **dead, CnnError *error);

/** Numbers that the network says to a sample; 0: they are not kept. */
int64_t cnn_output_columns(const CnnProgram *program);

/** Checks that the data are such as the image was compiled for. */
CnnStatus cnn_data_fits(const CnnImage *image, const CnnData *data, CnnError *error);

#endif
