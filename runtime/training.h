/* A training: an image, its data, a device, and the loop over epochs. `cnnc run` and every standalone trainer
 * drive one. */
#ifndef CNN_TRAINING_H
#define CNN_TRAINING_H

#include <stdio.h>

#include "runtime/data/data.h"
#include "runtime/image.h"
#include "runtime/run/events.h"
#include "runtime/status.h"
#include "runtime/totals.h"

/* How good the weights are that a training ends with. */
typedef struct {
    Totals validation, test; /* without samples where the data have no such part */
} TrainingOutcome;

typedef struct {
    int64_t epochs, steps, batch; /* 0: as the recipe says. batch must not exceed the image's */
    int threads;                  /* 0: all cores */
    int loader_threads;           /* that read and decode samples; 0: as many as compute */
    uint64_t seed;
    bool seed_given;    /* else the recipe's `seed`, else 1 */
    const char *out;    /* run folder to make; NULL: runs/NAME-N */
    bool no_out;        /* no run folder */
    const char *resume; /* run folder to go on in, "": the newest of the model; NULL: a new training */
    bool anyway;        /* go on though the model or the data have changed */
    const char *start;  /* weight file to start from, or NULL */
    const char *save;   /* weight file to write at the end, or NULL */
    const char *log;    /* one JSON object a step, or NULL */
    bool quiet;         /* nothing is said but what went wrong */
    bool json;          /* events instead of lines, on the standard output */
    FILE *report;       /* summary, progress and epoch lines; NULL: silent */
    const char *label;  /* of one of several trainings: nothing but the progress line is shown, behind this */
    const char
        *varied;       /* what such a one has of its own, "width=0.5, seed=2"; NULL: it is a training alone */
    const char *point; /* the key of what it trains (compiler/commands/series.h); with `varied` */
    const RunListener *listener; /* hears all events, too; NULL: none */
    char **folder; /* gets the path of the run folder, freed by the caller, or NULL; NULL: not wanted */
    TrainingOutcome *outcome; /* filled in at the end; NULL: not wanted */
} TrainingOptions;

/** The key of all random numbers of a training. */
uint64_t cnn_training_seed(const TrainingOptions *options, const CnnRecipe *recipe);

/** Trains as the recipe says. Ctrl-C (SIGINT, SIGTERM) ends it after the running step with CNN_INTERRUPTED,
 * weights saved. */
CnnStatus cnn_train(const CnnImage *image, CnnData *data, const TrainingOptions *options, CnnError *error);

typedef struct {
    const char *weights; /* must be given */
    const char *outputs; /* .csv or .npy to write the network's outputs to, or NULL */
    int threads;
    bool validation; /* the validation part even where there is a test part */
    bool all;        /* all samples, whichever part they are in */
    FILE *report;
} EvaluationOptions;

/** Loss and metrics on the test part, or the validation part where there is none. */
CnnStatus cnn_evaluate(const CnnImage *image, CnnData *data, const EvaluationOptions *options,
                       CnnError *error);

/* The schemas of all statements of `train { }` and `schedule { }` that the runtime owns, NULL-terminated. */
extern const Schema *const train_schemas[];

#endif
