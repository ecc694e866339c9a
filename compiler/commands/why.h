/* `cnnc predict --why`: what in a picture speaks for a class. */
#ifndef WHY_H
#define WHY_H

#include "compiler/commands/model.h"
#include "runtime/weights.h"

/** What the options ask for that cannot be, before anything is opened. */
CnnStatus why_check(const Options *options);

/** Prints the prediction of the one file that the model's data hold, and writes the picture. Prints what goes
 * wrong. */
CnnStatus why_draw(Model *model, const Options *options, const WeightFile *weights);

#endif
