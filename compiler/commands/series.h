/* Trainings one after another, each with its run folder: of several seeds, of the points of a sweep. What a
 * run trains has a key, which its folder keeps: so a series knows the trainings that an earlier one has done
 * or begun. */
#ifndef SERIES_H
#define SERIES_H

#include "compiler/commands/command.h"
#include "compiler/commands/run_record.h"
#include "compiler/commands/statistics.h"

/* What is trained, with each seed. */
typedef struct {
    FlagList defines, sets; /* -D and --set, of the command line too */
    const char *varied;     /* "width=0.5", "" */
} SeriesPoint;

typedef enum {
    SERIES_WAITS,
    SERIES_WRONG,  /* the model is wrong: `why` says what */
    SERIES_BEFORE, /* trained by an earlier series */
    SERIES_TRAINED /* by this one; or begun, or failed: `record` and `why` tell */
} SeriesState;

typedef struct {
    const SeriesPoint *point;
    const char *varied; /* the point's, and "seed=2" where there are several */
    uint64_t seed;
    const char *key; /* of what is trained; NULL: the model is wrong */
    SeriesState state;
    bool recorded;    /* `record` is of its run folder, made now or earlier */
    RunRecord record; /* path: the arena's */
    CnnStatus status;
    const char *why;      /* a sentence; "" when it has ended well */
    int compiled, cached; /* kernels */
} SeriesRun;

typedef struct Series {
    const Options *options;
    Arena *arena;
    const char *model; /* its name */
    SeriesRun *runs;   /* those of one point stand together */
    int count, seeds;
    bool goes_on;                                       /* with what earlier series have left */
    void (*ended)(void *context, const SeriesRun *run); /* called after each training; may be NULL */
    void *context;
} Series;

/**
 * Checks the model of each point, and finds out what earlier series have done of it. With several seeds they
 * are the command line's or the model's one and those that follow. Nothing is to be closed.
 *
 * Errors  printed; those of -D and --set, flags that cannot be in a series, a model that is wrong at every
 *         point, two points that are the same.
 */
CnnStatus series_open(const Options *options, const SeriesPoint *points, int count, int seeds,
                      Series *series);

/** Takes over the runs of earlier series that have ended, or that another process trains now, and notes those
 * that are to be gone on with; series_train looks again before each. Returns how many are known. */
int series_take_earlier(Series *series);

/**
 * Trains what is not trained yet. What fails does not end the series; Ctrl-C does.
 *
 * Errors  CNN_INTERRUPTED; nothing is printed of it.
 */
CnnStatus series_train(Series *series);

/** Whether it came to its end, and so has results. */
bool series_finished(const SeriesRun *run);
/** How many of the runs did. */
int series_count_finished(const SeriesRun *runs, int count);
/** The status of the first run that did not end well; CNN_OK: all did. */
CnnStatus series_status(const SeriesRun *runs, int count);

/** "finished", "diverged", "wrong", …; "" of a run that waits. */
const char *series_state_text(const SeriesRun *run);
/** A line for a run that has ended: its number, what varies, its folder, what came of it. */
const char *series_line(const Series *series, const SeriesRun *run);
/** The same as the members of a JSON object, from ", " on. */
void series_run_json(const Series *series, const SeriesRun *run, Text *out);

/* ---- Results of several runs ---- */

typedef struct {
    const char *key; /* "val_loss", "test_accuracy" */
    Statistics of;
} SeriesResult;
typedef VEC(SeriesResult) SeriesResults;

/** Loss and metrics of the runs that have finished: of the best epoch (of the validation part; where there is
 * none, of the training part), then of the test part. */
SeriesResults series_results(Arena *arena, const SeriesRun *runs, int count);
/** NULL: there is none of this key. */
const SeriesResult *series_result(const SeriesResults *results, const char *key);
/** The key of the results by which runs are compared, as `cnnc runs` does; NULL: nothing has finished. */
const char *series_watched(const SeriesRun *runs, int count);
/** Whether a smaller value of this key is better. */
bool series_falls(const char *key);
/** {"val_loss": {"count": 5, "mean": …, "deviation": …, "least": …, "most": …}, …} */
void series_results_json(const SeriesResults *results, Text *out);

#endif
