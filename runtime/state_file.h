/* The state of a training in weight files: parameters and running statistics by their names, what the data
 * section measured
 * ("data.mean"), and in checkpoints the optimizer's state. */
#ifndef CNN_STATE_FILE_H
#define CNN_STATE_FILE_H

#include "runtime/data/data.h"
#include "runtime/device.h"
#include "runtime/weights.h"

/* What a file gave to an image. */
typedef struct {
    int found, wanted; /* tensors of the weights that are in the file; all of them */
    int unused;        /* tensors of the file that are neither weights nor measured nor state of this image */
    const char *other; /* of a tensor with another shape or type, which was the error; or NULL */
    char missing[256]; /* names of those that are not in the file, as many as fit */
    bool measured;     /* the data section has its measured values from the file */
} StateMatch;

/**
 * Compares a file with an image and its data (NULL: it has none), without changing anything.
 *
 * Errors  CNN_BAD_INPUT: a tensor of another shape or type (both are named); none of the image's tensors is
 * in it.
 */
CnnStatus cnn_state_match(const CnnImage *image, CnnData *data, const WeightFile *file, const char *path,
                          StateMatch *match, CnnError *error);

/** The same of a file that must have all: the weights, and what the data measure. Errors: CNN_BAD_INPUT, too,
 * where it lacks some of it. */
CnnStatus cnn_state_match_whole(const CnnImage *image, CnnData *data, const WeightFile *file,
                                const char *path, StateMatch *match, CnnError *error);

/** What a file has for one of the weights: where a checkpoint has its average, that. NULL: nothing. */
const NamedTensor *cnn_state_find(const WeightFile *file, const char *name);

/**
 * Compares the names of the data's classes with those that the file was trained on. CNN_OK where it names
 * none.
 *
 * Errors  CNN_BAD_INPUT: a class has another name (both are told): outputs would be taken for classes that
 * they are not.
 */
CnnStatus cnn_state_match_classes(const CnnData *data, const WeightFile *file, const char *path,
                                  CnnError *error);

/** Gives the data section the measured values of a file that matched. */
void cnn_state_load_measured(CnnData *data, const WeightFile *file);

/** Copies the weights of a file that matched into the device: of a checkpoint with `average` the averages.
 * With `everything`, all as it was: weights, averages, the optimizer's state. */
void cnn_state_load(CnnDevice *device, const CnnImage *image, const WeightFile *file, bool everything);

/** Tensors of the image, the optimizer's state among them, that are not in the file. */
int64_t cnn_state_missing(const CnnImage *image, const WeightFile *file);

/** A tensor's name and shape, with these bytes. */
NamedTensor cnn_state_named(const CnnTensor *tensor, const void *data);
/** The same of what the data section measured. */
NamedTensor cnn_state_measured(const Measured *measured);

/** Errors: CNN_DIVERGED, an element of the tensor is not finite. */
CnnStatus cnn_state_check(const CnnTensor *tensor, const void *data, CnnError *error);

/** The metadata of every weight file: key, value, …, NULL, of which each is freed by the caller, also on
 * failure. `room`: pointers that fit. */
CnnStatus cnn_state_metadata(const CnnImage *image, const CnnData *data, int64_t epoch, int64_t step,
                             char **metadata, int room, CnnError *error);

/* Before the names of the weights of the best epoch, which a checkpoint has beside the present ones. */
#define STATE_BEST_PREFIX "best."

/**
 * Writes a weight file.
 *
 * Errors  CNN_DIVERGED, and the old file stays, when a weight is not finite; CNN_NO_RESOURCE when it cannot
 * be written.
 */
CnnStatus cnn_state_save(CnnDevice *device, const CnnImage *image, CnnData *data, const char *path,
                         int64_t epoch, int64_t step, CnnError *error);

#endif
