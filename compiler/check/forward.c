/* A model's forward graph: parameters of the model, the walk through its body, and what must hold of its
 * output. */
#include <string.h>

#include "compiler/check/model.h"
#include "compiler/check/settings.h"
#include "compiler/ops/make.h"

static void define_parameters(Checker *checker, Scope *scope, const AstLine *line)
{
    for (const AstParam *param = line->params; param; param = param->next) {
        const AstExpr *given = settings_define(checker, param->name);
        const AstExpr *expr = given ? given : param->preset;
        Value value = expr ? eval(checker, scope, expr) : value_poison(param->span);
        if (!expr)
            check_error(checker, param->span, "missing-argument",
                        arena_printf(checker->arena, "-D %s=…", param->name),
                        "the model's parameter '%s' has no value", param->name);
        scope_define(checker, scope, param->name, param->span, value);
    }
}

/* What the network's output depends on. */
static bool *find_live(const Graph *graph, NodeId output, Arena *arena)
{
    bool *live = NEW_ARRAY(arena, bool, graph->nodes.count);
    live[output] = true;
    for (NodeId id = output + 1; id-- > 0;) {
        const Node *node = graph_node(graph, id);
        for (int i = 0; live[id] && i < node->in_count; i++)
            live[node->in[i]] = true;
    }
    return live;
}

/* Warns of the last layer of each chain that leads nowhere. */
static void warn_unused(Model *model, NodeId output)
{
    const Graph *graph = model->graph;
    Arena *arena = model->checker->arena;
    bool *live = find_live(graph, output, arena), *read = NEW_ARRAY(arena, bool, graph->nodes.count);
    for (size_t id = 0; id < graph->nodes.count; id++)
        for (int i = 0; i < graph->nodes.items[id].in_count; i++)
            read[graph->nodes.items[id].in[i]] = true;
    for (size_t i = 0; i < model->origins.count; i++) {
        const Origin *origin = &model->origins.items[i];
        if (!live[origin->node] && !read[origin->node])
            check_warning(model->checker, origin->span, "unused-value", "nothing uses the value of '%s'",
                          origin->layer);
    }
}

/* What stands before a last softmax or sigmoid. */
static void find_logits(Model *model, NodeId output)
{
    Program *program = model->checker->program;
    const Origin *last = model_origin(model, output);
    NodeId logits = NODE_NONE;
    program->softmax = last && strcmp(last->word, "softmax") == 0;
    program->sigmoid = last && strcmp(last->word, "sigmoid") == 0;
    if (program->softmax || program->sigmoid)
        logits = last->in;
    *(model->training ? &program->train_logits : &program->eval_logits) = logits;
    program->output_span = last ? last->span : graph_node(model->graph, output)->span;
    const Origin *before = last ? model_origin(model, last->in) : NULL;
    if (before && strcmp(before->word, "softmax") == 0 && model->training) {
        check_warning(model->checker, last->span, "softmax-twice",
                      "the values that reach '%s' are probabilities already: 'softmax' stands last, and once",
                      last->layer);
        diag_note(model->checker->diag, before->span, "they come from here");
    }
}

/* One output for each class, or one for two classes. */
static bool check_output(Model *model, NodeId output)
{
    Checker *checker = model->checker;
    const Program *program = checker->program;
    const Type *type = graph_type(model->graph, output);
    if (type->rank != 2) {
        check_error(checker, program->output_span, "output-shape", "flatten or globalpool, then dense",
                    "the network ends with a picture of %s, not with a vector",
                    type_shape(checker->arena, type));
        return false;
    }
    int64_t classes = checker->data_state == DATA_OPEN ? cnn_data_classes(program->data) : 0;
    bool single = type->dim[1] == 1 && (classes == 2 || (program->loss && !program->loss->needs_classes));
    if (classes == 0 || type->dim[1] == classes || single)
        return true;
    check_error(checker, program->output_span, "output-classes", "'dense data.classes' fits any data",
                "the network has %lld outputs, but the data has %lld classes", (long long)type->dim[1],
                (long long)classes);
    diag_note(checker->diag, checker->data_span, "the data is described here");
    return false;
}

static bool finish(Model *model, NodeId output)
{
    Checker *checker = model->checker;
    if (output == POISON)
        return false;
    find_logits(model, output);
    if (!check_output(model, output))
        return false;
    graph_result(model->graph, (Result){.role = RESULT_OUTPUT, .node = output});
    if (model->training)
        warn_unused(model, output);
    *(model->training ? &checker->program->train : &checker->program->eval) = model->graph;
    return true;
}

bool model_build(Checker *checker, bool training)
{
    const AstLine *line = checker->sections[SECTION_MODEL];
    int errors = diag_errors(checker->diag);
    Model model = {.checker = checker,
                   .graph = graph_new(checker->arena, checker->diag, checker->program->batch),
                   .training = training};
    checker->graph = model.graph;
    checker->work = checker->work_good = 0;
    Frame *frame = NEW(checker->arena, Frame);
    frame->prefix = "";
    Scope *scope = NEW(checker->arena, Scope);
    *scope = (Scope){.parent = &checker->main->scope, .body = line->body};
    define_parameters(checker, scope, line);
    NodeId output = model_lines(&model, checker->main, frame, line->body, scope, NODE_NONE, NULL);
    bool empty = output == NODE_NONE;
    if (empty)
        check_error(checker, line->name_span, "missing-input", NULL, "the model '%s' is empty", line->name);
    bool good = diag_errors(checker->diag) == errors && !empty && finish(&model, output);
    checker->graph = NULL;
    if (good)
        graph_verify(model.graph, "check");
    return good;
}
