/* Metrics that are no sums over samples: they are made of the answers to all samples of a part at once. */
#ifndef CNN_SCORES_H
#define CNN_SCORES_H

#include "runtime/image.h"
#include "runtime/status.h"

/* A sample's class, and the one that the network says. */
typedef struct {
    int64_t sample; /* index in the part */
    int32_t class_index, answer;
    float output; /* for the answer: how sure the network is */
} Answer;

/* What was said to samples of a part. */
typedef struct {
    int64_t count; /* so far */
    Answer *item;  /* NULL: there is no room */
} AnswerList;

/* Of a class: its samples, the answers that name it, those of them that are right. */
typedef struct {
    int64_t samples, answers, right;
} Tally;

typedef struct {
    int64_t columns; /* of the network's output */
    int64_t classes; /* that can be answered: the columns, or 2 of one column */
    AnswerList answers;
    Tally *tally;    /* [classes]; room for counting */
    float *output;   /* [samples, columns], for `auc`; NULL where it is not asked for */
    float *positive; /* [samples]; room for sorting, likewise */
} Scores;

/** Room for the answers to at most `samples`. Errors: CNN_NO_RESOURCE. */
CnnStatus answers_list_open(int64_t samples, AnswerList *out, CnnError *error);
void answers_list_close(AnswerList *list);
/** Into a list with room for as many. */
void answers_copy(const AnswerList *from, AnswerList *to);
/** Orders by class, then by answer, for qsort. */
int answers_compare(const void *a, const void *b);

/** Whether `name` is such a metric: precision, recall, f1, auc. */
bool scores_know(const char *name);

/**
 * Room for a part of at most `samples`. The outputs are kept where one of the program's metrics needs them.
 *
 * Errors  CNN_NO_RESOURCE
 */
CnnStatus scores_open(const CnnProgram *program, int64_t columns, int64_t samples, Scores *out,
                      CnnError *error);
void scores_close(Scores *scores);

/** Adds a sample, by its index in the part, of class `class_index`; outputs: [columns]. Returns the answer:
 * the first of the largest outputs, as the metric `accuracy` decides, or of one output whether it is above
 * one half. */
int32_t scores_add(Scores *scores, int64_t sample, int32_t class_index, const float *outputs);

/** Counts the samples by class, in scores->tally. */
void scores_tally(Scores *scores);

/**
 * The value of a metric over the samples so far. precision, recall and f1 are means over the classes that
 * have a sample or an answer (0 where one is divided by nothing), auc that over the classes of the area under
 * the curve of true over false positives, one class against the rest; of two classes, that of class 1. NaN:
 * there is none.
 */
double scores_value(Scores *scores, const char *name);

#endif
