/* The sections data and train, as the program holds them. */
#ifndef CHECK_RECIPE_H
#define CHECK_RECIPE_H

#include "compiler/check/section.h"

/** Reads `data` and opens it, unless the options say not to. Mistakes are reported. */
void recipe_read_data(Checker *checker);
/** Reads `train` into the program: loss, optimizer, batch, and all that is the runtime's. Mistakes are
 * reported. */
void recipe_read_train(Checker *checker);
/** What depends on both the training and the network: weights of classes, names of layers. Mistakes are
 * reported. */
void recipe_finish(Checker *checker, const Graph *graph);
/** Reads `compile`. */
void recipe_read_compile(Checker *checker);

#endif
