/* A model of Keras as it is built in memory, and then written. */
#ifndef KERAS_MODEL_H
#define KERAS_MODEL_H

#include <cjson/cJSON.h>

#include "compiler/base/vec.h"
#include "compiler/check/name_map.h"
#include "compiler/exchange/keras_export.h"
#include "compiler/ops/layer.h"

enum { KERAS_VARIABLES_MAX = 4, KERAS_INPUTS_MAX = 64 };

typedef struct {
    int rank;
    int64_t dim[4];
    const float *data;
} KerasValues;

struct KerasLayer;

/* What a layer gives: [samples, rows, columns, channels], or [samples, numbers]. */
typedef struct {
    struct KerasLayer *layer; /* of the model; NULL: none, after an error */
    int rank;
    int64_t dim[4]; /* dim[0] is that of the samples, of any number */
} KerasOutput;

typedef struct KerasLayer {
    const char *kind, *name; /* "Conv2D", "conv1" */
    const char *group;       /* its number among its kind, as weight files have it: "conv2d_3" */
    VEC(struct KerasLayer *) in;
    int depth; /* the most layers between it and the output */
    int index; /* in the order in which a search from the output meets the layers; -1: not met */
    KerasValues variables[KERAS_VARIABLES_MAX];
    int variable_count;
    cJSON *json; /* in the model's */
} KerasLayer;

typedef struct {
    Arena *arena;
    const Program *program;
    const KerasOptions *options;
    const LayerUse **uses; /* by node: the layer that made it, and has a translation; or NULL */
    KerasOutput *values;   /* by node; not made yet where layer is NULL */
    NameMap names;
    cJSON *json, *layers; /* the whole, and its list of layers */
    VEC(KerasLayer *) order;
    CnnError *error;
} KerasModel;

/** The value of a node of the graph. */
KerasOutput keras_node(KerasModel *model, NodeId node);
/** Adds a layer, whose config takes what follows. `out`: as what it gives, without its layer's name; `wish`:
 * what it is to be called. */
KerasLayer *keras_add_layer(KerasModel *model, const char *kind, const char *wish, const KerasOutput *in,
                            int in_count, KerasOutput *out);
/** Where the arguments of a layer stand. */
cJSON *keras_config(const KerasLayer *layer);
void keras_set_integers(KerasLayer *layer, const char *key, int count, const int64_t *values);
/** The variable that is LAYER.part, as it is; false: there is none. */
bool keras_add_variable(KerasModel *model, KerasLayer *layer, const char *name, const char *part);

/** A layer of the language; without a layer's name after an error. NULL: Keras has none for it. */
typedef KerasOutput KerasTranslate(KerasModel *model, const LayerUse *use);
KerasTranslate *keras_translation(const Layer *layer);

/** x * factor + offset with a number for each channel, as a layer Rescaling. */
KerasOutput keras_scaled(KerasModel *model, const char *name, KerasOutput in, const float *factor,
                         const float *offset);
/** The sum or the product of two values: "Add", "Multiply". */
KerasOutput keras_joined(KerasModel *model, const char *kind, const KerasOutput *in, int count);

/** Puts the layers into the order that Keras will have them in, by which it numbers their weights. */
void keras_order(KerasModel *model, KerasLayer *output);

/** Writes the files' bytes: weights as an HDF5 file in memory, in the arena. */
CnnStatus keras_weights_image(const KerasModel *model, void **bytes, size_t *size, CnnError *error);

#endif
