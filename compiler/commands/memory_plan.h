/* The memory that a training will take, before it takes any. */
#ifndef MEMORY_PLAN_H
#define MEMORY_PLAN_H

#include "compiler/commands/model.h"

typedef struct {
    int threads;
    uint64_t bytes; /* of the network and the batches read ahead; UINT64_MAX: more than can be counted */
} MemoryPlan;

/** `train`, `eval`: the plans of the model's two programs. The samples that `cache` keeps are not counted. */
MemoryPlan memory_plan(const Model *model, const Plan *train, const Plan *eval);

#endif
