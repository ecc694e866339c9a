/* What a run tells a person: plain lines, and on a terminal one line that is written over while an epoch
 * runs. */
#ifndef CNN_REPORT_H
#define CNN_REPORT_H

#include <stdio.h>

#include "runtime/data/loader.h"
#include "runtime/loss_scale.h"
#include "runtime/totals.h"

typedef struct {
    FILE *out;         /* NULL: silent */
    bool terminal;     /* a progress line makes sense */
    bool open;         /* a progress line stands there */
    double shown;      /* when it was written last (cnn_clock) */
    bool advised;      /* what to do about waiting for data has been said */
    const char *label; /* not NULL: only the progress line is shown, behind this */
} Report;

/* Where a training is. */
typedef struct {
    int64_t epoch, epochs; /* from 1; 0 epochs: it is not known yet how many */
    int64_t done, of;      /* batches of this epoch */
    double seconds;        /* since the epoch began, without validation */
    double left;           /* seconds that the rest of the training will take */
    double waited;         /* seconds spent waiting for data */
    CacheState cached;     /* whether samples are decoded in every epoch, the first, or none */
    const CnnProgram *program, *evaluated; /* names of the metrics: of the training, of the validation */
    const Totals *totals;                  /* of this epoch so far */
    const Totals *validation;              /* NULL: none */
    const LossScale *scale;                /* NULL: none; of f16, what it has left out is told */
} Progress;

void report_open(Report *report, FILE *out);
/** Removes the progress line, so that the next line begins where it stood. */
void report_clear(Report *report);
/** A line of text. */
void report_line(Report *report, const char *format, ...) PRINTF_LIKE(2, 3);
/** The progress line: nothing unless on a terminal, and at most ten times a second. */
void report_progress(Report *report, const Progress *progress);
/** The same of any work: what, a bar, how much of it is done, the time that is left after `seconds`. */
void report_bar(Report *report, const char *what, int64_t done, int64_t of, double seconds);
/** The line of a finished epoch; below it, once, what to do where the data were the bound. */
void report_epoch(Report *report, const Progress *progress, double seconds_in_all);
/** "test  loss 0.25  accuracy 0.91  10000 images  2.1 s". */
void report_evaluation(Report *report, const char *part, const CnnProgram *program, const Totals *totals,
                       double seconds);
/** What has become of `cache`: nothing where the data do not say it. */
void report_cache(Report *report, const CacheUse *use);
/** A warning, once, where something has gone wrong with it. */
void report_cache_trouble(Report *report, CnnData *data);
/** The samples that a loader could not read: how many, and the first of them with the reasons. */
void report_skipped(Report *report, const CnnLoader *loader, const char *part);

#endif
