/* What the layers of Keras ask of their configuration, and how they answer. */
#ifndef KERAS_USE_H
#define KERAS_USE_H

#include <cjson/cJSON.h>

#include "compiler/exchange/keras_weights.h"
#include "compiler/exchange/network.h"

typedef struct {
    Network *network;
    Arena *arena;
    KerasWeights weights;
    const char *file; /* name of the file, for messages */
    bool old;         /* of Keras 2 or before */
} KerasImport;

/* What a layer is called with: the value of a layer of the network, or a number. */
typedef struct {
    int layer; /* below 0: a number */
    double number;
} KerasArgument;

enum { KERAS_ARGUMENTS_MAX = 64 };

/* A call of a layer. */
typedef struct {
    KerasImport *import;
    const char *kind, *name; /* "Conv2D", "conv2d_3" */
    const cJSON *config;
    const char *path, *top; /* where its weights are: as in KerasVariable */
    KerasArgument in[KERAS_ARGUMENTS_MAX];
    int in_count;
    bool failed; /* an error has been reported */
} KerasUse;

/* The layers: the number of the network's layer that has the result; below 0 after an error. */
#define KERAS_LAYER(kind, function) int keras_##function(KerasUse *use);
#include "compiler/exchange/keras_layers.def"
#undef KERAS_LAYER

/** Carries out a call of a layer, by its kind. */
int keras_layer(KerasUse *use);
/** A whole model, called with the one value of `use`: as keras_layer. */
int keras_model(KerasUse *use);
/** The input that a model names itself: only of the whole network. Below 0 after an error. */
int keras_input(KerasUse *use, const cJSON *shape);
/** Applies the activation of the layer, if it has one, to what it gives. */
int keras_activation(KerasUse *use, int in);

/** Says what of the layer has no counterpart. Returns -1. */
int keras_refuse(KerasUse *use, const char *what);

/* Values of the configuration. One of another type is an error, which is found by keras_good. */

/** NULL: it is not there, or null. */
const cJSON *keras_item(const KerasUse *use, const char *key);
int64_t keras_integer(KerasUse *use, const char *key, int64_t preset);
double keras_real(KerasUse *use, const char *key, double preset);
bool keras_flag(KerasUse *use, const char *key, bool preset);
const char *keras_text(KerasUse *use, const char *key, const char *preset);
/** Whole numbers: `count` of them, or one for all. */
void keras_integers(KerasUse *use, const char *key, int count, int64_t *values);
/** Whether a key is left out, or one of these values, separated by blanks: "channels_last". */
bool keras_is(KerasUse *use, const char *key, const char *values);
/** Whether `axis`, a number or a list of one, is the last of the input's dimensions. */
bool keras_is_last_axis(KerasUse *use);
/** Whether no error has been found so far. */
bool keras_good(const KerasUse *use);

/** The first input, as a layer of the network; below 0 after an error, one where it is called with others,
 * too. */
int keras_value(KerasUse *use);
/** The same, which must be a picture. */
int keras_picture(KerasUse *use);
/** Whether a value has rows and columns. */
bool keras_is_picture(const KerasUse *use, int layer);

/* The variables of a layer, in Keras' order. */
typedef struct {
    const char *name; /* "depthwise_kernel" */
    const char *part; /* of the network's layer: "kernel"; NULL: read by keras_values alone */
    int rank;
    int64_t dim[KERAS_RANK_MAX];
} KerasTensor;

typedef struct {
    KerasTensor items[4];
    int count;
} KerasTensors;

/** Adds a variable of these extents. */
void keras_add_tensor(KerasTensors *tensors, const char *name, const char *part, int rank,
                      const int64_t *dim);
/** Whether the file has all of them, of their shapes; false after an error. Asked before memory is taken for
 * them. True where the source has no weights. */
bool keras_expect(KerasUse *use, const KerasTensors *tensors);
/** Reads those of this layer of the network, whose parts have as many elements and the same order. Returns
 * the layer, below 0 after an error. */
int keras_fill(KerasUse *use, const KerasTensors *tensors, int layer);
/** The values of variable i, in the arena; NULL where the source has no weights, and after an error. */
float *keras_values(KerasUse *use, const KerasTensors *tensors, int i);

#endif
