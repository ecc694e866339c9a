/* Rewrites of a graph: each reads one and builds another. Those of the table change the function that is
 * learnt: they are off unless asked for by name. rewrite_pool_first keeps it. */
#ifndef REWRITE_H
#define REWRITE_H

#include "compiler/check/program.h"

typedef enum {
#define REWRITE(id, name, doc) REWRITE_##id,
#include "compiler/rewrite/rewrites.def"
#undef REWRITE
    REWRITE_COUNT
} RewriteId;

/* Layers that a rewrite can be done on: "conv1, maxpool1". */
typedef VEC(const char *) RewritePlaces;

typedef struct {
    const char *name;
    const char *doc;
    /** Adds the places in a forward graph, in the order of the graph. */
    void (*find)(const Graph *graph, RewritePlaces *places);
    /** Rewrites these places. map: by node of `graph`, room for all: its counterpart in the result. */
    Graph *(*apply)(const Graph *graph, const RewritePlaces *places, NodeId *map);
} Rewrite;
/* By RewriteId. */
extern const Rewrite rewrite_table[REWRITE_COUNT];

typedef struct {
    bool on[REWRITE_COUNT]; /* by RewriteId: asked for */
} RewriteOptions;

/**
 * The program with both its forward graphs rewritten as the options say; `program` itself is left as it is.
 * places[i], by RewriteId, becomes what rewrite i was done on: what both graphs allow.
 */
Program *rewrite_program(const Program *program, const RewriteOptions *options,
                         RewritePlaces places[REWRITE_COUNT]);

/**
 * Moves what grows with its argument (a bias, relu, tanh, …) behind the max-pool that follows it: max f(x) =
 * f(max x). Done on the forward graph, so that the backward pass, too, needs pooled values only. Equal also
 * in floating point: rounding is monotone.
 * map: by node of `graph`, room for all: the node of the result with its value, or NODE_NONE where there is
 * none any more.
 */
Graph *rewrite_pool_first(const Graph *graph, NodeId *map);

/* What the rows of the table are made of, each in the file of its name. */
#define REWRITE(id, name, doc)                                                                               \
    void rewrite_find_##name(const Graph *graph, RewritePlaces *places);                                     \
    Graph *rewrite_apply_##name(const Graph *graph, const RewritePlaces *places, NodeId *map);
#include "compiler/rewrite/rewrites.def"
#undef REWRITE

#endif
