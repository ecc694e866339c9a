/* What the `build` functions of layers call (compiler/ops/layer.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/learnt.h"
#include "compiler/check/model.h"
#include "compiler/check/statements.h"

Graph *build_graph(Build *build)
{
    return build->model->graph;
}

bool build_training(const Build *build)
{
    return build->model->training;
}

bool build_is_random(const Build *build)
{
    return build->model->training && !build->model->checker->options->by_heart;
}

bool build_is_frozen(const Build *build)
{
    return learnt_is_frozen(&build->model->checker->program->recipe, build->name);
}

Span build_span(const Build *build)
{
    return build->bound->span;
}

Span build_argument_span(const Build *build, const char *name)
{
    const Field *fields = build->bound->schema->fields;
    for (int i = 0; name && fields[i].name; i++)
        if (strcmp(fields[i].name, name) == 0 && build->bound->spans[i].low)
            return build->bound->spans[i];
    return build->bound->span;
}

const char *build_layer_name(const Build *build)
{
    return build->name;
}

bool build_next_is(const Build *build, const char *word)
{
    const char *next = follow_word(build->model->checker, build->follow);
    return next && strcmp(next, word) == 0;
}

int64_t build_classes(const Build *build)
{
    const Checker *checker = build->model->checker;
    return checker->data_state == DATA_OPEN ? cnn_data_classes(checker->program->data) : 0;
}

NodeId build_error(Build *build, const char *argument, NodeId in, const char *slug, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    Checker *checker = build->model->checker;
    check_error(checker, build_argument_span(build, argument), slug, NULL, "%s", text);
    model_note_shape(build->model, in);
    if (in < build->model->graph->nodes.count && in != build->in)
        model_note_shape(build->model, build->in);
    return POISON;
}

NodeId build_op(Build *build, OpId op, const void *attrs, const NodeId *in, int in_count)
{
    NodeId node = graph_add(build->model->graph, op, build_span(build), attrs, in, in_count);
    graph_name(build->model->graph, node, build->name);
    return node;
}

static NodeId add_leaf(Build *build, const char *part, Type type, LeafAttrs attrs)
{
    const char *name = arena_printf(build->model->checker->arena, "%s.%s", build->name, part);
    if (graph_find_leaf(build->model->graph, name) != NODE_NONE)
        BUG("two tensors are called %s", name);
    return graph_leaf(build->model->graph, build_span(build), name, type, attrs);
}

NodeId build_parameter(Build *build, const char *part, Type type, InitKind init, double init_a, bool decays)
{
    *build->parameters += type_elements(&type);
    return add_leaf(build, part, type,
                    (LeafAttrs){.kind = LEAF_PARAMETER, .init = init, .init_a = init_a, .decays = decays});
}

NodeId build_state(Build *build, const char *part, Type type, InitKind init, double init_a)
{
    return add_leaf(build, part, type,
                    (LeafAttrs){.kind = LEAF_STATE, .init = init, .init_a = init_a, .in_weights = true});
}

void build_update(Build *build, NodeId state, NodeId value)
{
    graph_result(build->model->graph,
                 (Result){.role = RESULT_UPDATE, .node = value, .target = state, .name = build->name});
}

NodeId build_body(Build *build, const Body *body, NodeId in)
{
    return model_body(build->model, body, in, NULL);
}

/* ---- Branches ---- */

typedef struct {
    Walk walk; /* first: the callback gets it */
    Body *body;
} BranchWalk;

static void add_branches(Walk *walk, Scope *scope, const AstLine *line, const Follow *follow)
{
    (void)follow;
    Checker *checker = walk->checker;
    Body *body = ((BranchWalk *)walk)->body;
    if (line->name)
        check_error(checker, line->name_span, "wrong-place", NULL,
                    "a branch cannot be named here: its value is joined");
    for (const AstStage *stage = line->chain; stage; stage = stage->next) {
        const Schema *schema = statement_find(checker, IN_JOIN, stage->word, stage->word_span, NULL);
        if (!schema)
            continue;
        Bound bound;
        schema_bind(checker, scope, schema, schema->word, stage->word_span, stage->args, false, &bound);
        if (!stage->body) {
            check_error(checker, stage->word_span, "missing-body", NULL, "'%s' needs statements in { }",
                        schema->word);
            continue;
        }
        *vec_push(checker->arena, &body->branches) =
            (Body){.ast = stage->body, .scope = scope, .frame = body->frame, .module = body->module};
    }
}

int build_branches(Build *build, const Body *join)
{
    Body *body = (Body *)join; /* the branches are found once, when first asked for */
    if (!body->is_branched) {
        Checker *checker = build->model->checker;
        BranchWalk walk = {.walk = {checker, body->module, add_branches}, .body = body};
        Scope *scope = NEW(checker->arena, Scope);
        *scope = (Scope){.parent = body->scope, .body = body->ast};
        body->is_branched = true;
        lines_walk(&walk.walk, body->ast, scope, NULL);
    }
    return (int)body->branches.count;
}

const Body *build_branch(Build *build, const Body *body, int index)
{
    if (index < 0 || index >= build_branches(build, body))
        BUG("there is no branch %d", index);
    return &body->branches.items[index];
}

NodeId build_layer(Build *build, const Layer *layer, const char *suffix, const void *args, NodeId in)
{
    Build inner = *build;
    inner.name = arena_printf(build->model->checker->arena, "%s.%s", build->name, suffix);
    NodeId out = layer->build(&inner, args, in, NULL);
    const void *kept = args ? arena_copy(build->model->checker->arena, args, layer->schema.args_bytes) : NULL;
    model_keep_use(build->model, &(LayerUse){layer, inner.name, kept, in, out});
    return out;
}
