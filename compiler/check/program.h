/* The program: what the checker makes of a model file: forward graphs and recipe, with every name and shape
 * resolved. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "compiler/base/diag.h"
#include "compiler/derive/loss.h"
#include "compiler/ir/graph.h"
#include "compiler/optim/optimizer.h"
#include "runtime/data/data.h"
#include "runtime/image.h"
#include "runtime/recipe.h"

struct LayerUse; /* compiler/ops/layer.h */

/* One row of the layer table. */
typedef struct {
    const char *name; /* "conv1" */
    const char *word; /* "conv" */
    Span span;
    Span at;     /* the statement of the model's own text that it comes from: `span`, or a block's call */
    NodeId node; /* its value in the training graph */
    int64_t parameters;
    const Schema *schema; /* with its arguments */
    const void *args;
} LayerRow;

typedef enum { PRECISION_F32, PRECISION_BF16, PRECISION_F16 } Precision;

typedef struct Program {
    Arena *arena;
    Diag *diag;
    const char *name;    /* of the model */
    Graph *train, *eval; /* forward only: leaves, layers; the output as RESULT_OUTPUT; running statistics as
                            RESULT_UPDATE */
    NodeId train_logits, eval_logits; /* before a last softmax or sigmoid, NODE_NONE without one */
    bool softmax, sigmoid;            /* what the last layer is */
    Span output_span;                 /* of the last layer */
    VEC(LayerRow) layers;
    /* Of `eval`, in the order they were built: those in blocks, in bodies and in other layers, too. */
    VEC(struct LayerUse) eval_layers;
    CnnRecipe recipe;
    CnnData *data;   /* open; owned by the session. NULL when the program was checked without data */
    bool sourceless; /* the data section has stages, but no source; loose files can take its place */
    const Loss *loss;
    const void *loss_args;
    Span loss_span;
    const float *class_weights; /* NULL: none */
    const Optimizer *optimizer;
    const void *optimizer_args;
    double clip_norm, clip_value; /* 0: none */
    bool guarded;                 /* state changes only where loss and gradients are finite */
    double average;     /* share of the weights' moving average that a step keeps; 0: there is none */
    int64_t accumulate; /* micro-batches summed for one update, 1: none */
    bool joined;        /* `exact`: batch is all those of an update, more than is written */
    Precision precision;
    Names metrics; /* that the recipe asks for */
    Span metrics_span;
    int64_t batch;
    CnnStatements compile; /* statements of `compile { }` */
    VEC(CnnSource)
    sources; /* the model as text with all that the command line said, and the files it imports */
} Program;

/* What the command line has the last word on. */
typedef struct {
    const char *const *defines; /* "width=0.5" */
    int define_count;
    const char *const *sets; /* "train.batch=64": section.statement[.parameter]=value */
    int set_count;
    int64_t batch;         /* 0: as the model says */
    int64_t epochs, steps; /* both 0: as the model says; else instead of what it says of either */
    int64_t seed;
    bool seed_given;
    bool by_heart;     /* a training that is to learn its samples by heart: nothing is dropped at random,
                          labels are not smoothed */
    bool without_data; /* do not open the data; `input` must then give its shape */
    const LooseRequest *loose; /* files that the data are opened with in place of their own; NULL: none */
    const char *weights;       /* as CnnRecipe has it */
} CheckOptions;

/** Parses and checks a model file. NULL after errors in `diag`. */
Program *program_check(Arena *arena, Diag *diag, const char *path, const CheckOptions *options);
/** The same for a text that is not in a file. `name` stands for the path. */
Program *program_check_text(Arena *arena, Diag *diag, const char *name, const char *text,
                            const CheckOptions *options);

void program_print(const Program *program, Text *out);
/** Its sections but for the model, with these statements as its data and its training. */
void program_print_sections(const Program *program, CnnStatements data, CnnStatements train, Text *out);

/** A copy of the statements of a section in which `path` has replaced the paths of files and folders;
 * those inside an archive stay. */
CnnStatements program_with_paths(Arena *arena, CnnStatements list,
                                 const char *(*path)(const void *context, const char *text),
                                 const void *context);

/** All that decides what is learnt, written out: the layers, the data, the training but for its length. Two
 * programs of the same text learn the same from the same samples. */
const char *program_recipe_text(const Program *program);

#endif
