/* Groups of the plan, told in the words of the layers. */
#include "compiler/commands/kernels.h"

#include <ctype.h>
#include <string.h>

#include "compiler/commands/layers.h"
#include "compiler/ir/op.h"
#include "compiler/ir/parts.h"
#include "compiler/link/link.h"

/* ---- Words ---- */

typedef struct {
    Session *session;
    KernelTable *table;
    const Group *group;
    Text text;
    VEC(const char *) words;
} Wording;

static void add_word(Wording *wording, const char *word)
{
    for (size_t i = 0; i < wording->words.count; i++)
        if (strcmp(wording->words.items[i], word) == 0)
            return;
    text_printf(&wording->text, "%s%s", wording->words.count ? " + " : "", word);
    *vec_push(wording->session->arena, &wording->words) = word;
}

/* "bias" of "conv1.bias", if conv1 is the layer; else NULL. */
static const char *name_suffix(const KernelTable *table, const char *name, int layer)
{
    if (!name || layer < 0)
        return NULL;
    size_t length = strlen(table->program->layers.items[layer].name);
    return name[length] == '.' ? name + length + 1 : NULL;
}

static bool is_sum(const Group *group, NodeId id)
{
    for (size_t i = 0; i < group->sums.count; i++)
        if (group->sums.items[i] == id)
            return true;
    return false;
}

bool node_counts(const Node *node)
{
    OpClass class = node_op(node)->class;
    return class != OP_VALUE && class != OP_ALIAS && class != OP_LEAF;
}

/* The suffix of a parameter that a node reads: "bias". */
static const char *parameter_read(const KernelTable *table, const Node *node, int layer)
{
    for (int k = 0; k < node->in_count; k++) {
        const Node *leaf = graph_node(table->plan->graph, plan_root(table->plan->graph, node->in[k]));
        if (leaf->op == OP_leaf && ((const LeafAttrs *)leaf->attrs)->kind == LEAF_PARAMETER &&
            layers_find(table->program, leaf->name) == layer)
            return name_suffix(table, leaf->name, layer);
    }
    return NULL;
}

/* What a transform that belongs to Winograd's filtering makes; NULL: it is none, or that of a result. */
static const char *transform_word(OpId op)
{
    switch (op) {
    case OP_winograd_kernel:
        return "kernel for Winograd";
    case OP_winograd_input:
        return "input for Winograd";
    case OP_winograd_slope:
        return "gradient for Winograd";
    default:
        return NULL;
    }
}

static const char *anchor_word(Session *session, const KernelTable *table, NodeId anchor)
{
    const Node *node = graph_node(table->plan->graph, anchor);
    const char *word = transform_word(node->op);
    if (word)
        return word;
    bool gradient = (node_op(node)->class == OP_CONTRACT || node->op == OP_winograd_output) &&
                    table->part_of[anchor] != STEP_FORWARD;
    word = !gradient                       ? table->program->layers.items[table->layer_of[anchor]].word
           : node->type.lead == LEAD_BATCH ? "input gradient"
                                           : "weight gradient";
    if (node->op == OP_winograd_product || node->op == OP_winograd_product_dw)
        return arena_printf(session->arena, "%s by Winograd", word);
    return node->op == OP_winograd_output ? arena_printf(session->arena, "%s from Winograd", word) : word;
}

static void add_member(Wording *wording, NodeId id, int main_layer)
{
    const KernelTable *table = wording->table;
    const Node *node = graph_node(table->plan->graph, id);
    int layer = table->layer_of[id];
    const char *suffix = name_suffix(table, node->name, layer), *word;
    Arena *arena = wording->session->arena;
    if (!node_counts(node) || id == wording->group->anchor)
        return;
    if (table->part_of[id] == STEP_UPDATE) {
        add_word(wording,
                 suffix || layer < 0 ? table->program->optimizer->schema.word : "running statistics");
    } else if (layer < 0) {
        if (node->name)
            add_word(wording, node->name);
    } else if (is_sum(wording->group, id)) {
        word = suffix ? suffix : table->program->layers.items[layer].word;
        add_word(wording, arena_printf(arena, "%s %s", word, suffix ? "gradient" : "sums"));
    } else if (layer != main_layer || wording->group->anchor == NODE_NONE) {
        add_word(wording, table->program->layers.items[layer].word);
    } else if (table->part_of[id] == STEP_FORWARD && (word = parameter_read(table, node, layer))) {
        add_word(wording, word);
    }
}

/* A parameter with its dims in another order, for the backward pass. */
static bool is_turned_parameter(const Graph *graph, const Node *node)
{
    return node->op == OP_permute && graph_node(graph, plan_root(graph, node->in[0]))->op == OP_leaf;
}

/* By the parameter or the state whose place is written: "kernel update". */
static const char *describe_update(Session *session, const KernelTable *table, const KernelRow *row)
{
    const Plan *plan = table->plan;
    const Group *group = &plan->groups.items[row->group];
    for (size_t i = 0; i < group->outputs.count; i++) {
        const Buffer *buffer = &plan->buffers.items[plan->buffer_of[group->outputs.items[i]]];
        const char *name = graph_node(plan->graph, buffer->node)->name;
        if (row->layer >= 0 && layers_find(table->program, name) == row->layer &&
            name_suffix(table, name, row->layer))
            return arena_printf(session->arena, "%s update", name_suffix(table, name, row->layer));
    }
    return row->layer >= 0 ? "gradient of its parameters" : "rates";
}

static const char *describe(Session *session, KernelTable *table, const KernelRow *row)
{
    const Group *group = &table->plan->groups.items[row->group];
    NodeId first = group->anchor != NODE_NONE ? group->anchor : group->outputs.items[0];
    const Node *node = graph_node(table->plan->graph, first);
    Wording wording = {.session = session, .table = table, .group = group, .text = {.arena = session->arena}};
    const char *suffix = name_suffix(table, node->name, row->layer);
    if (is_turned_parameter(table->plan->graph, node))
        return "kernel turned for the backward pass";
    if (row->part == STEP_UPDATE)
        return describe_update(session, table, row);
    if (group->anchor != NODE_NONE && row->layer >= 0)
        add_word(&wording, suffix && row->part == STEP_BACKWARD
                               ? arena_printf(session->arena, "%s gradient", suffix)
                               : anchor_word(session, table, group->anchor));
    for (size_t i = 0; i < group->members.count; i++)
        add_member(&wording, group->members.items[i], row->layer);
    if (wording.words.count)
        return text_string(&wording.text);
    return node_op(node)->class == OP_REDUCE ? "sum over the batch" : row->owner;
}

/* ---- Rows ---- */

static StepPart main_part(const KernelTable *table, const Group *group)
{
    return table->part_of[group->anchor != NODE_NONE ? group->anchor : group->outputs.items[0]];
}

/* The layer that a kernel is told of: of its sum, else of the first that it computes (not of one whose value
 * of another part of the step it only makes again). */
static int main_layer(const KernelTable *table, const Group *group)
{
    if (group->anchor != NODE_NONE)
        return table->layer_of[group->anchor];
    for (size_t i = 0; i < group->members.count; i++) {
        NodeId id = group->members.items[i];
        if (node_counts(graph_node(table->plan->graph, id)) && table->layer_of[id] >= 0 &&
            table->part_of[id] == main_part(table, group))
            return table->layer_of[id];
    }
    return -1;
}

/* Rates of an optimizer's step and the like: they belong to all layers. */
static bool is_common(const KernelTable *table, const Group *group)
{
    for (size_t i = 0; i < group->outputs.count; i++)
        if (table->plan->buffers.items[table->plan->buffer_of[group->outputs.items[i]]].segment ==
                SEGMENT_STATE ||
            graph_type(table->plan->graph, group->outputs.items[i])->rank > 0)
            return false;
    return true;
}

/* Tensors of a chunk stay in the cache, and so do small ones; the batch's pictures are new to it. */
static bool is_far(const Buffer *buffer, uint64_t cache_bytes)
{
    return buffer->segment == SEGMENT_INPUT ||
           (buffer->segment != SEGMENT_WORKER && buffer->bytes > cache_bytes);
}

static void count_kernels(Session *session, const KernelTable *table, KernelRow *row)
{
    const Plan *plan = table->plan;
    const Group *group = &plan->groups.items[row->group];
    double times = group->chunked ? (double)plan->graph->batch : 1;
    for (size_t k = 0; k < group->kernels.count; k++) {
        const Computation *computation = group->kernels.items[k]->computation;
        row->flops += computation_flops(computation);
        for (size_t t = 0; t < computation->tensors.count; t++) {
            double bytes = times * link_moved_bytes(plan, computation, (int)t);
            row->bytes += bytes;
            if (is_far(&plan->buffers.items[plan->buffer_of[computation->tensors.items[t].node]],
                       session->target->l2_bytes))
                row->far_bytes += bytes;
        }
    }
}

static void fill_row(Session *session, KernelTable *table, KernelRow *row)
{
    const Group *group = &table->plan->groups.items[row->group];
    row->part = main_part(table, group);
    row->layer = main_layer(table, group);
    if (row->part == STEP_UPDATE && is_common(table, group))
        row->layer = -1;
    row->owner = row->layer >= 0            ? table->program->layers.items[row->layer].name
                 : row->part == STEP_UPDATE ? table->program->optimizer->schema.word
                                            : "loss";
    row->what = describe(session, table, row);
    count_kernels(session, table, row);
}

KernelTable *kernels_describe(Session *session, const Program *program, const Plan *plan)
{
    Arena *arena = session->arena;
    KernelTable *table = NEW(arena, KernelTable);
    *table = (KernelTable){.program = program, .plan = plan, .count = (int)plan->groups.count};
    table->part_of = graph_parts(arena, plan->graph);
    table->layer_of = NEW_ARRAY(arena, int, plan->graph->nodes.count);
    for (NodeId id = 0; id < plan->graph->nodes.count; id++)
        table->layer_of[id] = layers_find(program, graph_node(plan->graph, id)->name);
    table->rows = NEW_ARRAY(arena, KernelRow, table->count);
    int phase = 0, step = 0;
    for (int g = 0; g < table->count; g++) {
        while (g >= plan->phases.items[phase].first_group + plan->phases.items[phase].group_count)
            phase++;
        int kernels = (int)plan->groups.items[g].kernels.count;
        table->rows[g] = (KernelRow){.group = g, .phase = phase, .first_step = step, .step_count = kernels};
        step += kernels;
        fill_row(session, table, &table->rows[g]);
    }
    return table;
}

double parts_sum(const PartSums *parts)
{
    return parts->of[STEP_FORWARD] + parts->of[STEP_BACKWARD] + parts->of[STEP_UPDATE];
}

/* ---- Bytes by layer ---- */

/* The first node of a group that reads or makes a tensor. */
static NodeId user_of(const KernelTable *table, const Group *group, NodeId tensor)
{
    const Plan *plan = table->plan;
    for (size_t i = 0; i < group->outputs.count; i++)
        if (plan->buffers.items[plan->buffer_of[group->outputs.items[i]]].node == tensor ||
            group->outputs.items[i] == tensor)
            return group->outputs.items[i];
    for (size_t i = 0; i < group->members.count; i++) {
        const Node *node = graph_node(plan->graph, group->members.items[i]);
        for (int k = 0; k < node->in_count; k++)
            if (plan_root(plan->graph, node->in[k]) == tensor && node_counts(node))
                return group->members.items[i];
    }
    return group->outputs.items[0];
}

PartSums *kernels_layer_bytes(Session *session, const KernelTable *table)
{
    PartSums *bytes = NEW_ARRAY(session->arena, PartSums, table->program->layers.count + 1);
    for (int g = 0; g < table->count; g++) {
        const Group *group = &table->plan->groups.items[g];
        double times = group->chunked ? (double)table->plan->graph->batch : 1;
        for (size_t k = 0; k < group->kernels.count; k++) {
            const Computation *computation = group->kernels.items[k]->computation;
            for (size_t t = 0; t < computation->tensors.count; t++) {
                NodeId node = user_of(table, group, computation->tensors.items[t].node);
                bytes[table->layer_of[node] + 1].of[table->part_of[node]] +=
                    times * link_moved_bytes(table->plan, computation, (int)t);
            }
        }
    }
    return bytes;
}

/* ---- Short names ---- */

/* A part of a name: `kept` of its first characters, and the number at its end. */
typedef struct {
    const char *text;
    int length, kept, digits;
} NamePart;

static int part_width(const NamePart *part)
{
    return part->kept < part->length - part->digits ? part->kept + 1 + part->digits : part->length;
}

static NamePart part_of_name(const char *text)
{
    NamePart part = {.text = text, .length = (int)strcspn(text, ".")};
    while (part.digits < part.length && isdigit((unsigned char)text[part.length - part.digits - 1]))
        part.digits++;
    part.kept = part.length - part.digits;
    return part;
}

/* Takes a character from the longest part but the last; false: they are all short. */
static bool shorten_once(NamePart *parts, size_t count)
{
    enum { KEPT_LEAST = 3 };
    NamePart *longest = NULL;
    for (size_t i = 0; i + 1 < count; i++)
        if (parts[i].kept > KEPT_LEAST && (!longest || part_width(&parts[i]) > part_width(longest)))
            longest = &parts[i];
    if (longest)
        longest->kept--;
    return longest;
}

static int name_width(const NamePart *parts, size_t count)
{
    int width = (int)count - 1;
    for (size_t i = 0; i < count; i++)
        width += part_width(&parts[i]);
    return width;
}

const char *name_shortened(Arena *arena, const char *name, int width)
{
    VEC(NamePart) parts = {0};
    Text out = {.arena = arena};
    for (const char *at = name;; at++) {
        *vec_push(arena, &parts) = part_of_name(at);
        at += parts.items[parts.count - 1].length;
        if (!*at)
            break;
    }
    while (name_width(parts.items, parts.count) > width && shorten_once(parts.items, parts.count)) {
    }
    for (size_t i = 0; i < parts.count; i++) {
        const NamePart *part = &parts.items[i];
        bool whole = part_width(part) == part->length;
        text_printf(&out, "%s%.*s%s%.*s", i ? "." : "", whole ? part->length : part->kept, part->text,
                    whole ? "" : "~", whole ? 0 : part->digits, part->text + part->length - part->digits);
    }
    const char *text = text_string(&out);
    int length = (int)strlen(text);
    return length <= width
               ? text
               : arena_printf(arena, "%.*s~%s", width / 2 - 1, text, text + length - (width - width / 2));
}
