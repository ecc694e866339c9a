/* A layer: a statement that may stand in a model. Its schema says what the user may write; `build` checks
 * shapes, reports what does not fit, and builds the layer of ops. A layer stands in the file of the op or
 * idea it belongs to; layers.def lists all. */
#ifndef LAYER_H
#define LAYER_H

#include "compiler/ir/graph.h"
#include "compiler/ir/op.h"
#include "runtime/schema.h"

typedef struct Build Build;
typedef struct Body Body; /* the statements in a layer's `{ }` */

struct Onnx;
struct OnnxValue;
struct LayerUse;

typedef struct Layer {
    Schema schema;
    /** The layer's value, from the current value `in`; POISON after an error. args is the schema's struct.
     * body: NULL without
     * `{ }`. */
    NodeId (*build)(Build *build, const void *args, NodeId in, const Body *body);
    /** The layer in ONNX (compiler/ops/onnx.h), where that has an operator of its own for it. NULL: it is
     * made of its ops. */
    struct OnnxValue (*onnx)(struct Onnx *onnx, const struct LayerUse *use);
    /** Lines of a model's body, separated by " -> " or newlines, that use the layer on a small `input`; shown
     * in the docs, and run by every generic test (gradients, fused against unfused, kernels against the
     * interpreter). NULL-terminated. */
    const char *const *samples;
} Layer;

/* A layer of a graph: it made `out` of `in`. */
typedef struct LayerUse {
    const Layer *layer;
    const char *name;
    const void *args; /* the schema's struct */
    NodeId in, out;
} LayerUse;

/* By name, NULL-terminated; from layers.def. */
extern const Layer *const layer_table[];

/* ---- What `build` functions call (compiler/check/build.c) ---- */

Graph *build_graph(Build *build);
/** True while the training graph is built, false for evaluation: batchnorm. */
bool build_training(const Build *build);
/** True where layers that are random in training are so: dropout. */
bool build_is_random(const Build *build);
/** True where the layer's tensors stay as they are in training: batchnorm. */
bool build_is_frozen(const Build *build);
/** The statement being built. */
Span build_span(const Build *build);
/** The span of the argument that gave field `name`, or of the statement. */
Span build_argument_span(const Build *build, const char *name);
/** The name of the layer being built ("conv1", "basic3.conv1"). */
const char *build_layer_name(const Build *build);
/** True when the statement that follows in the chain is this word: `bias=auto` is off before batchnorm. */
bool build_next_is(const Build *build, const char *word);
/** The classes of the data set, 0 when there are none. */
int64_t build_classes(const Build *build);

/** Reports at an argument (or the statement, argument NULL) of the layer being built, with a note of where
 * `in`, if it is a value, got its shape. Returns POISON. */
NodeId build_error(Build *build, const char *argument, NodeId in, const char *slug, const char *format, ...)
    PRINTF_LIKE(5, 6);

/** Adds an op with the statement's span and layer name. */
NodeId build_op(Build *build, OpId op, const void *attrs, const NodeId *in, int in_count);
#define BUILD_OP(build, op, attrs, ...)                                                                      \
    build_op((build), (op), (attrs), (const NodeId[]){__VA_ARGS__},                                          \
             (int)(sizeof((const NodeId[]){__VA_ARGS__}) / sizeof(NodeId)))

/** The parameter LAYER.part. `decays`: a kernel. */
NodeId build_parameter(Build *build, const char *part, Type type, InitKind init, double init_a, bool decays);
/** The state LAYER.part (running statistics), saved with the weights. */
NodeId build_state(Build *build, const char *part, Type type, InitKind init, double init_a);
/** `state` becomes `value` after each training step. */
void build_update(Build *build, NodeId state, NodeId value);

/** Elaborates a body with `in` as its current value. */
NodeId build_body(Build *build, const Body *body, NodeId in);
/** The number of `branch` statements of a body, and the body of one. */
int build_branches(Build *build, const Body *body);
const Body *build_branch(Build *build, const Body *body, int index);
/** Builds another layer as part of this one, named LAYER.suffix: its args struct must be filled
 * (schema_presets first). */
NodeId build_layer(Build *build, const Layer *layer, const char *suffix, const void *args, NodeId in);

#endif
