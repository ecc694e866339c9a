/* The elaboration of a model into one forward graph, for training or for evaluation. */
#ifndef MODEL_H
#define MODEL_H

#include "compiler/check/bind.h"
#include "compiler/check/checker.h"
#include "compiler/check/lines.h"
#include "compiler/ops/layer.h"

/* Which layer made a value of what. */
typedef struct {
    const char *layer, *word;
    Span span;
    NodeId in, node;
} Origin;

typedef struct {
    Checker *checker;
    Graph *graph;
    bool training;
    NameMap layer_names; /* to Span: where each was named */
    VEC(Origin) origins; /* in the order they were built */
} Model;

/* The walk through a body, with the current value. */
typedef struct {
    Walk walk; /* first: the callback gets it */
    Model *model;
    Frame *frame;
    NodeId current; /* NODE_NONE before `input` */
} ModelWalk;

struct Body {
    const AstBody *ast;
    Scope *scope;
    Frame *frame;
    const Module *module;
    bool is_branched;   /* `branches` has been filled */
    VEC(Body) branches; /* of a body of IN_JOIN */
};

/* A layer while its `build` runs. */
struct Build {
    Model *model;
    const Bound *bound;
    const char *name;
    NodeId in; /* the current value */
    const Follow *follow;
    int64_t *parameters; /* of the statement, its inner layers' too */
};

/** Builds the graph of the main file's model; false after errors. Sets the parts of the program that belong
 * to it. */
bool model_build(Checker *checker, bool training);

/** A body's value, with `in` as the current one, and as `in` of its own. */
NodeId model_body(Model *model, const Body *body, NodeId in, const Follow *outer);
/** One statement: the value it makes of `in`. */
NodeId model_stage(ModelWalk *walk, Scope *scope, const AstStage *stage, const Follow *follow);
/** A call of a block (block.c). */
NodeId model_call(ModelWalk *walk, Scope *scope, const AstStage *stage, const Follow *follow,
                  const Block *block);
/** Walks a body whose scope is ready, and whose first current value is `in`. */
NodeId model_lines(Model *model, const Module *module, Frame *frame, const AstBody *body, Scope *scope,
                   NodeId in, const Follow *outer);

/** The name of a layer or a call: as given, or by word and number in its frame. NULL after an error. */
const char *model_name(Model *model, Frame *frame, const char *word, Span span, const char *given,
                       Span given_span);
/** Keeps what a layer made, where the graph of the evaluation is built. */
void model_keep_use(Model *model, const LayerUse *use);
/** Notes where a value got its shape, in the last message. */
void model_note_shape(const Model *model, NodeId in);
/** The layer that made a value, NULL for the input. */
const Origin *model_origin(const Model *model, NodeId node);

#endif
