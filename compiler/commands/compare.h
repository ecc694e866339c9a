/* `cnnc compare`: the same network compiled in several ways, trained on the same batches from the same start,
 * turn by turn in one process. */
#ifndef COMPARE_H
#define COMPARE_H

#include "compiler/commands/model.h"
#include "runtime/kept_batches.h"
#include "runtime/training.h"

enum { VARIANTS_MOST = 64 };

/* Of all elements of all tensors that are learnt: where two variants differ most, relative to the largest
 * element of that tensor. */
typedef struct {
    double relative;    /* 0: the same, to the bit */
    const char *tensor; /* NULL: none differs */
} Difference;

typedef struct {
    const char *name;    /* as it was asked for: "no-epilogue", "stride_for_pool+bf16" */
    bool other_function; /* learns another one than the first variant: by rewrites, or by its precision */
    Model model;         /* shares all but the program and the rewrites with that of the comparison */
    Linked linked;       /* the training */
    Linked plain;        /* the same with the plainest optimizer: the gradients can be read off its weights */
    const char *rewritten; /* model_rewrites_text */
    /* Of one step: */
    int kernels;
    double flops, bytes; /* as the naive algorithms count; read and written */
    uint64_t memory;     /* of the whole training */
    double *rounds;      /* seconds: median of the steps of each round */
    double seconds;      /* median of the rounds */
    double loss;         /* mean of the last batch */
    /* From the first variant: */
    double loss_difference; /* the largest of all steps */
    Difference gradient;    /* of the first step */
    Difference weight;      /* after all steps of a round */
    bool trained;           /* for --epochs */
    TrainingOutcome outcome;
} Variant;

typedef struct {
    Arena *arena;
    Model *model;
    Variant *variants;
    int count;
    int64_t steps, warm_up; /* of a round: timed, at least, and before them */
    int rounds;
    int64_t epochs; /* 0: nothing is trained to be judged */
    int threads;
    double peak; /* f32 operations a second; 0: unknown */
    KeptBatches batches;
    double *losses;   /* of the first variant, by step */
    float **gradient; /* of the first variant, by tensor; then its weights */
    float **weight;
} Comparison;

/* ---- compare_variants.c ---- */
/** Takes apart "fused,unfused,…" (NULL: the preset; with `each` also every fusion left out), checks all
 * names, and compiles. Ended by variants_close. */
CnnStatus variants_open(Comparison *comparison, const char *names, bool each);
void variants_close(Comparison *comparison);

/* ---- compare_run.c ---- */
/** Reads the batches and measures all variants. */
CnnStatus compare_run(Comparison *comparison, CnnError *error);
/** Trains the first variant, and those that learn another function, as the model says, for
 * comparison->epochs.
 */
CnnStatus compare_train(Comparison *comparison, CnnError *error);

/* ---- compare_table.c ---- */
void compare_print(const Comparison *comparison, Text *out);
/** What the figures say, a sentence a line. */
const char *compare_verdict(const Comparison *comparison);
/** Index of the fastest. */
int compare_fastest(const Comparison *comparison);
/** Rounds in which `slower` took longer than `faster`. */
int compare_rounds_won(const Comparison *comparison, const Variant *faster, const Variant *slower);
/** The part that the accuracy is reported of, or NULL where there is none, and its name. */
const Totals *compare_judged(const Variant *variant, const char **part);
/** Share of the machine's peak; 0: unknown. */
double compare_share(const Comparison *comparison, const Variant *variant);

/* ---- compare_json.c ---- */
const char *compare_json(const Comparison *comparison);

/* ---- compare_plot.c ---- */
/** Errors: CNN_NO_RESOURCE. */
CnnStatus compare_plot(const Comparison *comparison, const char *path, CnnError *error);

#endif
