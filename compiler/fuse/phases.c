/* Phases: which groups run together for a few samples at a time, and where the workers must wait for each
 * other. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/fuse/group.h"
#include "compiler/ir/op.h"

typedef VEC(int) GroupList;

/* By node: the groups that read its memory, each once, in their order. */
static GroupList *find_readers(const Plan *plan)
{
    GroupList *readers = NEW_ARRAY(plan->arena, GroupList, plan->graph->nodes.count);
    for (size_t g = 0; g < plan->groups.count; g++) {
        const Group *group = &plan->groups.items[g];
        for (size_t i = 0; i < group->members.count; i++) {
            const Node *node = graph_node(plan->graph, group->members.items[i]);
            for (int k = 0; k < node->in_count; k++) {
                GroupList *list = &readers[plan_root(plan->graph, node->in[k])];
                if (list->count == 0 || list->items[list->count - 1] != (int)g)
                    *vec_push(plan->arena, list) = (int)g;
            }
        }
    }
    return readers;
}

static bool is_among(int group, const GroupList *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == group)
            return true;
    return false;
}

bool *group_order(const Plan *plan)
{
    size_t count = plan->groups.count;
    bool *before = NEW_ARRAY(plan->arena, bool, count *count);
    const int *maker = plan_makers(plan);
    const GroupList *readers = find_readers(plan);
    for (NodeId id = 0; id < plan->graph->nodes.count; id++)
        for (size_t i = 0; maker[id] >= 0 && i < readers[id].count; i++)
            if (readers[id].items[i] != maker[id])
                before[(size_t)readers[id].items[i] * count + (size_t)maker[id]] = true;
    /* An update overwrites its target: everybody who reads the old value goes first. */
    for (size_t i = 0; i < plan->graph->results.count; i++) {
        const Result *result = &plan->graph->results.items[i];
        int writer = result->role == RESULT_UPDATE ? maker[plan_root(plan->graph, result->node)] : -1;
        const GroupList *list = &readers[result->target];
        for (size_t k = 0; writer >= 0 && k < list->count; k++)
            if (list->items[k] != writer)
                before[(size_t)writer * count + (size_t)list->items[k]] = true;
    }
    return before;
}

typedef struct {
    Plan *plan;
    GroupList *needs;   /* by group: those that come before it */
    GroupList *needers; /* by group: those that come after it */
    int *missing;       /* by group: how many of its needs are not yet placed */
    GroupList *readers; /* by node: the groups that read its memory */
    bool *done;         /* groups placed */
    bool *done_earlier; /* and in an earlier phase */
    int *order;
    size_t placed;
} Ordering;

static bool is_ready(const Ordering *ordering, size_t g, PhaseKind kind)
{
    if (ordering->missing[g] > 0)
        return false;
    for (size_t i = 0; i < ordering->needs[g].count; i++) {
        int h = ordering->needs[g].items[i];
        /* Inside a chunked phase only what belongs to the samples themselves may be read, not sums over the
         * batch. */
        bool same_phase = !ordering->done_earlier[h];
        if (kind == PHASE_CHUNKED && same_phase) {
            const Group *maker = &ordering->plan->groups.items[h];
            for (size_t k = 0; k < maker->outputs.count; k++)
                if (graph_type(ordering->plan->graph, maker->outputs.items[k])->lead != LEAD_BATCH &&
                    is_among((int)g, &ordering->readers[maker->outputs.items[k]]))
                    return false;
        }
    }
    return true;
}

/* Larger than what it is made of, and made for one reader: the tiles of a picture; or made again for it. */
static bool is_made_late(const Plan *plan, const Group *group)
{
    const Node *anchor = group->anchor == NODE_NONE ? NULL : graph_node(plan->graph, group->anchor);
    if (anchor)
        return anchor->op == OP_winograd_input;
    for (size_t i = 0; i < group->members.count; i++)
        if (graph_node(plan->graph, group->members.items[i])->op == OP_again)
            return true;
    return false;
}

/* Is a reader of group `g` waiting for nothing else, or for others of its kind? */
static bool is_waited_for(const Ordering *ordering, int g)
{
    const Plan *plan = ordering->plan;
    for (size_t r = 0; r < ordering->needers[g].count; r++) {
        const GroupList *needs = &ordering->needs[ordering->needers[g].items[r]];
        bool waits = true;
        for (size_t i = 0; i < needs->count && waits; i++)
            waits =
                ordering->done[needs->items[i]] || is_made_late(plan, &plan->groups.items[needs->items[i]]);
        if (waits)
            return true;
    }
    return false;
}

/* Nothing that it makes is the samples' own: sums and metrics. */
static bool only_sums(const Plan *plan, const Group *group)
{
    for (size_t i = 0; i < group->outputs.count; i++)
        if (graph_type(plan->graph, group->outputs.items[i])->lead == LEAD_BATCH)
            return false;
    return true;
}

/* The next group to be placed: one that only sums, since after it what it reads may be overwritten; else the
 * first that is ready. -1: none is. */
static int next_ready(const Ordering *ordering, PhaseKind kind, PhaseWhen when)
{
    int first = -1;
    for (size_t g = 0; g < ordering->plan->groups.count; g++) {
        const Group *group = &ordering->plan->groups.items[g];
        if (ordering->done[g] || group->chunked != (kind == PHASE_CHUNKED) || group->when != when ||
            !is_ready(ordering, g, kind) ||
            (is_made_late(ordering->plan, group) && !is_waited_for(ordering, (int)g)))
            continue;
        if (only_sums(ordering->plan, group))
            return (int)g;
        first = first < 0 ? (int)g : first;
    }
    return first;
}

/* Places every group of this kind that is ready, and those that become so. */
static void fill_phase(Ordering *ordering, PhaseKind kind, PhaseWhen when)
{
    Plan *plan = ordering->plan;
    size_t first = ordering->placed;
    for (int g; (g = next_ready(ordering, kind, when)) >= 0;) {
        ordering->done[g] = true;
        for (size_t i = 0; i < ordering->needers[g].count; i++)
            ordering->missing[ordering->needers[g].items[i]]--;
        ordering->order[ordering->placed++] = g;
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

static void find_needs(Ordering *ordering, const bool *before)
{
    Plan *plan = ordering->plan;
    size_t count = plan->groups.count;
    ordering->needs = NEW_ARRAY(plan->arena, GroupList, count);
    ordering->needers = NEW_ARRAY(plan->arena, GroupList, count);
    ordering->missing = NEW_ARRAY(plan->arena, int, count);
    for (size_t g = 0; g < count; g++)
        for (size_t h = 0; h < count; h++)
            if (before[g * count + h]) {
                *vec_push(plan->arena, &ordering->needs[g]) = (int)h;
                *vec_push(plan->arena, &ordering->needers[h]) = (int)g;
                ordering->missing[g]++;
            }
}

static void order_groups(Plan *plan, const bool *before)
{
    size_t count = plan->groups.count;
    Ordering ordering = {.plan = plan, .readers = find_readers(plan)};
    find_needs(&ordering, before);
    ordering.done = NEW_ARRAY(plan->arena, bool, count);
    ordering.done_earlier = NEW_ARRAY(plan->arena, bool, count);
    ordering.order = NEW_ARRAY(plan->arena, int, count);
    /* What needs no sample (transposed kernels, an optimizer's step sizes) goes first, so that it divides no
     * phase. */
    fill_phase(&ordering, PHASE_WHOLE, WHEN_CHANGED);
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

/* ---- How many samples at a time ---- */

static uint64_t sample_bytes_of(const Graph *graph, NodeId id)
{
    const Type *type = graph_type(graph, id);
    if (type->lead != LEAD_BATCH)
        return 0;
    return (uint64_t)(type_elements(type) / type->dim[0]) * dtype_bytes(type->dtype);
}

/* Bytes of one sample of what a chunked phase stores and reads. */
static uint64_t sample_bytes(const Plan *plan, const Phase *phase)
{
    const Graph *graph = plan->graph;
    bool *counted = NEW_ARRAY(plan->arena, bool, graph->nodes.count);
    const int *maker = plan_makers(plan);
    uint64_t bytes = 0;
    for (int g = 0; g < phase->group_count; g++) {
        const Group *group = &plan->groups.items[phase->first_group + g];
        for (size_t i = 0; i < group->outputs.count; i++) {
            counted[group->outputs.items[i]] = true;
            bytes += sample_bytes_of(graph, group->outputs.items[i]);
        }
        for (size_t i = 0; i < group->members.count; i++) {
            const Node *node = graph_node(graph, group->members.items[i]);
            for (int k = 0; k < node->in_count; k++) {
                NodeId root = plan_root(graph, node->in[k]);
                if (counted[root] || (maker[root] < 0 && graph_node(graph, root)->op != OP_leaf))
                    continue;
                counted[root] = true;
                bytes += sample_bytes_of(graph, root);
            }
        }
    }
    return bytes;
}

/* 2 * uses operations for each of the kernel's elements, at some 40 operations a byte read. */
int64_t samples_for_kernel(const Plan *plan, NodeId anchor_id, uint64_t cache_bytes)
{
    enum { USES = 160 };
    const Node *anchor = anchor_id == NODE_NONE ? NULL : graph_node(plan->graph, anchor_id);
    if (!anchor || node_op(anchor)->class != OP_CONTRACT || anchor->type.lead != LEAD_BATCH)
        return 1;
    const Type *kernel = graph_type(plan->graph, anchor->in[1]);
    if (kernel->lead != LEAD_NONE ||
        (uint64_t)type_elements(kernel) * dtype_bytes(kernel->dtype) < cache_bytes / 2)
        return 1;
    /* Of an element in a sample: once for each pixel, or tile. */
    int64_t results = type_elements(&anchor->type) / anchor->type.dim[0],
            uses = results / anchor->type.dim[anchor->type.rank - 1];
    if (anchor->op == OP_winograd_product)
        uses /= kernel->dim[0];
    return (USES + uses - 1) / uses;
}

/* As many samples as fit the cache, or as large kernels want; slices are cut evenly, so that tiles of samples
 * are whole. */
static int64_t choose_chunk(const Plan *plan, const Phase *phase, uint64_t cache_bytes)
{
    uint64_t bytes = sample_bytes(plan, phase);
    int64_t slice = plan->graph->slice, chunk = bytes ? (int64_t)(cache_bytes / bytes) : slice;
    for (int g = 0; g < phase->group_count; g++) {
        int64_t wanted =
            samples_for_kernel(plan, plan->groups.items[phase->first_group + g].anchor, cache_bytes);
        chunk = wanted > chunk ? wanted : chunk;
    }
    chunk = chunk < 1 ? 1 : chunk > slice ? slice : chunk;
    while (slice % chunk)
        chunk--;
    return chunk;
}

void make_phases(Plan *plan, const PlanOptions *options)
{
    bool *before = group_order(plan);
    order_groups(plan, before);
    for (size_t p = 0; p < plan->phases.count; p++) {
        Phase *phase = &plan->phases.items[p];
        if (phase->kind == PHASE_CHUNKED)
            phase->chunk =
                options->at_once ? plan->graph->batch : choose_chunk(plan, phase, options->cache_bytes);
    }
}
