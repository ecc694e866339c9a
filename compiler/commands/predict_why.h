/* `cnnc predict --why`: what in a picture speaks for a class. */
#ifndef PREDICT_WHY_H
#define PREDICT_WHY_H

#include "compiler/commands/model.h"
#include "runtime/weights.h"

/** What the options ask for that cannot be, before anything is opened. */
CnnStatus predict_why_check(const Options *options);

/** Prints the prediction of the one file that the model's data hold, and writes the picture. Prints what goes
 * wrong. */
CnnStatus predict_why_draw(Model *model, const Options *options, const WeightFile *weights);

#endif
