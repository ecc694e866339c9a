/* From the forward graph to a whole training step: loss, backward, update, metrics; and to a whole evaluation
 * step. */
#ifndef DERIVE_H
#define DERIVE_H

#include "compiler/check/program.h"

/** The training step of a program, as a new graph. Errors (the loss does not fit) go to the program's diag:
 * NULL. */
Graph *derive_training(const Program *program);
/** The evaluation step: loss and metrics of a batch, no updates. */
Graph *derive_evaluation(const Program *program);

/**
 * The step that explains an evaluation, by grad-CAM (Selvaraju et al., "Grad-CAM: visual explanations from
 * deep networks via gradient-based localization", ICCV 2017, section 3): RESULT_OUTPUT as there, RESULT_VALUE
 * the map [batch, height, width, 1] of what speaks for the class that the label names, and RESULT_TOTAL the
 * sum of these classes' scores, before softmax or sigmoid. Of one output class 1 has the score, class 0 minus
 * that; where labels are numbers, the score is the output. The map lies over the values that the last
 * convolution of more than one pixel has become before their shape changes: behind its activation and what is
 * added to it. Errors (there is no such convolution) go to the program's diag: NULL.
 */
Graph *derive_explanation(const Program *program);

/**
 * Reverse-mode differentiation (Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3): adds to
 * `graph` the nodes of the gradient of the scalar `loss` with respect to each of `with_respect_to`.
 * gradients[i]: NODE_NONE where the loss does not depend on it.
 */
void autodiff(Graph *graph, NodeId loss, const NodeId *with_respect_to, int count, NodeId *gradients);
/**
 * The same for any node `output`, given `seed`, the gradient of something with respect to it (of its shape):
 * what flows on to `with_respect_to`.
 */
void autodiff_from(Graph *graph, NodeId output, NodeId seed, const NodeId *with_respect_to, int count,
                   NodeId *gradients);

/* A sum over the batch with more elements than this is not cut into slices: its partial sums would take more
 * time and memory than dividing the work along another axis. */
enum { SLICED_ELEMENTS_MOST = 200000 };

/** Makes activations again in the backward pass that would wait for it in memory. To be called before
 * choose_winograd. */
Graph *make_again(const Graph *graph);

/**
 * Rebuilds the graph so that each sum over the batch is made of one partial sum for each slice, added in the
 * order of the slices (docs/internals.md). Nodes that no result needs are left out.
 */
Graph *slice_sums(const Graph *graph);

/**
 * Rebuilds the graph with the tensors of the batch stored as `small`, DTYPE_BF16 or DTYPE_F16, but for values
 * (constants and their like, which are not stored), leaves, the nodes where keep_f32[id], and of f16 sums and
 * what only they read. Nodes that no result needs are left out. Arithmetic stays f32.
 */
Graph *store_small(const Graph *graph, Dtype small, const bool *keep_f32);

/**
 * Rebuilds the graph with its convolutions of 3x3 in f32, and their gradients, computed by Winograd's minimal
 * filtering: the same function with other rounding errors. tile 0: where that is faster, with the better
 * tiles; 2 or 4: wherever it can be, with tiles of this size (for tests). Nodes that no result needs are left
 * out. To be called before slice_sums.
 */
Graph *choose_winograd(const Graph *graph, int64_t tile);

/* What the machine's bf16 instructions can take. */
typedef struct {
    bool odd; /* odd numbers of channels, and pictures that are not bf16 */
} PairOptions;

/**
 * Rebuilds the graph so that products of tensors stored as bf16 and of weights read the weights as bf16, too,
 * in pairs of rows (ops/pairs.h). For machines with an instruction that multiplies such pairs.
 */
Graph *pair_weights(const Graph *graph, const PairOptions *options);

#endif
