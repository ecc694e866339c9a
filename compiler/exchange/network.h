/* A network on its way into the language: its layers in the words of .cnn, its weights in cnnc's layouts.
 * Readers of other formats build one with the functions below; network_text.c writes it down. Whatever a
 * reader has to know of how cnnc orders weights and pixels stands behind these functions. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/base/arena.h"
#include "compiler/base/diag.h"
#include "compiler/base/text.h"
#include "compiler/base/vec.h"

enum { NETWORK_TENSORS_MAX = 4 };

/* What a layer gives. A vector that was made of a picture (`flat`) keeps the picture's extents: most formats
 * number its elements channel by channel, cnnc pixel by pixel, and so what reads it by number is put in
 * order. */
typedef struct {
    int64_t height, width, channels;
    bool flat;
} ValueShape;

typedef struct {
    const char *part; /* "kernel", "gamma": what stands behind the layer's name */
    int rank;
    int64_t dim[4];
    float *value; /* in the network's arena */
} LayerTensor;

typedef struct {
    const char *word; /* of the language: "conv"; "input" for number 0 */
    const char *args; /* as they are written: "32, 3x3, pad=1"; "" for none */
    const char *name; /* in the source, or NULL; after network_text valid and unique */
    bool may_bias, has_bias;
    VEC(int) in;
    ValueShape shape;
    LayerTensor tensors[NETWORK_TENSORS_MAX];
    int tensor_count;
    int64_t margin[4];    /* of `pad`: a convolution behind it takes it over */
    double scale, offset; /* of `rescale`: another behind it takes them over */
} NetworkLayer;

typedef struct {
    Arena *arena;
    Diag *diag;
    Span at;            /* where the source defines what is being built, for messages; may be nowhere, */
    const char *where;  /* and then this says it: "net.onnx: node 'a' (Conv): "; else NULL */
    const char *name;   /* of the model: letters and digits */
    const char *source; /* "darknet.cfg": what it was made of, for the comment */
    bool has_weights;   /* else the source has none, and the tensors have no values */
    bool is_scaled;     /* the source says that its pixels go from low to high */
    double low, high;
    const char *class_names; /* each followed by a line's end; NULL: the source has none */
    const char *train;       /* statements of `train`, each ended by a new line */
    VEC(NetworkLayer) layers;
    int output;
} Network;

/* Each of these adds layers and returns the number of the last, whose value is that of the operation; -1
 * after an error in the diag. -1 as an input gives -1. `name` may be NULL. */

int network_input(Network *network, int64_t height, int64_t width, int64_t channels);

/** A layer that keeps the shape: an activation, dropout. `args` is "" or a text of the arena. */
int network_plain(Network *network, int in, const char *word, const char *args);
int network_softmax(Network *network, int in);
/** Multiplies each channel by a number of its own. */
int network_layer_scale(Network *network, int in, const char *name, const float *gamma);
/** x * scale + offset; together with a `rescale` before it, and nothing where it would change nothing. */
int network_rescale(Network *network, int in, double scale, double offset);

typedef struct {
    int64_t window[2], stride[2], dilation[2];
    int64_t pad[4]; /* top, bottom, left, right; below 0 at bottom and right: as much is not read */
} WindowSpec;
#define WINDOW_NONE                                                                                          \
    {                                                                                                        \
        {1, 1}, {1, 1}, {1, 1},                                                                              \
        {                                                                                                    \
            0, 0, 0, 0                                                                                       \
        }                                                                                                    \
    }

/** kernel: [filters][channels / groups][height][width], or NULL without weights, or where whoever calls fills
 * it in (network_tensor); bias: [filters], or NULL for none. */
int network_conv(Network *network, int in, const char *name, const WindowSpec *spec, int64_t filters,
                 int64_t groups, const float *kernel, const float *bias, bool has_bias);
/** kernel: [channels][filters][height][width]. */
int network_transposed(Network *network, int in, const char *name, const WindowSpec *spec, int64_t filters,
                       const float *kernel, const float *bias, bool has_bias);
/** kernel: [units][in], the inputs numbered as in the source, or NULL as of network_conv; a picture is
 * flattened first. */
int network_dense(Network *network, int in, const char *name, int64_t units, const float *kernel,
                  const float *bias, bool has_bias);
/** Each of gamma, beta, mean, variance has a value for each channel. `momentum`: the share of the old
 * statistics that is kept. */
int network_batchnorm(Network *network, int in, const char *name, double eps, double momentum,
                      const float *const values[4]);
/** gamma and beta, each a value for each channel, are 1 and 0 until whoever calls fills them in. */
int network_layernorm(Network *network, int in, const char *name, double eps);
int network_groupnorm(Network *network, int in, const char *name, int64_t groups, double eps);
/** The tensor of a layer that is called so, which must be there: where a source has cnnc's order, it is read
 * into the values, which are there where the source has weights. */
LayerTensor *network_tensor(Network *network, int layer, const char *part);
/** x * factor + offset, with a number for each channel: a `rescale` where they are all the same. */
int network_affine(Network *network, int in, const char *name, const float *factor, const float *offset);
/** word: maxpool, avgpool. */
int network_pool(Network *network, int in, const char *word, const WindowSpec *spec);
/** A vector of the averages, or the largest values, of all channels. */
int network_globalpool(Network *network, int in, const char *kind);
int network_flatten(Network *network, int in);
/** The same where the source numbers the elements pixel by pixel, as cnnc does. */
int network_flatten_pixels(Network *network, int in);
/** Adds a number to each channel: as the bias of the layer before, which has none and is read by nothing
 * else. */
int network_bias(Network *network, int in, const float *bias);
/** The picture of one pixel that a vector is; a picture stays. An error where a flattened picture had more
 * pixels. */
int network_picture(Network *network, int in);
/** The same numbers as a picture; height and width 0: as a vector. */
int network_reshape(Network *network, int in, int64_t height, int64_t width, int64_t channels);
int network_upsample(Network *network, int in, int64_t height, int64_t width, const char *method);
/** word: pad, crop; margin: top, bottom, left, right. */
int network_margin(Network *network, int in, const char *word, const int64_t margin[4]);
int network_split(Network *network, int in, int64_t count, int64_t first);
int network_shuffle(Network *network, int in, int64_t groups);
/** word: add, mul, concat, of at least two values. */
int network_join(Network *network, const char *word, const int *in, int count);

static inline ValueShape network_shape(const Network *network, int layer)
{
    return network->layers.items[layer].shape;
}
/** Elements of a value. */
static inline int64_t network_elements(const Network *network, int layer)
{
    ValueShape shape = network_shape(network, layer);
    return shape.height * shape.width * shape.channels;
}

/** Ends the network with the value of `output`; false after an error: it is no vector in the source's order.
 */
bool network_finish(Network *network, int output);

/** What a source says that does not tell how it was trained: its pixels go from 0 to 255 where it scales them
 * itself, and it trains on with a small rate and the loss that fits its output. After network_finish. */
void network_guess_training(Network *network);

/** As few digits as give a number of 32 bits back, as the language writes it: "1e-5". */
const char *network_number(Arena *arena, double number);

/** A name made valid: the language's letters, no digit in front, not too long. */
const char *network_plain_name(Arena *arena, const char *name, const char *otherwise);

/** The mistake that something of the source has no counterpart in cnnc: its place is network->at. Returns -1.
 */
int network_refuse(Network *network, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
