/* The table of rewrites, and their way to the two graphs of a program. */
#include "compiler/rewrite/rewrite.h"

#include <string.h>

#include "compiler/ops/layer.h"

const Rewrite rewrite_table[REWRITE_COUNT] = {
#define REWRITE(id, name, doc) {#name, doc, rewrite_find_##name, rewrite_apply_##name},
#include "compiler/rewrite/rewrites.def"
#undef REWRITE
};

static bool has_place(const RewritePlaces *places, const char *place)
{
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->items[i], place) == 0)
            return true;
    return false;
}

/* The network that is evaluated must be the one that was trained. */
static RewritePlaces find_in_both(const Rewrite *rewrite, const Program *program)
{
    RewritePlaces train = {0}, eval = {0}, both = {0};
    rewrite->find(program->train, &train);
    rewrite->find(program->eval, &eval);
    for (size_t i = 0; i < train.count; i++)
        if (has_place(&eval, train.items[i]))
            *vec_push(program->arena, &both) = train.items[i];
    return both;
}

static void rewrite_graph(const Rewrite *rewrite, const RewritePlaces *places, Graph **graph, NodeId *logits,
                          NodeId *map)
{
    *graph = rewrite->apply(*graph, places, map);
    graph_verify(*graph, rewrite->name);
    if (*logits != NODE_NONE)
        *logits = map[*logits];
}

static void rewrite_both(Program *program, const Rewrite *rewrite, const RewritePlaces *places)
{
    Arena *arena = program->arena;
    NodeId *map = NEW_ARRAY(arena, NodeId, program->eval->nodes.count);
    rewrite_graph(rewrite, places, &program->eval, &program->eval_logits, map);
    LayerUse *uses = NEW_ARRAY(arena, LayerUse, program->eval_layers.count);
    for (size_t i = 0; i < program->eval_layers.count; i++) {
        uses[i] = program->eval_layers.items[i];
        uses[i].in = map[uses[i].in];
        uses[i].out = map[uses[i].out];
    }
    program->eval_layers.items = uses;
    map = NEW_ARRAY(arena, NodeId, program->train->nodes.count);
    rewrite_graph(rewrite, places, &program->train, &program->train_logits, map);
    LayerRow *rows = NEW_ARRAY(arena, LayerRow, program->layers.count);
    for (size_t i = 0; i < program->layers.count; i++) {
        rows[i] = program->layers.items[i];
        rows[i].node = map[rows[i].node];
    }
    program->layers.items = rows;
}

Program *rewrite_program(const Program *program, const RewriteOptions *options,
                         RewritePlaces places[REWRITE_COUNT])
{
    Program *rewritten = NEW(program->arena, Program);
    *rewritten = *program;
    for (int i = 0; i < REWRITE_COUNT; i++) {
        places[i] = (RewritePlaces){0};
        if (options->on[i])
            places[i] = find_in_both(&rewrite_table[i], rewritten);
        if (places[i].count > 0)
            rewrite_both(rewritten, &rewrite_table[i], &places[i]);
    }
    return rewritten;
}
