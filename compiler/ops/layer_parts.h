/* What several layers are made of: checks of shapes with the user's messages, parameters, windows. A check
 * that returns false has reported; the layer then returns POISON. */
#ifndef LAYER_PARTS_H
#define LAYER_PARTS_H

#include "compiler/ops/layer.h"
#include "compiler/ops/make.h"
#include "compiler/ops/onnx.h"
#include "compiler/ops/window.h"

/** For the make_* functions: the statement's span and the layer's name. */
Make layer_make(Build *build);

/** The type of a value of the graph being built; a copy, for nodes move. */
Type layer_type(Build *build, NodeId id);
/** "28x28x3": a value's shape as the user sees it. */
const char *layer_shape(Build *build, NodeId id);

/** `in` is [n, height, width, channels]. word: the statement's. */
bool layer_needs_picture(Build *build, const char *word, NodeId in);
/** `in` is [n, features]. */
bool layer_needs_vector(Build *build, const char *word, NodeId in);
/** A tensor of these dims can be had; `argument` is to blame if not. */
bool layer_fits(Build *build, const char *argument, NodeId in, int rank, const int64_t *dim);

/* The initial values of kernels: words of the parameter `init`, uniform ones first. */
#define INIT_WORDS "glorot he lecun glorot_normal he_normal lecun_normal"
#define INIT_FIELD(T)                                                                                        \
    FIELD(T, init, FIELD_WORD, .preset = "glorot", .words = INIT_WORDS, .named_only = true,                  \
          .doc = "initial kernel: uniform (glorot, he, lecun) or truncated normal; glorot as in Keras")

/* The bias: added or not; auto: unless batchnorm, which has its own, follows at once. */
typedef enum { BIAS_AUTO, BIAS_TRUE, BIAS_FALSE } Bias;
#define BIAS_FIELD(T)                                                                                        \
    FIELD(T, bias, FIELD_WORD, .preset = "auto", .words = "auto true false", .named_only = true,             \
          .doc = "whether a bias is added to each channel; auto: unless a batchnorm follows at once")

/** The parameter LAYER.part with random initial values for its last two dims (fan in, fan out), times the
 * window before them. NODE_NONE when it would be too large, which has been reported. */
NodeId layer_kernel(Build *build, const char *part, int rank, const int64_t *dim, int init);
/** The parameter LAYER.part of `channels` numbers. */
NodeId layer_vector(Build *build, const char *part, int64_t channels, double value);
/** Which of true and false `bias` means here. */
Bias layer_bias_choice(const Build *build, int bias);
/** value + LAYER.bias along the last dim, if the choice is to have one. */
NodeId layer_add_bias(Build *build, NodeId value, int bias);

/* The arguments of a window. */
typedef struct {
    Dims window, stride, dilation;
    Padding pad;
} WindowArgs;

#define WINDOW_MOST 1024
#define WINDOW_FIELD(T)                                                                                      \
    FIELD(T, window, FIELD_WINDOW, .least = 1, .most = WINDOW_MOST, .doc = "height x width of the window")
#define STRIDE_FIELD(T)                                                                                      \
    FIELD(T, stride, FIELD_WINDOW, .preset = "1", .least = 1, .most = WINDOW_MOST,                           \
          .doc = "pixels from one window to the next, height x width")
#define DILATION_FIELD(T)                                                                                    \
    FIELD(T, dilation, FIELD_WINDOW, .preset = "1", .least = 1, .most = WINDOW_MOST, .named_only = true,     \
          .doc = "pixels from one element of the window to the next")
#define PAD_FIELD(T)                                                                                         \
    FIELD(T, pad, FIELD_PADDING, .preset = "valid",                                                          \
          .doc = "zeros around the input: valid (none), same (so that the output has input / stride "        \
                 "pixels; the odd one at "                                                                   \
                 "bottom and right), N, or [top, bottom, left, right]")

/** The attrs of a window over a picture; false after an error: it does not fit. */
bool layer_window(Build *build, NodeId in, const WindowArgs *args, WindowAttrs *attrs);

#endif
