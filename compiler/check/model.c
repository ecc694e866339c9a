/* Statements of a model to layers, layers to names and values. A value that could not be made is POISON: what
 * is made of it is still read, for its own mistakes, but not built. */
#include "compiler/check/model.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "compiler/check/statements.h"
#include "compiler/ops/layer_parts.h"

enum { NAME_BYTES_MAX = 100 };

const Origin *model_origin(const Model *model, NodeId node)
{
    for (size_t i = model->origins.count; i-- > 0;)
        if (model->origins.items[i].node == node && model->origins.items[i].in != node)
            return &model->origins.items[i];
    return NULL;
}

/* The layer that gave a value its shape: those behind it that keep the shape are passed over. */
void model_note_shape(const Model *model, NodeId in)
{
    if (in >= model->graph->nodes.count)
        return;
    const Origin *origin = model_origin(model, in);
    while (origin && origin->in < model->graph->nodes.count &&
           type_equal(graph_type(model->graph, origin->in), graph_type(model->graph, origin->node)) &&
           model_origin(model, origin->in))
        origin = model_origin(model, origin->in);
    const char *shape = type_shape(model->checker->arena, graph_type(model->graph, in));
    if (origin)
        diag_note(model->checker->diag, origin->span, "%s gives %s here", origin->layer, shape);
    else
        diag_note(model->checker->diag, graph_node(model->graph, in)->span, "the input is %s", shape);
}

/* ---- Names ---- */

static bool is_plain_name(const char *name)
{
    if (!*name || strlen(name) > NAME_BYTES_MAX || isdigit((unsigned char)*name))
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return false;
    return true;
}

static int64_t next_number(Arena *arena, Frame *frame, const char *word)
{
    for (size_t i = 0; i < frame->counts.count; i++)
        if (strcmp(frame->counts.items[i].word, word) == 0)
            return ++frame->counts.items[i].count;
    *vec_push(arena, &frame->counts) = (WordCount){word, 1};
    return 1;
}

const char *model_name(Model *model, Frame *frame, const char *word, Span span, const char *given,
                       Span given_span)
{
    Checker *checker = model->checker;
    Span *place = arena_copy(checker->arena, given ? &given_span : &span, sizeof span);
    if (given && !is_plain_name(given)) {
        check_error(checker, given_span, "bad-name", NULL,
                    "a layer's name is made of letters, digits, '_' and '-', begins with no digit, and has "
                    "at most %d of them",
                    NAME_BYTES_MAX);
        return NULL;
    }
    const char *name = given ? arena_printf(checker->arena, "%s%s", frame->prefix, given) : NULL;
    /* relu6 number 1 is not relu number 61 */
    const char *between = isdigit((unsigned char)word[strlen(word) - 1]) ? "_" : "";
    while (!name) {
        name = arena_printf(checker->arena, "%s%s%s%" PRId64, frame->prefix, word, between,
                            next_number(checker->arena, frame, word));
        if (name_map_find(&model->layer_names, name))
            name = NULL; /* the user gave it to another layer */
    }
    const Span *known = name_map_find(&model->layer_names, name);
    if (known) {
        check_error(checker, given_span, "duplicate-name", NULL, "two layers are called '%s'", name);
        diag_note(checker->diag, *known, "the first is this one");
        return NULL;
    }
    name_map_add(checker->arena, &model->layer_names, name, place);
    return name;
}

/* ---- input, from ---- */

static NodeId build_input(ModelWalk *walk, const Bound *bound)
{
    Model *model = walk->model;
    Checker *checker = model->checker;
    const Dims shape = ((const InputArgs *)bound->args)->shape;
    if (walk->current != NODE_NONE) {
        check_error(checker, bound->span, "input-not-first", NULL,
                    "'input' stands once, at the beginning of the model");
        return POISON;
    }
    Build build = {.model = model, .bound = bound, .name = "input", .in = NODE_NONE};
    if (shape.count != 3)
        return build_error(&build, "shape", NODE_NONE, "input-shape",
                           "'input' takes height x width x channels, as 28x28x1, not %d dim%s", shape.count,
                           shape.count == 1 ? "" : "s");
    const int64_t dim[] = {model->graph->batch, shape.value[0], shape.value[1], shape.value[2]};
    if (!layer_fits(&build, "shape", NODE_NONE, 4, dim))
        return POISON;
    if (checker->data_state == DATA_OPEN) {
        Dims given = cnn_data_shape(checker->program->data);
        if (memcmp(given.value, shape.value, 3 * sizeof *given.value) != 0) {
            build_error(&build, "shape", NODE_NONE, "input-data",
                        "'input' is %" PRId64 "x%" PRId64 "x%" PRId64 ", but the data gives %" PRId64
                        "x%" PRId64 "x%" PRId64,
                        dim[1], dim[2], dim[3], given.value[0], given.value[1], given.value[2]);
            diag_note(checker->diag, checker->data_span,
                      "the data is described here; 'input data.shape' fits any");
            return POISON;
        }
    }
    return graph_leaf(model->graph, bound->span, "input", type_make(DTYPE_F32, LEAD_BATCH, 4, dim),
                      (LeafAttrs){.kind = LEAF_INPUT});
}

static NodeId build_from(ModelWalk *walk, const Bound *bound)
{
    const Values values = ((const FromArgs *)bound->args)->value;
    if (values.count == 1)
        return values.value[0];
    check_error(walk->model->checker, bound->span, "wrong-count", NULL, "'from' takes one value, not %d",
                values.count);
    return POISON;
}

/* ---- Layers ---- */

/* Reads the body of a layer that cannot be built, for the mistakes in it. */
static void read_body(Build *build, const Schema *schema, const Body *body)
{
    int branches = schema->body == IN_JOIN ? build_branches(build, body) : 0;
    if (schema->body == IN_MODEL)
        build_body(build, body, POISON);
    for (int i = 0; i < branches; i++)
        build_body(build, build_branch(build, body, i), POISON);
}

static void keep_row(Model *model, const Frame *frame, const Build *build, NodeId node)
{
    Program *program = model->checker->program;
    Span at = build->bound->span;
    for (; frame->block; frame = frame->caller)
        at = frame->call;
    *vec_push(program->arena, &program->layers) = (LayerRow){.name = build->name,
                                                             .word = build->bound->schema->word,
                                                             .span = build->bound->span,
                                                             .at = at,
                                                             .node = node,
                                                             .parameters = *build->parameters,
                                                             .schema = build->bound->schema,
                                                             .args = build->bound->args};
}

void model_keep_use(Model *model, const LayerUse *use)
{
    Program *program = model->checker->program;
    if (!model->training && use->out != POISON && use->out != use->in)
        *vec_push(program->arena, &program->eval_layers) = *use;
}

static NodeId build_statement(ModelWalk *walk, Scope *scope, const AstStage *stage, const Follow *follow,
                              const Bound *bound, bool good)
{
    Model *model = walk->model;
    const Layer *layer = statement_layer(model->checker, bound->schema);
    int64_t parameters = 0;
    Build build = {
        .model = model, .bound = bound, .in = walk->current, .follow = follow, .parameters = &parameters};
    build.name = model_name(model, walk->frame, stage->word, stage->word_span, bound->name, bound->name_span);
    Body body = {.ast = stage->body, .scope = scope, .frame = walk->frame, .module = walk->walk.module};
    NodeId in = walk->current;
    if (!good || !build.name || in == POISON) {
        if (stage->body && bound->schema->body)
            read_body(&build, bound->schema, &body);
        return POISON;
    }
    NodeId node = layer->build(&build, bound->args, in, stage->body ? &body : NULL);
    if (node == POISON)
        return POISON;
    *vec_push(model->checker->arena, &model->origins) =
        (Origin){.layer = build.name, .word = stage->word, .span = stage->word_span, .in = in, .node = node};
    model_keep_use(model, &(LayerUse){layer, build.name, bound->args, in, node});
    if (model->training)
        keep_row(model, walk->frame, &build, node);
    return node;
}

NodeId model_stage(ModelWalk *walk, Scope *scope, const AstStage *stage, const Follow *follow)
{
    Checker *checker = walk->model->checker;
    bool is_input = strcmp(stage->word, input_statement.word) == 0;
    if (walk->current == NODE_NONE && !is_input) {
        check_error(checker, stage->word_span, "missing-input",
                    "input HEIGHTxWIDTHxCHANNELS, or input data.shape", "a model begins with 'input'");
        walk->current = POISON;
    }
    const Block *block = module_block(walk->walk.module, stage->word);
    if (block)
        return model_call(walk, scope, stage, follow, block);
    const Schema *schema =
        statement_find(checker, IN_MODEL, stage->word, stage->word_span, walk->walk.module);
    if (!schema)
        return POISON;
    Bound bound;
    bool is_layer = !is_input && schema != &from_statement;
    bool good =
        schema_bind(checker, scope, schema, schema->word, stage->word_span, stage->args, is_layer, &bound);
    good &= statement_check_body(checker, schema, stage);
    if (is_layer)
        return build_statement(walk, scope, stage, follow, &bound, good);
    return !good ? POISON : is_input ? build_input(walk, &bound) : build_from(walk, &bound);
}

/* ---- Bodies ---- */

static void build_chain(Walk *base, Scope *scope, const AstLine *line, const Follow *follow)
{
    ModelWalk *walk = (ModelWalk *)base;
    Checker *checker = base->checker;
    for (const AstStage *stage = line->chain; stage && !checker->gave_up; stage = stage->next) {
        Follow next = {.stage = stage->next, .scope = scope, .module = base->module, .outer = follow};
        checker->frame = walk->frame;
        walk->current = model_stage(walk, scope, stage, stage->next ? &next : follow);
        checker->frame = walk->frame;
        check_work(checker, stage->span);
    }
    if (!line->name)
        return;
    if (strcmp(line->name, "in") == 0)
        check_error(checker, line->name_span, "reserved-name", NULL,
                    "'in' is the value that enters a block or body");
    else
        scope_define(checker, scope, line->name, line->name_span,
                     (Value){.kind = VALUE_TENSOR, .span = line->name_span, .node = walk->current});
}

NodeId model_lines(Model *model, const Module *module, Frame *frame, const AstBody *body, Scope *scope,
                   NodeId in, const Follow *outer)
{
    Checker *checker = model->checker;
    ModelWalk walk = {.walk = {checker, module, build_chain}, .model = model, .frame = frame, .current = in};
    const Frame *caller = checker->frame;
    checker->frame = frame;
    lines_walk(&walk.walk, body, scope, outer);
    checker->frame = caller;
    return checker->gave_up ? POISON : walk.current;
}

NodeId model_body(Model *model, const Body *body, NodeId in, const Follow *outer)
{
    Scope *scope = NEW(model->checker->arena, Scope);
    *scope = (Scope){.parent = body->scope, .body = body->ast};
    scope_define(model->checker, scope, "in", body->ast->span, (Value){.kind = VALUE_TENSOR, .node = in});
    return model_lines(model, body->module, body->frame, body->ast, scope, in, outer);
}
