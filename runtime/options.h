/* The flags of a run, of an evaluation and of predictions, shared by cnnc and every standalone trainer. */
#ifndef CNN_OPTIONS_H
#define CNN_OPTIONS_H

#include "runtime/flags.h"

extern const Flag training_flags[];   /* of TrainingOptions (runtime/training.h) */
extern const Flag evaluation_flags[]; /* of EvaluationOptions */
extern const Flag prediction_flags[]; /* of PredictionOptions (runtime/predict.h) */

#endif
