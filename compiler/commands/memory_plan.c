#include "compiler/commands/memory_plan.h"

#include "runtime/data/loader.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

MemoryPlan memory_plan(const Model *model, const Plan *train, const Plan *eval)
{
    MemoryPlan plan = {.threads = model->session->threads ? model->session->threads : cnn_cores()};
    uint64_t batches = 0; /* read ahead */
    LoaderOptions loader = {.batch = model->program->batch, .ahead = LOADER_AHEAD};
    if (model->program->data && !cnn_loader_bytes(model->program->data, &loader, &batches))
        batches = UINT64_MAX;
    if (!cnn_add(plan_bytes(train, eval, plan.threads), batches, &plan.bytes))
        plan.bytes = UINT64_MAX;
    return plan;
}
