/* Reads batches ahead of the step on threads of its own. */
#ifndef CNN_LOADER_H
#define CNN_LOADER_H

#include "runtime/data/data.h"

typedef struct CnnLoader CnnLoader;

enum { LOADER_AHEAD = 4 }; /* batches that trainings and evaluations have decoded ahead */

typedef struct {
    const float *input; /* [samples, height, width, channels] */
    const void *label;  /* [samples], int32_t, MixedLabel or float */
    int64_t samples;    /* fewer than the batch in the last one, and where samples were skipped at the end */
    int64_t first;      /* position in the epoch of its first sample */
    bool last;          /* the epoch's last batch */
} Batch;

typedef struct {
    int64_t batch;
    bool drop_last; /* leave the last, smaller batch out */
    bool shuffle;   /* PART_TRAIN: order by cnn_permute(epoch), unless the data say `shuffle false` */
    int threads;    /* that decode; at least 1 */
    int ahead;      /* batches decoded ahead */
    void *
        memory; /* for the batches, cnn_loader_bytes of it: lent by the caller, perhaps to several loaders,
                 * of which one at a time is between its start and its stop. NULL: the loader takes its own */
} LoaderOptions;

/** Bytes of the batches that a loader keeps. False: more than can be counted. */
bool cnn_loader_bytes(const CnnData *data, const LoaderOptions *options, uint64_t *bytes);

/** Ring and threads for one part. All memory is taken here. A sample that cannot be read is left out (or
 * stops the training, as `bad` says): the epoch's last sample that is left takes its place, so that batches
 * stay full and the order does not depend on the threads. */
CnnStatus cnn_loader_open(CnnData *data, Part part, const LoaderOptions *options, CnnLoader **out,
                          CnnError *error);
void cnn_loader_close(CnnLoader *loader);

/** Before the first start: from now on nothing takes the place of a sample that cannot be read. Its batch is
 * smaller by it, and the others keep their order. */
void cnn_loader_keep_order(CnnLoader *loader);

/** Before the first start: from now on samples are as they are evaluated, neither augmented nor mixed. */
void cnn_loader_keep_plain(CnnLoader *loader);

/** Starts an epoch (from 0) at its batch number first_batch. Samples that are unreadable in batches before it
 * are not known then: how many replaced them, cnn_loader_set_replaced tells. */
CnnStatus cnn_loader_start(CnnLoader *loader, int64_t epoch, int64_t first_batch, CnnError *error);

/** Samples from the epoch's end that have taken the places of unreadable ones, up to the lent batch; and
 * those of an epoch that was just started in its middle. */
int64_t cnn_loader_replaced(const CnnLoader *loader);
void cnn_loader_set_replaced(CnnLoader *loader, int64_t replaced);

/** Ends the running epoch, if one is: the loader leaves its memory alone until the next start. */
void cnn_loader_stop(CnnLoader *loader);

/** Waits for the next batch and lends it until the following call. CNN_OK and samples 0 after the last; with
 * cnn_loader_keep_order any batch may have none, and `last` alone tells. */
CnnStatus cnn_loader_next(CnnLoader *loader, Batch *batch, CnnError *error);

/** What the next call of cnn_loader_next will lend, to read: input, label and samples, the rest is not told.
 * False: it is not there yet as it will be. */
bool cnn_loader_peek(CnnLoader *loader, Batch *batch);

/** Which sample of its part number i of the lent batch is: where samples were skipped, not `first` + i. */
int64_t cnn_loader_sample(const CnnLoader *loader, int64_t i);

/** Batches of an epoch when no sample is skipped. */
int64_t cnn_loader_batches(const CnnLoader *loader);
/** Samples that could not be read so far, and the reason for number i (path and cause). */
int64_t cnn_loader_skipped(const CnnLoader *loader);
int64_t cnn_loader_skipped_sample(const CnnLoader *loader, int64_t i); /* its number in the part */
const char *cnn_loader_skipped_reason(const CnnLoader *loader, int64_t i);
/** Seconds that cnn_loader_next waited since the last cnn_loader_start. */
double cnn_loader_waited(const CnnLoader *loader);

#endif
