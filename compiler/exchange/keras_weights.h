/* The weights of a network of Keras, in HDF5. They lie in one of two ways: version 3's are numbered in each
 * layer ("layers/conv2d_1/vars/0"), older ones have names ("model_weights/conv/conv/kernel:0").
 *
 * Links out of the file, and data that are kept outside of it, are not followed. */
#ifndef KERAS_WEIGHTS_H
#define KERAS_WEIGHTS_H

#include <hdf5.h>

#include "compiler/check/name_map.h"

enum { KERAS_RANK_MAX = 4 };

typedef struct {
    Arena *arena;
    hid_t file;    /* below 0: there is none */
    bool by_names; /* the older way */
    NameMap paths; /* "layers/conv2d_1/vars/0", or TOP, LAYER and VARIABLE with a line's end between them, to
                      paths in the file */
} KerasWeights;

/* What a variable is called, in both ways. */
typedef struct {
    const char *path; /* of its layer, as version 3 counts them */
    const char *top;  /* the layer of the whole network that its layer is, or is in */
    const char *layer, *name;
    int number; /* in its layer */
} KerasVariable;

/** Opens a file, or one that is in memory, which is copied. `path`: for messages. */
CnnStatus keras_weights_open(KerasWeights *weights, const char *path, CnnError *error);
CnnStatus keras_weights_open_bytes(KerasWeights *weights, const char *path, void *bytes, size_t size,
                                   CnnError *error);
void keras_weights_close(KerasWeights *weights);

/** A text that the file as a whole has; NULL: it has none of this name. */
const char *keras_weights_text(const KerasWeights *weights, const char *name);

/** The extents of a variable: its rank; below 0: there is no such variable, or it is none of numbers. No more
 * numbers are told than the file can have. */
int keras_weights_dims(const KerasWeights *weights, const KerasVariable *variable,
                       int64_t dim[KERAS_RANK_MAX]);
/** Reads it; false where the file is damaged. */
bool keras_weights_read(const KerasWeights *weights, const KerasVariable *variable, float *out);

#endif
