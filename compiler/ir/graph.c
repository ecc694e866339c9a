#include "compiler/ir/graph.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/base/divide.h"
#include "compiler/ir/op.h"

/* A slice has at least this many samples, and a batch at most this many slices: few enough that the partial
 * sums stay small, enough that a dozen workers have something to do. Fixed by the batch alone, so that sums
 * are the same on every machine. */
enum { SLICE_LEAST = 4, SLICES_MOST = 16 };

Graph *graph_new(Arena *arena, Diag *diag, int64_t batch)
{
    Graph *graph = NEW(arena, Graph);
    graph->arena = arena;
    graph->diag = diag;
    graph->batch = batch;
    graph->slice = divide_up(batch, SLICES_MOST);
    if (graph->slice < SLICE_LEAST)
        graph->slice = SLICE_LEAST;
    if (graph->slice > batch)
        graph->slice = batch;
    graph->bucket_count = 256;
    graph->buckets = NEW_ARRAY(arena, uint32_t, graph->bucket_count);
    memset(graph->buckets, 0xff, graph->bucket_count * sizeof *graph->buckets);
    return graph;
}

int64_t type_elements(const Type *type)
{
    int64_t elements = 1;
    for (int i = 0; i < type->rank; i++)
        elements *= type->dim[i];
    return elements;
}

bool type_equal(const Type *a, const Type *b)
{
    if (a->dtype != b->dtype || a->lead != b->lead || a->rank != b->rank)
        return false;
    return memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

const char *type_shape(Arena *arena, const Type *type)
{
    Text text = {.arena = arena};
    for (int i = type->lead == LEAD_BATCH ? 1 : 0; i < type->rank; i++)
        text_printf(&text, "%s%lld", text.length ? "x" : "", (long long)type->dim[i]);
    return text_string(&text);
}

static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * 16777619u;
    return hash;
}

static size_t attrs_bytes(const Node *node)
{
    return node->attrs ? node_op(node)->attrs_bytes : 0;
}

static uint32_t hash_node(const Node *node)
{
    uint32_t hash = hash_bytes(2166136261u, &node->op, sizeof node->op);
    if (node->op == OP_leaf)
        return hash_bytes(hash, node->name, strlen(node->name));
    hash = hash_bytes(hash, node->in, (size_t)node->in_count * sizeof node->in[0]);
    return hash_bytes(hash, node->attrs, attrs_bytes(node));
}

static bool same_node(const Node *a, const Node *b)
{
    if (a->op != b->op || a->in_count != b->in_count)
        return false;
    if (a->op == OP_leaf)
        return strcmp(a->name, b->name) == 0;
    return type_equal(&a->type, &b->type) &&
           memcmp(a->in, b->in, (size_t)a->in_count * sizeof a->in[0]) == 0 &&
           attrs_bytes(a) == attrs_bytes(b) && (!a->attrs || memcmp(a->attrs, b->attrs, attrs_bytes(a)) == 0);
}

/* The place of an equal node in the table, or the empty place where it would go. */
static size_t find_bucket(const Graph *graph, const Node *node)
{
    size_t at = hash_node(node) & (graph->bucket_count - 1);
    while (graph->buckets[at] != NODE_NONE && !same_node(graph_node(graph, graph->buckets[at]), node))
        at = (at + 1) & (graph->bucket_count - 1);
    return at;
}

static void grow_table(Graph *graph)
{
    graph->bucket_count *= 2;
    graph->buckets = NEW_ARRAY(graph->arena, uint32_t, graph->bucket_count);
    memset(graph->buckets, 0xff, graph->bucket_count * sizeof *graph->buckets);
    for (size_t i = 0; i < graph->nodes.count; i++)
        graph->buckets[find_bucket(graph, &graph->nodes.items[i])] = (uint32_t)i;
}

/* The node, or an equal one already there. */
static NodeId intern(Graph *graph, Node node)
{
    size_t bucket = find_bucket(graph, &node);
    if (graph->buckets[bucket] != NODE_NONE)
        return graph->buckets[bucket];
    if (attrs_bytes(&node))
        node.attrs = arena_copy(graph->arena, node.attrs, attrs_bytes(&node));
    NodeId id = (NodeId)graph->nodes.count;
    *vec_push(graph->arena, &graph->nodes) = node;
    graph->buckets[bucket] = id;
    if (2 * graph->nodes.count > graph->bucket_count)
        grow_table(graph);
    return id;
}

/* A node with its inferred type; false: an input is POISON. */
static bool make_node(const Graph *graph, Node *node, OpId op, Span at, const void *attrs, const NodeId *in,
                      int in_count)
{
    *node = (Node){.op = op, .attrs = attrs, .span = at, .in_count = in_count};
    if (in_count > NODE_IN_MAX || in_count != op_table[op]->arity)
        BUG("%s has %d inputs", op_table[op]->name, in_count);
    for (int i = 0; i < in_count; i++) {
        if (in[i] == POISON)
            return false;
        if (in[i] >= graph->nodes.count)
            BUG("%s: input %d is no node", op_table[op]->name, i);
        node->in[i] = in[i];
    }
    if (!op_table[op]->infer(graph, node)) {
        Text text = {.arena = graph->arena};
        for (int i = 0; i < in_count; i++)
            text_printf(&text, " [%s]", type_shape(graph->arena, graph_type(graph, in[i])));
        BUG("%s does not take operands%s (%s)", op_table[op]->name, text_string(&text),
            graph->diag ? diag_where(graph->diag, at) : "");
    }
    return true;
}

NodeId graph_add(Graph *graph, OpId op, Span at, const void *attrs, const NodeId *in, int in_count)
{
    Node node;
    if (!make_node(graph, &node, op, at, attrs, in, in_count))
        return POISON;
    return intern(graph, node);
}

void graph_slices_at_most(Graph *graph, int64_t most)
{
    graph->slice = divide_up(graph->batch, most);
}

NodeId graph_add_sliced(Graph *graph, OpId op, Span at, const void *attrs, const NodeId *in, int in_count)
{
    Node node;
    if (!make_node(graph, &node, op, at, attrs, in, in_count))
        return POISON;
    if (node.type.lead != LEAD_NONE || node.type.rank == RANK_MAX)
        BUG("%s cannot be sliced", op_table[op]->name);
    memmove(node.type.dim + 1, node.type.dim, sizeof node.type.dim - sizeof node.type.dim[0]);
    node.type.dim[0] = graph_slices(graph);
    node.type.rank++;
    node.type.lead = LEAD_SLICE;
    return intern(graph, node);
}

void graph_name(Graph *graph, NodeId id, const char *name)
{
    if (id < graph->nodes.count && !graph->nodes.items[id].name)
        graph->nodes.items[id].name = name;
}

NodeId graph_leaf(Graph *graph, Span at, const char *name, Type type, LeafAttrs attrs)
{
    Node node = {.op = OP_leaf,
                 .type = type,
                 .attrs = &attrs,
                 .span = at,
                 .name = arena_text(graph->arena, name, strlen(name))};
    NodeId id = intern(graph, node);
    if (!type_equal(graph_type(graph, id), &type))
        BUG("leaf %s has two types", name);
    return id;
}

NodeId graph_find_leaf(const Graph *graph, const char *name)
{
    Node node = {.op = OP_leaf, .name = name};
    return graph->buckets[find_bucket(graph, &node)];
}

void graph_result(Graph *graph, Result result)
{
    *vec_push(graph->arena, &graph->results) = result;
}

NodeId graph_find_result(const Graph *graph, ResultRole role)
{
    for (size_t i = 0; i < graph->results.count; i++)
        if (graph->results.items[i].role == role)
            return graph->results.items[i].node;
    return NODE_NONE;
}
