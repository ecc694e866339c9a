/* Phases: which groups run together for a few samples at a time, and where the workers must wait for each
 * other. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/fuse/group.h"
#include "compiler/ir/op.h"

static bool reads_node(const Plan *plan, const Group *group, NodeId root)
{
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(plan->graph, group->members.items[i]);
        for (int k = 0; k < node->in_count; k++)
            if (plan_root(plan->graph, node->in[k]) == root)
                return true;
    }
    return false;
}

bool *group_order(const Plan *plan)
{
    size_t count = plan->groups.count;
    bool *before = NEW_ARRAY(plan->arena, bool, count *count);
    const int *maker = plan_makers(plan);
    for (size_t g = 0; g < count; g++) {
        const Group *group = &plan->groups.items[g];
        for (size_t i = 0; i < group->members.count; i++) {
            const Node *node = graph_node(plan->graph, group->members.items[i]);
            for (int k = 0; k < node->in_count; k++) {
                int made = maker[plan_root(plan->graph, node->in[k])];
                if (made >= 0 && made != (int)g)
                    before[g * count + (size_t)made] = true;
            }
        }
    }
    /* An update overwrites its target: everybody who reads the old value goes first. */
    for (size_t i = 0; i < plan->graph->results.count; i++) {
        const Result *result = &plan->graph->results.items[i];
        int writer = result->role == RESULT_UPDATE ? maker[plan_root(plan->graph, result->node)] : -1;
        for (size_t g = 0; writer >= 0 && g < count; g++)
            if ((int)g != writer && reads_node(plan, &plan->groups.items[g], result->target))
                before[(size_t)writer * count + g] = true;
    }
    return before;
}

typedef struct {
    Plan *plan;
    const bool *before;
    bool *done;         /* groups placed */
    bool *done_earlier; /* and in an earlier phase */
    int *order;
    size_t placed;
} Ordering;

static bool is_ready(const Ordering *ordering, size_t g, PhaseKind kind)
{
    size_t count = ordering->plan->groups.count;
    for (size_t h = 0; h < count; h++) {
        if (!ordering->before[g * count + h])
            continue;
        if (!ordering->done[h])
            return false;
        /* Inside a chunked phase only what belongs to the samples themselves may be read, not sums over the
         * batch. */
        bool same_phase = !ordering->done_earlier[h];
        if (kind == PHASE_CHUNKED && same_phase) {
            const Group *maker = &ordering->plan->groups.items[h];
            for (size_t i = 0; i < maker->outputs.count; i++)
                if (graph_type(ordering->plan->graph, maker->outputs.items[i])->lead != LEAD_BATCH &&
                    reads_node(ordering->plan, &ordering->plan->groups.items[g], maker->outputs.items[i]))
                    return false;
        }
    }
    return true;
}

/* Places every group of this kind that is ready, and those that become so. */
static void fill_phase(Ordering *ordering, PhaseKind kind, PhaseWhen when)
{
    Plan *plan = ordering->plan;
    size_t first = ordering->placed;
    for (bool again = true; again;) {
        again = false;
        for (size_t g = 0; g < plan->groups.count; g++) {
            const Group *group = &plan->groups.items[g];
            if (ordering->done[g] || group->chunked != (kind == PHASE_CHUNKED) || group->when != when ||
                !is_ready(ordering, g, kind))
                continue;
            ordering->done[g] = again = true;
            ordering->order[ordering->placed++] = (int)g;
        }
    }
    if (ordering->placed == first)
        return;
    memcpy(ordering->done_earlier, ordering->done, plan->groups.count * sizeof *ordering->done);
    *vec_push(plan->arena, &plan->phases) = (Phase){.kind = kind,
                                                    .when = when,
                                                    .first_group = (int)first,
                                                    .group_count = (int)(ordering->placed - first),
                                                    .chunk = 1};
}

static void order_groups(Plan *plan, const bool *before)
{
    size_t count = plan->groups.count;
    Ordering ordering = {.plan = plan, .before = before};
    ordering.done = NEW_ARRAY(plan->arena, bool, count);
    ordering.done_earlier = NEW_ARRAY(plan->arena, bool, count);
    ordering.order = NEW_ARRAY(plan->arena, int, count);
    /* What needs no sample (transposed kernels, an optimizer's step sizes) goes first, so that it divides no
     * phase. */
    fill_phase(&ordering, PHASE_WHOLE, WHEN_ALWAYS);
    while (ordering.placed < count) {
        size_t start = ordering.placed;
        fill_phase(&ordering, PHASE_CHUNKED, WHEN_ALWAYS);
        fill_phase(&ordering, PHASE_WHOLE, WHEN_ALWAYS);
        if (ordering.placed == start)
            fill_phase(&ordering, PHASE_WHOLE, WHEN_UPDATE);
        if (ordering.placed == start)
            fill_phase(&ordering, PHASE_CHUNKED, WHEN_UPDATE);
        if (ordering.placed == start)
            BUG("the groups wait for each other");
    }
    Group *sorted = NEW_ARRAY(plan->arena, Group, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = plan->groups.items[ordering.order[i]];
    plan->groups.items = sorted;
    plan->groups.capacity = count;
}

/* Bytes of one sample of what a chunked phase stores and reads. */
static uint64_t sample_bytes(const Plan *plan, const Phase *phase)
{
    uint64_t bytes = 0;
    for (int g = 0; g < phase->group_count; g++) {
        const Group *group = &plan->groups.items[phase->first_group + g];
        for (size_t i = 0; i < group->outputs.count; i++) {
            const Type *type = graph_type(plan->graph, group->outputs.items[i]);
            if (type->lead == LEAD_BATCH)
                bytes += (uint64_t)(type_elements(type) / type->dim[0]) * dtype_bytes(type->dtype);
        }
    }
    return bytes;
}

void make_phases(Plan *plan, uint64_t cache_bytes)
{
    bool *before = group_order(plan);
    order_groups(plan, before);
    for (size_t p = 0; p < plan->phases.count; p++) {
        Phase *phase = &plan->phases.items[p];
        if (phase->kind != PHASE_CHUNKED)
            continue;
        uint64_t bytes = sample_bytes(plan, phase);
        int64_t chunk = bytes ? (int64_t)(cache_bytes / bytes) : plan->graph->slice;
        phase->chunk = chunk < 1 ? 1 : chunk > plan->graph->slice ? plan->graph->slice : chunk;
        while (plan->graph->slice % phase->chunk)
            phase->chunk--; /* equal chunks: tiles of samples are all whole */
    }
}
