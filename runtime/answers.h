/* What a network says to the samples of a part: told class by class, and written to a file. */
#ifndef CNN_ANSWERS_H
#define CNN_ANSWERS_H

#include "runtime/answers_file.h"
#include "runtime/data/loader.h"
#include "runtime/report.h"

/* A sample's class, and the one that the network says. */
typedef struct {
    int64_t sample; /* index in the part */
    int32_t class_index, answer;
    float output; /* for the answer: how sure the network is */
} Answer;

typedef struct {
    const CnnData *data;
    Part part;
    int64_t columns;   /* of the network's output */
    int64_t classes;   /* 0: the answers are no classes */
    int64_t outputs;   /* classes that can be answered */
    int64_t all;       /* samples of the part */
    int64_t count;     /* answers so far */
    Answer *answer;    /* [all] */
    int64_t *samples;  /* [batch], of the batch that is written: indices in the part */
    int32_t *answers;  /* [batch], the same */
    AnswersFile *file; /* NULL: none */
    Report *report;    /* has a bar while it goes on; NULL: none */
    double begun;
} Answers;

/** For a part, by a network with `columns` outputs, in batches of at most `batch`. `file` and `report` are
 * the caller's; either may be NULL. */
CnnStatus answers_open(const CnnData *data, Part part, int64_t columns, int64_t batch, AnswersFile *file,
                       Report *report, Answers *out, CnnError *error);
void answers_close(Answers *answers);

/** Forgets what was answered: another evaluation begins. */
void answers_begin(Answers *answers);

/** Takes the outputs of a batch that the loader has lent. */
CnnStatus answers_add(Answers *answers, const CnnLoader *loader, const Batch *batch, const float *outputs,
                      CnnError *error);

/** Of each class, or of those with the smallest share: how many samples it has, the share that the network
 * got right, what it took the others for. Nothing where the answers are no classes. */
void answers_report(const Answers *answers);

#endif
