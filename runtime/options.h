/* The flags of a run and of an evaluation, shared by `cnnc run`, `cnnc eval` and every standalone trainer. */
#ifndef CNN_OPTIONS_H
#define CNN_OPTIONS_H

#include "runtime/flags.h"

extern const Flag training_flags[];   /* of TrainingOptions (runtime/training.h) */
extern const Flag evaluation_flags[]; /* of EvaluationOptions */

#endif
