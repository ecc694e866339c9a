/* Which tensors are learnt, and how fast: `start …, freeze=` and `rates`. */
#ifndef LEARNT_H
#define LEARNT_H

#include "compiler/ir/graph.h"
#include "runtime/recipe.h"

struct Checker;

/** Whether a tensor, or all of a layer's, stay as they are. */
bool learnt_is_frozen(const CnnRecipe *recipe, const char *name);

/** What the learning rate of a tensor is multiplied by. */
double learnt_rate_factor(const CnnRecipe *recipe, const char *name);

/** Reports patterns that name no tensor of the training graph, and a network of which nothing is learnt. */
void learnt_check(struct Checker *checker, const Graph *graph);

/** The parameters of the training graph that are frozen, counted. */
int64_t learnt_frozen_count(const CnnRecipe *recipe, const Graph *graph);

#endif
