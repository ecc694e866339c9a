/* What a network that decides between classes took the samples of a part for, in the run folder. */
#ifndef CNN_ANSWERS_RECORD_H
#define CNN_ANSWERS_RECORD_H

#include <stdio.h>

#include "runtime/data/data.h"
#include "runtime/run/run_folder.h"
#include "runtime/scores.h"

/** Prints the wrong answers to a part that the network was surest of, first the surest, at most 24: an object
 * a line, "part", "sample", its name, "index" in the part, "class", "answer", "output". */
void cnn_mistakes_put(FILE *out, const CnnData *data, Part part, const AnswerList *answers);

/**
 * Writes two files of objects, a line each; nothing where there are no answers between classes.
 * FOLDER/classes.jsonl: how many samples of each class ("class") got each answer ("answer"), where any did;
 * FOLDER/mistakes.jsonl: what cnn_mistakes_put prints.
 */
CnnStatus cnn_answers_record(const RunFolder *folder, const CnnData *data, Part part,
                             const AnswerList *answers, CnnError *error);

#endif
