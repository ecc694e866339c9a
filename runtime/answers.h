/* What a network says to the samples of a part: told class by class, and written to a file. */
#ifndef CNN_ANSWERS_H
#define CNN_ANSWERS_H

#include "runtime/answers_file.h"
#include "runtime/data/loader.h"
#include "runtime/report.h"
#include "runtime/scores.h"

typedef struct {
    const CnnImage *image;
    const CnnData *data;
    int64_t classes;   /* 0: the answers are no classes */
    int64_t all;       /* samples of the part */
    Scores scores;     /* the answers so far, where they are classes */
    int64_t *samples;  /* [batch], of the batch that is taken: indices in the part */
    int32_t *answers;  /* [batch], the same */
    AnswersFile *file; /* NULL: none */
    Report *report;    /* has a bar while it goes on; NULL: none */
    double begun;
} Answers;

/** For a part of at most `samples`, that the image's network is evaluated on. `file` and `report` are the
 * caller's. Errors: CNN_BAD_INPUT, the recipe's `metrics` need classes, and the outputs decide between none;
 * CNN_NO_RESOURCE. */
CnnStatus answers_open(const CnnImage *image, const CnnData *data, int64_t samples, AnswersFile *file,
                       Report *report, Answers *out, CnnError *error);
void answers_close(Answers *answers);

/** Begins to go through a part. */
void answers_begin(Answers *answers);

/** Takes the outputs of a batch that the loader has lent. */
CnnStatus answers_add(Answers *answers, const CnnLoader *loader, const Batch *batch, const float *outputs,
                      CnnError *error);

/** Gives the metrics of the evaluation program that are no sums their values. */
void answers_metrics(Answers *answers, Totals *totals);

/** Of each class, or of those with the smallest share: how many samples it has, the share that the network
 * got right, what it took the others for. Nothing where the answers are no classes. */
void answers_report(Answers *answers, Report *report);

/** Whether the recipe's `metrics` ask for the table of classes and answers. */
bool answers_confusion_wanted(const CnnImage *image);
/** Prints it where it is asked for: of more than 20 classes, what is mixed up most often. The last thing to
 * be done with the answers, whose order it changes. */
void answers_report_confusion(Answers *answers, Report *report);

#endif
