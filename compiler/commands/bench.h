/* `cnnc bench`: the time of a step, by kernel and by layer, beside what the machine can do at most. */
#ifndef BENCH_H
#define BENCH_H

#include "compiler/commands/kernels.h"
#include "compiler/commands/model.h"
#include "runtime/device.h"
#include "runtime/loss_scale.h"

/* What all workers together reach at most; 0: not measured. */
typedef struct {
    double flops;  /* f32 operations a second */
    double cache;  /* bytes a second, read from the cores' own caches */
    double memory; /* and from beyond them */
} Roof;

typedef enum { BOUND_COMPUTE, BOUND_CACHE, BOUND_MEMORY } Bound;
extern const char *const bound_names[];

typedef struct {
    int windows;
    double seconds; /* of a window, at least */
    int64_t images; /* random pictures, held in memory */
    bool evaluation;
} BenchOptions;

typedef struct {
    Arena *arena;
    const Model *model;
    const Linked *linked;
    BenchOptions options;
    const CnnProgram *program;
    const KernelTable *table;
    CnnDevice *device;
    LossScale scale;
    int threads;
    int64_t batches, number;           /* of pictures in memory; steps done */
    uint64_t input_bytes, label_bytes; /* of a batch */
    char *input, *label;
    double *windows;      /* seconds of a step, in the order measured */
    double seconds, best; /* their median and least */
    double delayed;       /* share of the windows in which other programs had the workers\' cores */
    double *kernels;      /* by row of the table: seconds of a step, shared by all workers */
    Roof roof;
    double first_step; /* seconds from the start of the process to the end of its first step */
    uint64_t memory;   /* the most that the process has had by then */
    /* The loader; 0 without data. */
    double loaded;     /* images a second that it delivers alone */
    double load_cores; /* seconds of a core that each of them takes */
    double waited;     /* share of the time that steps, fed by it, wait for it */
} Bench;

/* ---- bench_run.c ---- */
/** Opens the device, makes the first step, fills the memory with pictures. Ended by bench_close. */
CnnStatus bench_open(Bench *bench, const Model *model, const Linked *linked, const BenchOptions *options,
                     CnnError *error);
void bench_close(Bench *bench);
/** Times windows of steps. */
void bench_measure(Bench *bench);
/** Times each kernel, and the machine. */
void bench_profile(Bench *bench);
/** Times the loader, where the model has data: alone, then with steps, each for the seconds of a window. A
 * whole file of `cache disk` is read; none is begun. */
CnnStatus bench_loader(Bench *bench, CnnError *error);

/** What holds a kernel back most, by what it computes and moves; *share: of that limit, what it reaches. */
Bound bench_bound(const Bench *bench, int row, double *share);
/** Operations of a step. */
double bench_flops(const Bench *bench);
/** Indices of the table's rows, those that take longest first. */
int *bench_sorted(const Bench *bench);

/** Seconds of each layer's kernels, by layer + 1; [0]: of kernels of no layer. */
PartSums *bench_layers(const Bench *bench);

/* ---- bench_table.c, bench_json.c, bench_plot.c ---- */
void bench_print(const Bench *bench, bool quiet, Text *out);
/** A note where other programs had the cores; else nothing. */
void bench_print_delay(const Bench *bench, Text *out);
const char *bench_json(const Bench *bench);
/** Errors: CNN_NO_RESOURCE. */
CnnStatus bench_plot(const Bench *bench, const char *path, CnnError *error);

#endif
