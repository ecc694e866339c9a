/* Where every stored tensor lies. Tensors that live inside one chunked phase have room for one chunk, in each
 * worker's own memory; the rest has room for the batch. Tensors whose lives do not overlap share memory
 * (first fit by decreasing size). */
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/fuse/group.h"
#include "compiler/ir/op.h"

enum { ALIGNMENT = 64 };

static uint64_t align(uint64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int add_buffer(Plan *plan, NodeId node)
{
    if (plan->buffer_of[node] >= 0)
        return plan->buffer_of[node];
    *vec_push(plan->arena, &plan->buffers) = (Buffer){.node = node, .first_use = INT32_MAX, .last_use = -1};
    return plan->buffer_of[node] = (int)plan->buffers.count - 1;
}

static void use(Plan *plan, NodeId node, int group)
{
    int index = add_buffer(plan, node); /* may move the buffers */
    Buffer *buffer = &plan->buffers.items[index];
    if (group < buffer->first_use)
        buffer->first_use = group;
    if (group > buffer->last_use)
        buffer->last_use = group;
}

static void find_uses(Plan *plan, const int *maker)
{
    const Graph *graph = plan->graph;
    for (size_t g = 0; g < plan->groups.count; g++) {
        const Group *group = &plan->groups.items[g];
        for (size_t i = 0; i < group->members.count; i++) {
            const Node *node = graph_node(graph, group->members.items[i]);
            for (int k = 0; k < node->in_count; k++) {
                NodeId root = plan_root(graph, node->in[k]);
                if (maker[root] >= 0 || graph_node(graph, root)->op == OP_leaf)
                    use(plan, root, (int)g);
            }
        }
        for (size_t i = 0; i < group->outputs.count; i++) {
            use(plan, group->outputs.items[i], (int)g);
            if (group->when == WHEN_CHANGED) { /* kept from step to step */
                use(plan, group->outputs.items[i], 0);
                use(plan, group->outputs.items[i], (int)plan->groups.count);
            }
        }
    }
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        use(plan, plan_root(graph, result->node), (int)plan->groups.count);
        if (result->role == RESULT_UPDATE)
            use(plan, result->target, (int)plan->groups.count);
    }
}

static int phase_of(const Plan *plan, int group)
{
    for (size_t p = 0; p < plan->phases.count; p++) {
        const Phase *phase = &plan->phases.items[p];
        if (group >= phase->first_group && group < phase->first_group + phase->group_count)
            return (int)p;
    }
    return -1; /* after the last */
}

static Segment leaf_segment(const LeafAttrs *leaf)
{
    switch (leaf->kind) {
    case LEAF_INPUT:
        return SEGMENT_INPUT;
    case LEAF_LABEL:
        return SEGMENT_LABEL;
    case LEAF_PARAMETER:
    case LEAF_STATE:
        return SEGMENT_STATE;
    case LEAF_SCALAR:
        return SEGMENT_SCALAR;
    case LEAF_TABLE:
        return SEGMENT_TABLE;
    }
    BUG("leaf of kind %d", (int)leaf->kind);
}

static void choose_segment(const Plan *plan, Buffer *buffer)
{
    const Node *node = graph_node(plan->graph, buffer->node);
    uint64_t element = dtype_bytes(node->type.dtype);
    buffer->bytes = (uint64_t)type_elements(&node->type) * element;
    if (node->type.lead != LEAD_NONE)
        buffer->lead_bytes = buffer->bytes / (uint64_t)node->type.dim[0];
    if (node->op == OP_leaf) {
        buffer->segment = leaf_segment(node->attrs);
        return;
    }
    int phase = phase_of(plan, buffer->first_use);
    bool inside =
        phase == phase_of(plan, buffer->last_use) && plan->phases.items[phase].kind == PHASE_CHUNKED;
    buffer->segment = inside && node->type.lead == LEAD_BATCH ? SEGMENT_WORKER : SEGMENT_BATCH;
    if (buffer->segment == SEGMENT_WORKER)
        buffer->bytes = buffer->lead_bytes * (uint64_t)plan->phases.items[phase].chunk;
}

/* The groups of a chunked phase run again for each chunk: what lies in the batch's memory during a part of
 * the phase lies there during all of it. */
static void extend_life(const Plan *plan, Buffer *buffer)
{
    int first = phase_of(plan, buffer->first_use), last = phase_of(plan, buffer->last_use);
    if (buffer->segment != SEGMENT_BATCH)
        return;
    if (first >= 0 && plan->phases.items[first].kind == PHASE_CHUNKED)
        buffer->first_use = plan->phases.items[first].first_group;
    if (last >= 0 && plan->phases.items[last].kind == PHASE_CHUNKED)
        buffer->last_use = plan->phases.items[last].first_group + plan->phases.items[last].group_count - 1;
}

/* Updates are made in place: the new value has the buffer of the tensor it replaces. */
static void join_updates(Plan *plan, const int *maker)
{
    const Graph *graph = plan->graph;
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        if (result->role != RESULT_UPDATE)
            continue;
        NodeId root = plan_root(graph, result->node);
        int target = plan->buffer_of[result->target];
        if (maker[root] < 0 || plan->buffers.items[plan->buffer_of[root]].node != root)
            BUG("the new value of %s is not one of its own", graph_node(graph, result->target)->name);
        plan->buffers.items[plan->buffer_of[root]] = (Buffer){.node = NODE_NONE};
        plan->buffer_of[root] = target;
    }
}

static int by_size(const void *left, const void *right)
{
    const Buffer *a = *(Buffer *const *)left, *b = *(Buffer *const *)right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static bool is_output(const Group *group, NodeId id)
{
    for (size_t i = 0; i < group->outputs.count; i++)
        if (group->outputs.items[i] == id)
            return true;
    return false;
}

static bool is_sum(const Group *group, NodeId id)
{
    for (size_t i = 0; i < group->sums.count; i++)
        if (group->sums.items[i] == id)
            return true;
    return false;
}

/* No member but a contraction reads another element than its own. */
static bool reads_in_place(const Plan *plan, const Group *group)
{
    for (size_t i = 0; i < group->members.count; i++) {
        NodeId id = group->members.items[i];
        switch (node_op(graph_node(plan->graph, id))->class) {
        case OP_LEAF:
        case OP_VALUE:
        case OP_POINTWISE:
        case OP_ALIAS:
        case OP_CONTRACT:
            continue;
        case OP_REDUCE:
            if (is_sum(group, id))
                continue;
            return false;
        case OP_VIEW:
        case OP_WINDOW:
        case OP_TRANSFORM:
            return false;
        }
    }
    return true;
}

/* Group `index` reads `from`, for the last time, only to make the same element of `to`, which it stores. */
static bool is_replaced(const Plan *plan, int index, const Buffer *from, const Buffer *to)
{
    const Graph *graph = plan->graph;
    const Group *group = &plan->groups.items[index];
    if (from->bytes != to->bytes || !is_output(group, to->node) || is_output(group, from->node) ||
        graph_type(graph, from->node)->dtype != graph_type(graph, to->node)->dtype ||
        !reads_in_place(plan, group))
        return false;
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(graph, group->members.items[i]);
        for (int k = 0; k < node->in_count; k++) {
            if (plan_root(graph, node->in[k]) != from->node)
                continue;
            if (node_op(node)->class == OP_CONTRACT ||
                !reshape_is_trivial(graph_type(graph, node->in[k]), &node->type) ||
                !reshape_is_trivial(graph_type(graph, node->in[k]), graph_type(graph, to->node)))
                return false;
        }
    }
    return true;
}

/* May both, who live at the same time, lie as they do? They may share memory when one ends with the group
 * that begins the other and replaces it element by element: then they lie in the same place. */
static bool collide(const Plan *plan, const Buffer *a, const Buffer *b)
{
    bool apart = a->offset >= b->offset + align(b->bytes) || b->offset >= a->offset + align(a->bytes);
    if (apart)
        return false;
    const Buffer *from = a->first_use < b->first_use ? a : b, *to = from == a ? b : a;
    return a->offset != b->offset || from->last_use != to->first_use ||
           !is_replaced(plan, to->first_use, from, to);
}

static bool live_together(const Buffer *a, const Buffer *b)
{
    return a->first_use <= b->last_use && b->first_use <= a->last_use;
}

/* The lowest offset where `buffer` collides with none of the `placed` ones: at the start, at another's place,
 * or behind another. `near`: room for all of them. */
static uint64_t first_fit(const Plan *plan, Buffer *const *placed, size_t placed_count, Buffer *buffer,
                          const Buffer **near)
{
    size_t count = 0;
    for (size_t i = 0; i < placed_count; i++)
        if (live_together(placed[i], buffer))
            near[count++] = placed[i];
    buffer->offset = 0;
    for (size_t i = 0, fitting = 0; fitting < count; i = (i + 1) % count) {
        fitting++;
        if (!collide(plan, near[i], buffer))
            continue;
        /* Nothing lower remains possible than its place, which may be shared, and then the end of it. */
        bool below = buffer->offset < near[i]->offset;
        buffer->offset = below ? near[i]->offset : near[i]->offset + align(near[i]->bytes);
        fitting = 0;
    }
    return buffer->offset;
}

/* Offsets of one segment; returns its size. */
static uint64_t place_segment(Plan *plan, Segment segment)
{
    Buffer **sorted = NEW_ARRAY(plan->arena, Buffer *, plan->buffers.count + 1);
    const Buffer **near = NEW_ARRAY(plan->arena, const Buffer *, plan->buffers.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < plan->buffers.count; i++)
        if (plan->buffers.items[i].node != NODE_NONE && plan->buffers.items[i].segment == segment)
            sorted[count++] = &plan->buffers.items[i];
    qsort(sorted, count, sizeof *sorted, by_size);
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i]->offset = first_fit(plan, sorted, i, sorted[i], near);
        uint64_t end = sorted[i]->offset + align(sorted[i]->bytes);
        size = end > size ? end : size;
    }
    return size;
}

/* Buffers that became another's are removed. */
static void drop_joined(Plan *plan)
{
    int *moved = NEW_ARRAY(plan->arena, int, plan->buffers.count);
    size_t kept = 0;
    for (size_t i = 0; i < plan->buffers.count; i++) {
        moved[i] = (int)kept;
        if (plan->buffers.items[i].node != NODE_NONE)
            plan->buffers.items[kept++] = plan->buffers.items[i];
    }
    plan->buffers.count = kept;
    for (NodeId id = 0; id < plan->graph->nodes.count; id++)
        if (plan->buffer_of[id] >= 0)
            plan->buffer_of[id] = moved[plan->buffer_of[id]];
}

void place_buffers(Plan *plan)
{
    const int *maker = plan_makers(plan);
    plan->buffer_of = NEW_ARRAY(plan->arena, int, plan->graph->nodes.count);
    memset(plan->buffer_of, 0xff, plan->graph->nodes.count * sizeof *plan->buffer_of);
    find_uses(plan, maker);
    for (size_t i = 0; i < plan->buffers.count; i++) {
        choose_segment(plan, &plan->buffers.items[i]);
        extend_life(plan, &plan->buffers.items[i]);
    }
    join_updates(plan, maker);
    drop_joined(plan);
    plan->batch_bytes = place_segment(plan, SEGMENT_BATCH);
    plan->worker_bytes = place_segment(plan, SEGMENT_WORKER);
    for (NodeId id = 0; id < plan->graph->nodes.count; id++) {
        NodeId root = plan_root(plan->graph, id);
        if (plan->buffer_of[id] < 0 && root != id)
            plan->buffer_of[id] = plan->buffer_of[root];
    }
}
