/* What happens in a training, told to whoever listens: the files of the run folder, and what shows a training
 * while it runs. Listeners may be slow or fail; the training's numbers do not depend on them. */
#ifndef CNN_EVENTS_H
#define CNN_EVENTS_H

#include <stdio.h>

#include "runtime/image.h"
#include "runtime/loss_scale.h"
#include "runtime/run/run_folder.h"
#include "runtime/scores.h"
#include "runtime/status.h"
#include "runtime/totals.h"

typedef enum {
    EVENT_START,      /* before the first step; of a training that is gone on with too */
    EVENT_STEP,       /* an update of the weights */
    EVENT_EPOCH,      /* the end of an epoch, after its validation */
    EVENT_CHECKPOINT, /* one has been handed to the writer */
    EVENT_NOTE,       /* a sentence that the user was told */
    EVENT_TEST,       /* the test part was evaluated */
    EVENT_END,        /* nothing follows */
    EVENT_KINDS
} EventKind;

extern const char *const event_names[EVENT_KINDS]; /* "start", "step", … */

/* Members that a kind does not name are zero. */
typedef struct {
    EventKind kind;
    double seconds;             /* that the training has run, interruptions not counted */
    int64_t epoch;              /* from 1 */
    int64_t step;               /* updates done */
    int64_t epochs, steps;      /* START: of the whole training; 0: a budget of time will tell */
    bool resumed;               /* START */
    const char *varied, *point; /* START: of one of several trainings, as TrainingOptions has them; or NULL */
    double rate;                /* STEP, EPOCH: learning rate */
    const Totals *training;     /* STEP: of this update; EPOCH: of the epoch */
    const Totals *other; /* EPOCH: of the validation part, NULL: there is none; TEST: of the test part */
    const CnnProgram *evaluated; /* with `other`: names its metrics */
    double took;                 /* STEP, EPOCH: seconds; EPOCH: of it training alone, `trained` */
    double trained, waited;      /* EPOCH: seconds; waited for data, a part of trained */
    const LossScale *scale;      /* EPOCH: of f16; NULL: none */
    bool best;                   /* EPOCH: the best one so far */
    const AnswerList *answers;   /* EPOCH: to the validation part; NULL: they are no classes */
    const char *text;            /* NOTE; CHECKPOINT: the file; END: why, "" where all steps are done */
    CnnStatus status;            /* END */
} RunEvent;

typedef struct RunListener {
    void (*hear)(void *self, const CnnProgram *program, const RunEvent *event);
    /* The last call; errors: some of what was heard is not kept. */
    CnnStatus (*close)(void *self, CnnError *error);
    void *self;
} RunListener;

enum { LISTENERS_MAX = 8 };

typedef struct {
    const CnnProgram *program; /* names the metrics of the training */
    int count;
    RunListener items[LISTENERS_MAX];
} RunListeners;

void cnn_listeners_add(RunListeners *listeners, RunListener listener);
void cnn_listeners_tell(const RunListeners *listeners, const RunEvent *event);
/** Closes all. Errors: the first of theirs. */
CnnStatus cnn_listeners_close(RunListeners *listeners, CnnError *error);

/** The event as the object that events.jsonl has of it, with its newline. */
void cnn_event_put(FILE *out, const CnnProgram *program, const RunEvent *event);

/** FOLDER/events.jsonl: an object a line. A training that is gone on with adds to it. */
CnnStatus cnn_events_file_open(const RunFolder *folder, RunListeners *listeners, CnnError *error);

/** The same objects into a stream, which stays open. */
void cnn_events_stream_open(FILE *out, RunListeners *listeners);

/** FOLDER/metrics.csv: a row for each epoch. Of a training that goes on, the rows after `epochs` epochs are
 * dropped: they will be written again. */
CnnStatus cnn_metrics_file_open(const RunFolder *folder, const CnnImage *image, int64_t epochs,
                                RunListeners *listeners, CnnError *error);

/** FOLDER/events.out.tfevents.…: loss, metrics, `rate` and `images_per_second` of the steps, and with
 * prefixes those of epochs (epoch_), validation (val_) and test (test_). A training of very many steps has
 * means over a few of them. One that is gone on with begins another file, which takes back what the files
 * before it say of later steps. */
CnnStatus cnn_tensorboard_open(const RunFolder *folder, RunListeners *listeners, CnnError *error);

#endif
