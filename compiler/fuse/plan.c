#include "compiler/fuse/plan.h"

#include <inttypes.h>

#include "compiler/base/bug.h"
#include "compiler/fuse/group.h"
#include "compiler/ir/op.h"

int *plan_makers(const Plan *plan)
{
    int *maker = NEW_ARRAY(plan->arena, int, plan->graph->nodes.count);
    for (size_t i = 0; i < plan->graph->nodes.count; i++)
        maker[i] = -1;
    for (size_t g = 0; g < plan->groups.count; g++)
        for (size_t i = 0; i < plan->groups.items[g].outputs.count; i++)
            maker[plan->groups.items[g].outputs.items[i]] = (int)g;
    return maker;
}

Plan *plan_make(Arena *arena, const Graph *graph, const PlanOptions *options)
{
    Plan *plan = NEW(arena, Plan);
    plan->arena = arena;
    plan->graph = graph;
    group_nodes(plan, options);
    make_phases(plan, options);
    place_buffers(plan);
    plan_verify(plan);
    return plan;
}

static const char *const segment_names[SEGMENT_COUNT] = {"state", "batch",  "worker", "input",
                                                         "label", "scalar", "table"};

static void print_group(const Plan *plan, const Group *group, Text *out)
{
    const Graph *graph = plan->graph;
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(graph, group->members.items[i]);
        text_printf(out, "%s%%%u %s", i ? ", " : "    ", group->members.items[i], node_op(node)->name);
    }
    text_printf(out, "\n");
    for (size_t i = 0; i < group->outputs.count; i++) {
        NodeId id = group->outputs.items[i];
        const Buffer *buffer = &plan->buffers.items[plan->buffer_of[id]];
        const Node *place = graph_node(graph, buffer->node);
        text_printf(out, "      stores %%%u in %s at %" PRIu64 ", %" PRIu64 " bytes", id,
                    segment_names[buffer->segment], buffer->offset, buffer->bytes);
        text_printf(out, place->op == OP_leaf ? " (%s)\n" : "\n", place->op == OP_leaf ? place->name : "");
    }
}

void plan_print(const Plan *plan, Text *out)
{
    for (size_t p = 0; p < plan->phases.count; p++) {
        const Phase *phase = &plan->phases.items[p];
        text_printf(out, "phase %zu, ", p);
        if (phase->kind == PHASE_CHUNKED)
            text_printf(out, "%" PRId64 " samples at a time", phase->chunk);
        else
            text_printf(out, "over the whole batch");
        text_printf(out, "%s\n",
                    phase->when == WHEN_UPDATE    ? ", when weights are updated"
                    : phase->when == WHEN_CHANGED ? ", when the weights have changed"
                                                  : "");
        for (int g = 0; g < phase->group_count; g++) {
            text_printf(out, "  group %d\n", phase->first_group + g);
            print_group(plan, &plan->groups.items[phase->first_group + g], out);
        }
    }
    text_printf(out, "batch %" PRIu64 " bytes, each worker %" PRIu64 " bytes\n", plan->batch_bytes,
                plan->worker_bytes);
}

/* Every operand of a group is made in it, is a leaf, or is stored by an earlier group, of the same phase only
 * where both run sample by sample or both over the batch. */
static void verify_group(const Plan *plan, int index, const int *maker)
{
    const Group *group = &plan->groups.items[index];
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(plan->graph, group->members.items[i]);
        for (int k = 0; k < node->in_count; k++) {
            NodeId root = plan_root(plan->graph, node->in[k]);
            if (maker[root] > index)
                BUG("group %d reads %%%u, which group %d makes", index, root, maker[root]);
        }
    }
    for (size_t i = 0; i < group->outputs.count; i++)
        if (plan->buffer_of[group->outputs.items[i]] < 0)
            BUG("%%%u is to be stored and has no place", group->outputs.items[i]);
}

void plan_verify(const Plan *plan)
{
    const int *maker = plan_makers(plan);
    int covered = 0;
    for (size_t p = 0; p < plan->phases.count; p++)
        covered += plan->phases.items[p].group_count;
    if (covered != (int)plan->groups.count)
        BUG("%d groups of %zu are in phases", covered, plan->groups.count);
    for (size_t g = 0; g < plan->groups.count; g++)
        verify_group(plan, (int)g, maker);
}

static uint64_t segment_bytes(const Plan *plan, Segment segment)
{
    enum { LINE = 64 }; /* what each tensor begins with */
    uint64_t bytes = 0;
    for (size_t i = 0; i < plan->buffers.count; i++)
        if (plan->buffers.items[i].segment == segment)
            bytes += (plan->buffers.items[i].bytes + LINE - 1) / LINE * LINE;
    return bytes;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t plan_bytes(const Plan *train, const Plan *eval, int threads)
{
    enum { PAGE = 4096 }; /* what each worker's memory begins with */
    uint64_t worker = (larger(train->worker_bytes, eval->worker_bytes) + PAGE - 1) / PAGE * PAGE;
    return segment_bytes(train, SEGMENT_STATE) + segment_bytes(train, SEGMENT_TABLE) +
           segment_bytes(eval, SEGMENT_TABLE) + larger(train->batch_bytes, eval->batch_bytes) +
           (uint64_t)threads * worker;
}
