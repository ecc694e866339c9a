/* Printing and checking of graphs. */
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/op.h"

static void print_attr(const Field *field, const void *attrs, Text *out)
{
    const char *at = (const char *)attrs + field->offset;
    switch (field->kind) {
    case FIELD_INTEGER:
        text_printf(out, " %s=%" PRId64, field->name, *(const int64_t *)(const void *)at);
        break;
    case FIELD_REAL:
        text_printf(out, " %s=%.9g", field->name, *(const double *)(const void *)at);
        break;
    case FIELD_BOOLEAN:
        if (*(const bool *)(const void *)at)
            text_printf(out, " %s", field->name);
        break;
    case FIELD_DIMS: {
        const Dims *dims = (const Dims *)(const void *)at;
        text_printf(out, " %s=[", field->name);
        for (int i = 0; i < dims->count; i++)
            text_printf(out, "%s%" PRId64, i ? "," : "", dims->value[i]);
        text_printf(out, "]");
        break;
    }
    default:
        BUG("an attribute of kind %d", (int)field->kind);
    }
}

static void print_type(const Graph *graph, const Type *type, Text *out)
{
    static const char *const leads[] = {"", "batch ", "slices "};
    text_printf(out, "%s[%s", dtype_name(type->dtype), leads[type->lead]);
    for (int i = 0; i < type->rank; i++)
        text_printf(out, "%s%" PRId64, i ? "," : "", type->dim[i]);
    text_printf(out, "]");
    (void)graph;
}

static void print_leaf(const Node *node, Text *out)
{
    static const char *const kinds[] = {"input", "label", "parameter", "state", "scalar", "table"};
    const LeafAttrs *leaf = node->attrs;
    text_printf(out, "%s %s", kinds[leaf->kind], node->name);
}

void graph_print(const Graph *graph, Text *out)
{
    for (NodeId id = 0; id < graph->nodes.count; id++) {
        const Node *node = graph_node(graph, id);
        const Op *op = node_op(node);
        text_printf(out, "%%%u ", id);
        if (node->op == OP_leaf) {
            print_leaf(node, out);
        } else {
            text_printf(out, "%s(", op->name);
            for (int i = 0; i < node->in_count; i++)
                text_printf(out, "%s%%%u", i ? ", " : "", node->in[i]);
            text_printf(out, ")");
            for (const Field *field = op->attrs; field && field->name; field++)
                print_attr(field, node->attrs, out);
        }
        text_printf(out, " : ");
        print_type(graph, &node->type, out);
        if (node->span.high && graph->diag)
            text_printf(out, "  # %s", diag_where(graph->diag, node->span));
        if (node->name && node->op != OP_leaf)
            text_printf(out, " %s", node->name);
        text_printf(out, "\n");
    }
    static const char *const roles[] = {"loss", "total", "metric", "output", "update", "finite", "value"};
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        text_printf(out, "%s", roles[result->role]);
        if (result->name)
            text_printf(out, " %s", result->name);
        if (result->role == RESULT_UPDATE)
            text_printf(out, " %%%u (%s)", result->target, graph_node(graph, result->target)->name);
        text_printf(out, " = %%%u%s\n", result->node, result->on_update ? " when weights are updated" : "");
    }
}

static void verify_node(const Graph *graph, NodeId id, const char *pass)
{
    const Node *node = graph_node(graph, id);
    if (node->op >= OP_COUNT)
        BUG("after %s: %%%u has no op", pass, id);
    if (node->in_count != node_op(node)->arity)
        BUG("after %s: %%%u %s has %d inputs", pass, id, node_op(node)->name, node->in_count);
    for (int i = 0; i < node->in_count; i++)
        if (node->in[i] >= id)
            BUG("after %s: %%%u reads %%%u, which comes later", pass, id, node->in[i]);
    for (int i = 0; i < node->type.rank; i++)
        if (node->type.dim[i] < 1)
            BUG("after %s: %%%u has extent %lld in dim %d", pass, id, (long long)node->type.dim[i], i);
    if (node->type.lead == LEAD_BATCH && node->type.dim[0] != graph->batch)
        BUG("after %s: %%%u is batched with %lld samples", pass, id, (long long)node->type.dim[0]);
    if (node->type.lead == LEAD_SLICE && node->type.dim[0] != graph_slices(graph))
        BUG("after %s: %%%u has %lld slices", pass, id, (long long)node->type.dim[0]);
}

void graph_verify(const Graph *graph, const char *pass)
{
    for (NodeId id = 0; id < graph->nodes.count; id++)
        verify_node(graph, id, pass);
    for (size_t i = 0; i < graph->results.count; i++) {
        const Result *result = &graph->results.items[i];
        if (result->node >= graph->nodes.count)
            BUG("after %s: a result is no node", pass);
        if (result->role != RESULT_UPDATE)
            continue;
        const Node *target = graph_node(graph, result->target);
        const Type *value = graph_type(graph, result->node);
        if (target->op != OP_leaf || type_elements(&target->type) != type_elements(value))
            BUG("after %s: %%%u cannot become %%%u", pass, result->target, result->node);
    }
}
