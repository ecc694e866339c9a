/* Calls of blocks: parameters to values, and the body in a frame of its own. */
#include <string.h>

#include "compiler/check/model.h"

/* The arguments of a call as they are bound to the block's parameters. */
typedef struct {
    Checker *checker;
    const Block *block;
    const Scope *caller;
    Scope *scope;     /* where the parameters are defined */
    const char *name; /* `name="…"` */
    Span name_span;
    bool good;
} Call;

static const char *const *parameter_names(const Call *call)
{
    VEC(const char *) names = {0};
    for (const AstParam *param = call->block->line->params; param; param = param->next)
        *vec_push(call->checker->arena, &names) = param->name;
    *vec_push(call->checker->arena, &names) = NULL;
    return names.items;
}

static const AstParam *find_parameter(const Call *call, const char *name)
{
    for (const AstParam *param = call->block->line->params; param; param = param->next)
        if (strcmp(param->name, name) == 0)
            return param;
    return NULL;
}

static void define(Call *call, const AstParam *param, const AstArg *arg)
{
    Binding *known = name_map_find(&call->scope->names, param->name);
    if (known) {
        check_error(call->checker, arg->span, "duplicate-argument", NULL, "'%s' of '%s' is given twice",
                    param->name, call->block->name);
        diag_note(call->checker->diag, known->span, "first here");
        call->good = false;
        return;
    }
    Value value = eval(call->checker, call->caller, arg->value);
    scope_define(call->checker, call->scope, param->name, arg->span, value);
    call->good &= value.kind != VALUE_POISON;
}

static void bind_call_name(Call *call, const AstArg *arg)
{
    Value value = eval(call->checker, call->caller, arg->value);
    call->good &= value.kind == VALUE_TEXT;
    if (value.kind == VALUE_TEXT) {
        call->name = value.text;
        call->name_span = value.span;
    } else if (value.kind != VALUE_POISON) {
        check_error(call->checker, value.span, "wrong-type", NULL, "'name' takes a text, not %s",
                    value_text(call->checker->arena, &value));
    }
}

static void bind_named(Call *call, const AstArg *arg)
{
    const AstParam *param = find_parameter(call, arg->name);
    if (param) {
        define(call, param, arg);
        return;
    }
    if (strcmp(arg->name, "name") == 0) {
        bind_call_name(call, arg);
        return;
    }
    const char *const *names = parameter_names(call);
    check_error(call->checker, arg->name_span, "unknown-parameter",
                check_suggestion(call->checker, arg->name, names), "the block '%s' has no parameter '%s'",
                call->block->name, arg->name);
    diag_note(call->checker->diag, call->block->span, "it is defined here");
    call->good = false;
}

static void bind_positional(Call *call, const AstArg *arg, const AstParam **next)
{
    while (*next && name_map_find(&call->scope->names, (*next)->name))
        *next = (*next)->next;
    if (*next) {
        define(call, *next, arg);
        *next = (*next)->next;
        return;
    }
    check_error(call->checker, arg->span, "too-many-arguments", NULL,
                "the block '%s' does not take that many arguments", call->block->name);
    diag_note(call->checker->diag, call->block->span, "it is defined here");
    call->good = false;
}

/* The parameters that were not given: from their presets, which may read those before them. */
static void bind_presets(Call *call, Span span)
{
    bool complete = call->good;
    for (const AstParam *param = call->block->line->params; param; param = param->next) {
        if (name_map_find(&call->scope->names, param->name))
            continue;
        Value value =
            param->preset ? eval(call->checker, call->scope, param->preset) : value_poison(param->span);
        if (!param->preset && complete) {
            check_error(call->checker, span, "missing-argument", NULL, "the block '%s' needs '%s'",
                        call->block->name, param->name);
            diag_note(call->checker->diag, param->span, "it is defined here");
        }
        call->good &= value.kind != VALUE_POISON;
        scope_define(call->checker, call->scope, param->name, param->span, value);
    }
}

static bool bind(Call *call, const AstStage *stage)
{
    const AstParam *next = call->block->line->params;
    call->good = true;
    for (const AstArg *arg = stage->args; arg; arg = arg->next) {
        if (arg->name)
            bind_named(call, arg);
        else
            bind_positional(call, arg, &next);
    }
    bind_presets(call, stage->word_span);
    return call->good;
}

static bool is_recursion(Checker *checker, const Frame *caller, const Block *block, Span span)
{
    for (const Frame *frame = caller; frame; frame = frame->caller) {
        if (frame->block != block)
            continue;
        check_error(checker, span, "recursion", NULL, "the block '%s' calls itself", block->name);
        return true;
    }
    return false;
}

NodeId model_call(ModelWalk *walk, Scope *scope, const AstStage *stage, const Follow *follow,
                  const Block *block)
{
    Model *model = walk->model;
    Checker *checker = model->checker;
    if (is_recursion(checker, walk->frame, block, stage->word_span))
        return POISON;
    if (stage->body)
        check_error(checker, stage->body->span, "unexpected-body", NULL,
                    "the block '%s' takes no statements in { }", block->name);
    Scope *inner = NEW(checker->arena, Scope);
    *inner = (Scope){.parent = &block->module->scope, .body = block->line->body};
    Call call = {.checker = checker, .block = block, .caller = scope, .scope = inner};
    bool good = bind(&call, stage) && !stage->body;
    const char *name =
        model_name(model, walk->frame, block->name, stage->word_span, call.name, call.name_span);
    if (!good || !name)
        return POISON;
    Frame *frame = NEW(checker->arena, Frame);
    *frame = (Frame){.caller = walk->frame,
                     .block = block,
                     .call = stage->word_span,
                     .prefix = arena_printf(checker->arena, "%s.", name)};
    scope_define(checker, inner, "in", stage->word_span,
                 (Value){.kind = VALUE_TENSOR, .node = walk->current});
    return model_lines(model, block->module, frame, block->line->body, inner, walk->current, follow);
}
