/* Groups of the plan, told in the words of the layers. */
#include "compiler/commands/kernels.h"

#include <string.h>

#include "compiler/commands/layers.h"
#include "compiler/ir/op.h"
#include "compiler/link/link.h"

enum { OWNER_WIDTH = 32 };

const char *const step_part_names[STEP_PARTS] = {"forward", "backward", "update"};

/* ---- Parts of the step ---- */

/* Marks what the results of some roles are made of. */
static void mark_made_of(const Graph *graph, bool updates, bool *marked)
{
    for (size_t i = 0; i < graph->results.count; i++)
        if ((graph->results.items[i].role == RESULT_UPDATE) == updates)
            marked[graph->results.items[i].node] = true;
    for (NodeId id = (NodeId)graph->nodes.count; id-- > 0;)
        for (int k = 0; marked[id] && k < graph_node(graph, id)->in_count; k++)
            marked[graph_node(graph, id)->in[k]] = true;
}

static bool reads_batch(const Graph *graph, const Node *node)
{
    for (int k = 0; k < node->in_count; k++)
        if (graph_type(graph, node->in[k])->lead == LEAD_BATCH)
            return true;
    return false;
}

/* Forward is what the loss, the metrics and the output are made of; update what is neither, holds no samples,
 * and is read by nothing but updates: sums over slices and the optimizer. */
static StepPart *find_parts(Arena *arena, const Graph *graph)
{
    size_t count = graph->nodes.count;
    StepPart *part = NEW_ARRAY(arena, StepPart, count);
    bool *forward = NEW_ARRAY(arena, bool, count), *live = NEW_ARRAY(arena, bool, count),
         *early = NEW_ARRAY(arena, bool, count); /* read by something that is no update */
    mark_made_of(graph, false, forward);
    mark_made_of(graph, true, live);
    for (NodeId id = (NodeId)count; id-- > 0;) {
        const Node *node = graph_node(graph, id);
        bool update = !forward[id] && !early[id] && node->type.lead == LEAD_NONE &&
                      node_op(node)->class != OP_CONTRACT && !reads_batch(graph, node);
        part[id] = forward[id] ? STEP_FORWARD : update ? STEP_UPDATE : STEP_BACKWARD;
        for (int k = 0; live[id] && !update && k < node->in_count; k++)
            early[node->in[k]] = true;
    }
    return part;
}

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

static bool counts(const Node *node)
{
    OpClass class = node_op(node)->class;
    return class != OP_VALUE && class != OP_ALIAS && class != OP_LEAF;
}

/* The suffix of a parameter that a node reads: "bias". */
static const char *parameter_read(const KernelTable *table, const Node *node, int layer)
{
    for (int k = 0; k < node->in_count; k++) {
        const Node *leaf = graph_node(table->plan->graph, plan_root(table->plan->graph, node->in[k]));
        if (leaf->op == OP_leaf && layers_find(table->program, leaf->name) == layer)
            return name_suffix(table, leaf->name, layer);
    }
    return NULL;
}

static const char *anchor_word(const KernelTable *table, NodeId anchor)
{
    const Node *node = graph_node(table->plan->graph, anchor);
    const char *layer = table->program->layers.items[table->layer_of[anchor]].word;
    if (node_op(node)->class != OP_CONTRACT || table->part_of[anchor] == STEP_FORWARD)
        return layer;
    return node->type.lead == LEAD_BATCH ? "input gradient" : "weight gradient";
}

static void add_member(Wording *wording, NodeId id, int main_layer)
{
    const KernelTable *table = wording->table;
    const Node *node = graph_node(table->plan->graph, id);
    int layer = table->layer_of[id];
    const char *suffix = name_suffix(table, node->name, layer), *word;
    Arena *arena = wording->session->arena;
    if (!counts(node) || id == wording->group->anchor)
        return;
    if (table->part_of[id] == STEP_UPDATE) {
        add_word(wording, table->program->optimizer->schema.word);
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

static const char *describe(Session *session, KernelTable *table, const KernelRow *row)
{
    const Group *group = &table->plan->groups.items[row->group];
    NodeId first = group->anchor != NODE_NONE ? group->anchor : group->outputs.items[0];
    const Node *node = graph_node(table->plan->graph, first);
    Wording wording = {.session = session, .table = table, .group = group, .text = {.arena = session->arena}};
    const char *suffix = name_suffix(table, node->name, row->layer);
    if (is_turned_parameter(table->plan->graph, node))
        return "kernel turned for the backward pass";
    if (row->part == STEP_UPDATE) {
        const char *of =
            parameter_read(table, graph_node(table->plan->graph, group->outputs.items[0]), row->layer);
        suffix = suffix ? suffix : of;
        return suffix && row->layer >= 0 ? arena_printf(session->arena, "%s %s", suffix, "update") : "rates";
    }
    if (group->anchor != NODE_NONE && row->layer >= 0)
        add_word(&wording, suffix && row->part == STEP_BACKWARD
                               ? arena_printf(session->arena, "%s gradient", suffix)
                               : anchor_word(table, group->anchor));
    for (size_t i = 0; i < group->members.count; i++)
        add_member(&wording, group->members.items[i], row->layer);
    return wording.words.count ? text_string(&wording.text) : node_op(node)->name;
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
        if (counts(graph_node(table->plan->graph, id)) && table->layer_of[id] >= 0 &&
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
    row->owner = row->layer >= 0            ? name_shortened(session->arena,
                                                             table->program->layers.items[row->layer].name, OWNER_WIDTH)
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
    table->part_of = find_parts(arena, plan->graph);
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
            if (plan_root(plan->graph, node->in[k]) == tensor && counts(node))
                return group->members.items[i];
    }
    return group->outputs.items[0];
}

LayerBytes *kernels_layer_bytes(Session *session, const KernelTable *table)
{
    LayerBytes *bytes = NEW_ARRAY(session->arena, LayerBytes, table->program->layers.count + 1);
    for (int g = 0; g < table->count; g++) {
        const Group *group = &table->plan->groups.items[g];
        double times = group->chunked ? (double)table->plan->graph->batch : 1;
        for (size_t k = 0; k < group->kernels.count; k++) {
            const Computation *computation = group->kernels.items[k]->computation;
            for (size_t t = 0; t < computation->tensors.count; t++) {
                NodeId node = user_of(table, group, computation->tensors.items[t].node);
                bytes[table->layer_of[node] + 1][table->part_of[node]] +=
                    times * link_moved_bytes(table->plan, computation, (int)t);
            }
        }
    }
    return bytes;
}

/* ---- Short names ---- */

/* Takes one character out of the middle of the longest part but the last; false: they are all short. */
static bool shorten_once(char *name)
{
    enum { LEAST = 5 };
    size_t best = 0, best_at = 0;
    char *part = name, *end;
    for (; (end = strchr(part, '.')); part = end + 1)
        if ((size_t)(end - part) > best) {
            best = (size_t)(end - part);
            best_at = (size_t)(part - name);
        }
    if (best <= LEAST)
        return false;
    part = name + best_at;
    char *mark = memchr(part, '~', best);
    if (!mark) { /* two characters become the mark */
        mark = part + best / 2;
        *mark = '~';
        memmove(mark + 1, mark + 2, strlen(mark + 2) + 1);
    } else { /* the longer side gives one, the end's last two stay: numbers stand there */
        size_t before = (size_t)(mark - part), after = best - before - 1;
        char *out = before >= after || after <= 2 ? mark - 1 : mark + 1;
        memmove(out, out + 1, strlen(out + 1) + 1);
    }
    return true;
}

const char *name_shortened(Arena *arena, const char *name, int width)
{
    char *text = arena_copy(arena, name, strlen(name) + 1);
    while ((int)strlen(text) > width && shorten_once(text)) {
    }
    if ((int)strlen(text) > width)
        return arena_printf(arena, "%.*s~%s", width / 2 - 1, text,
                            text + strlen(text) - (size_t)(width - width / 2));
    return text;
}
