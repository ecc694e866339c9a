/* The layer table. A layer's cost is counted on the forward graph with every operation in a kernel of its
 * own, so that it does not depend on what is fused. */
#include "compiler/commands/layers.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/check/learnt.h"
#include "compiler/schedule/lower.h"

const char *count_text(Arena *arena, int64_t count)
{
    char digits[32];
    Text text = {.arena = arena};
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    for (int i = 0; i < length; i++)
        text_printf(&text, i && (length - i) % 3 == 0 ? ",%c" : "%c", digits[i]);
    return text_string(&text);
}

/* Three digits or four, and the prefix of the power of `base`. */
static const char *scaled_text(Arena *arena, double value, double base, const char *const *prefixes,
                               const char *unit)
{
    int power = 0;
    while (value >= base * 0.9995 && prefixes[power + 1]) {
        value /= base;
        power++;
    }
    const char *form = power == 0 || value >= 99.95 ? "%.0f %s%s"
                       : value >= 9.995             ? "%.1f %s%s"
                                                    : "%.2f %s%s";
    return arena_printf(arena, form, value, prefixes[power], unit);
}

const char *flops_text(Arena *arena, double flops)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", NULL};
    return scaled_text(arena, flops, 1000, prefixes, "");
}

const char *bytes_text(Arena *arena, double bytes)
{
    static const char *const prefixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", NULL};
    return scaled_text(arena, bytes, 1024, prefixes, "B");
}

int layers_find(const Program *program, const char *name)
{
    int best = -1;
    size_t best_length = 0;
    for (size_t i = 0; name && i < program->layers.count; i++) {
        const char *layer = program->layers.items[i].name;
        size_t length = strlen(layer);
        bool inside = strncmp(name, layer, length) == 0 && (name[length] == '\0' || name[length] == '.');
        if (inside && length >= best_length) {
            best = (int)i;
            best_length = length;
        }
    }
    return best;
}

static void add_operations(Session *session, const Program *program, LayerCost *costs)
{
    PlanOptions options = {.cache_bytes = session->target->l2_bytes};
    for (int i = 0; i < FUSION_COUNT; i++)
        options.fusions.off[i] = true;
    Plan *plan = plan_make(session->arena, program->eval, &options);
    lower_plan(plan);
    for (size_t g = 0; g < plan->groups.count; g++) {
        const Group *group = &plan->groups.items[g];
        int layer = layers_find(program, graph_node(plan->graph, group->outputs.items[0])->name);
        for (size_t k = 0; layer >= 0 && k < group->kernels.count; k++) {
            const Computation *computation = group->kernels.items[k]->computation;
            costs[layer].flops += computation_flops(computation) / (double)program->eval->batch;
            costs[layer].multiply_adds +=
                computation_multiply_adds(computation) / (double)program->eval->batch;
        }
    }
}

/* Work on parameters (a kernel transposed for the backward pass) carries the layer's name too: only values of
 * the batch count. */
static void find_groups(const Program *program, const Plan *plan, LayerCost *costs)
{
    for (size_t g = 0; g < plan->groups.count; g++) {
        const Group *group = &plan->groups.items[g];
        for (size_t m = 0; m < group->members.count; m++) {
            const Node *node = graph_node(plan->graph, group->members.items[m]);
            int layer = node->type.lead == LEAD_BATCH ? layers_find(program, node->name) : -1;
            if (layer >= 0 && costs[layer].group < 0)
                costs[layer].group = (int)g;
        }
    }
}

LayerCost *layers_cost(Session *session, const Program *program, const Plan *plan)
{
    LayerCost *costs = NEW_ARRAY(session->arena, LayerCost, program->layers.count);
    for (size_t i = 0; i < program->layers.count; i++)
        costs[i] = (LayerCost){.row = &program->layers.items[i], .group = -1};
    add_operations(session, program, costs);
    if (plan)
        find_groups(program, plan, costs);
    return costs;
}

typedef struct {
    const char *cell[6];
} Line;
static const bool to_the_right[6] = {false, false, true, true, true, true};

static void print_lines(const Line *lines, size_t count, Text *out)
{
    int width[6] = {0};
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 6; c++)
            if ((int)strlen(lines[i].cell[c]) > width[c])
                width[c] = (int)strlen(lines[i].cell[c]);
    for (size_t i = 0; i < count; i++) {
        Text line = {.arena = out->arena};
        for (int c = 0; c < 6; c++)
            text_printf(&line, "%s%*s", c ? "  " : "", to_the_right[c] ? width[c] : -width[c],
                        lines[i].cell[c]);
        const char *text = text_string(&line);
        size_t length = strlen(text);
        while (length > 0 && text[length - 1] == ' ')
            length--;
        text_append(out, text, length);
        text_append(out, "\n", 1);
    }
}

const char *layers_table(Session *session, const Program *program, const Plan *plan)
{
    Arena *arena = session->arena;
    size_t count = program->layers.count;
    const LayerCost *costs = layers_cost(session, program, plan);
    Line *lines = NEW_ARRAY(arena, Line, count + 2);
    int64_t parameters = 0;
    double flops = 0, multiply_adds = 0;
    lines[0] = (Line){{"layer", "word", "output", "parameters", "FLOPs", plan ? "group" : ""}};
    for (size_t i = 0; i < count; i++) {
        const LayerRow *row = costs[i].row;
        const char *group = costs[i].group >= 0 ? arena_printf(arena, "%d", costs[i].group) : "";
        lines[1 + i] = (Line){{row->name, row->word, type_shape(arena, graph_type(program->train, row->node)),
                               row->parameters ? count_text(arena, row->parameters) : "",
                               costs[i].flops > 0 ? flops_text(arena, costs[i].flops) : "", group}};
        parameters += row->parameters;
        flops += costs[i].flops;
        multiply_adds += costs[i].multiply_adds;
    }
    lines[1 + count] = (Line){{"total", "", "", count_text(arena, parameters), flops_text(arena, flops), ""}};
    Text out = {.arena = arena};
    text_printf(&out, "model %s\n", program->name);
    print_lines(lines, count + 2, &out);
    text_printf(
        &out,
        "parameters take %s; FLOPs are those of one sample forward: %s multiply-adds twice, all else once\n",
        bytes_text(arena, 4.0 * (double)parameters), count_text(arena, (int64_t)multiply_adds));
    int64_t frozen = learnt_frozen_count(&program->recipe, program->train);
    if (frozen)
        text_printf(&out, "%s parameters are frozen, %s are learnt\n", count_text(arena, frozen),
                    count_text(arena, parameters - frozen));
    return text_string(&out);
}
