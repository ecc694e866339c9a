/* `cnnc explain`: what became of each line of a model. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "compiler/commands/bench.h"
#include "compiler/commands/kernels.h"

/* A layer that has a kernel of its own, and why it does. */
typedef struct {
    int layer;
    int other;           /* the layer whose kernel it is not in, or -1 */
    bool in[STEP_PARTS]; /* the parts of the step in which it is so */
    RefusalId why;
    const char *detail; /* or NULL */
} Apart;

typedef struct {
    Arena *arena;
    const Model *model;
    const Program *program;
    const KernelTable *table;
    int *line_of;        /* by layer: line of the model's text, from 1 */
    PartSums *bytes;     /* by layer + 1: moved in a step */
    PartSums *unfused;   /* the same with each operation in a kernel of its own */
    int unfused_kernels; /* of that */
    VEC(Apart) aparts;   /* in the order of the step */
    const Bench *bench;  /* NULL: not measured */
} Explanation;

/** Fills in all but `bench`, of the plan of `program`; arena, model and program are set. false after errors
 * in the session's diag. */
bool explain_fill(Explanation *explanation, const Plan *plan, bool training);

/** Bytes that a step moves, and that it would with each operation in a kernel of its own. */
void explain_bytes(const Explanation *explanation, double *moved, double *unfused);

/** A row of the table computes something of the layer. */
bool explain_row_has(const Explanation *explanation, const KernelRow *row, int layer);

/* ---- explain_text.c, explain_json.c ---- */
/** The model's text with notes under its lines. */
void explain_print(const Explanation *explanation, const char *text, size_t length, Text *out);
const char *explain_json(const Explanation *explanation);

#endif
