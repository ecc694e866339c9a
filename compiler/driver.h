/* The pipeline, from a model file to an image that can run. */
#ifndef DRIVER_H
#define DRIVER_H

#include "compiler/check/compile_args.h"
#include "compiler/check/program.h"
#include "compiler/cpu/tune.h"
#include "compiler/cuda/cuda.h"
#include "compiler/fuse/plan.h"
#include "runtime/image.h"

typedef void (*TuneReport)(void *context, int done, int count, const char *name);

/* What an image is made for. */
typedef enum {
    PURPOSE_TRAINING,   /* to train and to evaluate */
    PURPOSE_PREDICTION, /* to evaluate: image->train is the same program as image->eval */
    PURPOSE_EXPLANATION /* the same, and the program is that of derive_explanation */
} Purpose;

/* One invocation of the compiler: its options, and the memory of everything it makes. */
typedef struct {
    Arena *arena;
    Diag *diag;
    CheckOptions check;
    FusionOptions fusions;
    int threads; /* that compile; 0: all cores */
    Purpose purpose;
    bool exact;    /* convolutions as they are defined: none by Winograd's filtering */
    bool no_cache; /* neither read nor write the object cache */
    bool at_once;  /* driver_link returns as soon as the training can begin: code for evaluations, and better
                      code of kernels that take long to compile, is made while it runs */
    TuneMode tune;
    TuneReport tune_report; /* called as cpu_tune's progress; NULL: silence */
    const CpuTarget
        *target; /* set by session_open: this machine; until the first graph, it may become another */
    const CudaTarget *gpu; /* likewise: code is made for it, and not for the CPU; NULL: for the CPU */
} Session;

Session *session_open(void);
void session_close(Session *session);

/** Parses and checks. NULL after errors in the session's diag. Closes with the session: the program and its
 * data. */
Program *driver_check(Session *session, const char *path);
/** The same of a text in place of the file's; what it names lies where it would lie for the file. */
Program *driver_check_text(Session *session, const char *path, const char *text);

/** The graph of a whole step, after all rewrites: of training or of evaluation. NULL after errors in the
 * diag. */
Graph *driver_graph(Session *session, const Program *program, bool training);

/** The graph of the step that explains an evaluation, as derive_explanation makes it. */
Graph *driver_explanation(Session *session, const Program *program);

/** Its plan, lowered and scheduled: as earlier tunings found best, else by the cost model. */
Plan *driver_plan(Session *session, const Graph *graph);

/**
 * Tunes the kernels of a plan for at most `seconds`; *tuned, in the session's arena, tells of each, in the
 * order of link_kernels. false with a sentence in *complaint.
 */
bool driver_tune(Session *session, Plan *plan, double seconds, bool again, CpuTuned **tuned, int *count,
                 const char **complaint);

/* An image with the code it runs. */
typedef struct {
    CnnImage *image;
    Plan *train, *eval;
    Kernel **kernels; /* one for each function of the image, in its order */
    const char **symbols;
    int train_functions, functions; /* those of the training stand first */
    CpuObject *objects;             /* of the functions; NULL when loaded */
    CpuBuild *build;                /* NULL when not loaded */
    double seconds;                 /* from the program to here */
    int compiled, cached;           /* objects made, objects from the cache, up to here */
    int later;                      /* functions that get their code, or better code, later */
    const char *cache_complaint;    /* why there is no cache, or NULL */
} Linked;

/**
 * Compiles both programs, and loads the code if `load`: all of it, or, if the session says `at_once`, what
 * the training cannot begin without (cnn_image_await waits for the rest). false with a sentence in *complaint
 * when LLVM refuses, or after errors in the diag (*complaint is then NULL). Ended by driver_unlink.
 */
bool driver_link(Session *session, const Program *program, const char *summary, bool load, Linked *linked,
                 const char **complaint);
void driver_unlink(Linked *linked);

/* The passes between the checked program and the plan, in order: for `cnnc passes`. */
typedef struct {
    const char *name;
    const char *doc;
} PassInfo;
extern const PassInfo driver_passes[]; /* ends with a NULL name */

#endif
