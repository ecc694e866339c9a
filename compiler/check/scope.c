/* Names and what they stand for. */
#include "compiler/check/checker.h"

#include <string.h>

#include "compiler/base/vec.h"

Binding *scope_define(Checker *checker, Scope *scope, const char *name, Span span, Value value)
{
    Binding *known = name_map_find(&scope->names, name);
    if (known) {
        check_error(checker, span, "duplicate-name", NULL, "'%s' is defined twice", name);
        diag_note(checker->diag, known->span, "first here");
        return known;
    }
    Binding *binding = NEW(checker->arena, Binding);
    *binding = (Binding){.name = name, .span = span, .value = value};
    name_map_add(checker->arena, &scope->names, name, binding);
    return binding;
}

static void report_cycle(Checker *checker, const Binding *binding)
{
    const char *chain = binding->name;
    for (const Binding *at = checker->running; at != binding; at = at->reader)
        chain = arena_printf(checker->arena, "%s -> %s", at->name, chain);
    check_error(checker, binding->span, "cyclic-constant", NULL, "'%s' needs itself: %s -> %s", binding->name,
                binding->name, chain);
}

/* Gives a top-level constant its value. */
static void settle(Checker *checker, Binding *binding)
{
    bool cycle = binding->state == BINDING_RUNNING;
    if (cycle)
        report_cycle(checker, binding);
    /* The depth of constants that need constants is that of the stack. */
    if (cycle || !check_enter(checker, binding->span)) {
        binding->state = BINDING_READY;
        binding->value = value_poison(binding->span);
        return;
    }
    binding->state = BINDING_RUNNING;
    binding->reader = checker->running;
    checker->running = binding;
    Value value = eval(checker, &binding->module->scope, binding->expr);
    checker->running = binding->reader;
    if (binding->state == BINDING_RUNNING) {
        binding->state = BINDING_READY;
        binding->value = value;
    }
    check_leave(checker);
}

Binding *scope_find(Checker *checker, const Scope *scope, const char *name)
{
    for (; scope; scope = scope->parent) {
        Binding *binding = name_map_find(&scope->names, name);
        if (!binding)
            continue;
        if (binding->state != BINDING_READY)
            settle(checker, binding);
        return binding;
    }
    return NULL;
}

/* The first line that defines the name, in the body or in the branches of its `if`s. */
static const AstLine *find_definition(const AstBody *body, const char *name)
{
    for (const AstLine *line = body ? body->lines : NULL; line; line = line->next) {
        if ((line->kind == AST_LINE_CHAIN || line->kind == AST_LINE_LET) && line->name &&
            strcmp(line->name, name) == 0)
            return line;
    }
    return NULL;
}

void scope_unknown(Checker *checker, const Scope *scope, const char *name, Span span)
{
    VEC(const char *) names = {0};
    const AstLine *later = NULL;
    for (const Scope *at = scope; at; at = at->parent) {
        for (size_t i = 0; i < at->names.capacity; i++)
            if (at->names.entries[i].name)
                *vec_push(checker->arena, &names) = at->names.entries[i].name;
        if (!later)
            later = find_definition(at->body, name);
    }
    *vec_push(checker->arena, &names) = NULL;
    const char *hint = later ? NULL : check_suggestion(checker, name, names.items);
    check_error(checker, span, "unknown-name", hint,
                later ? "'%s' is not defined yet" : "nothing is called '%s'", name);
    if (later)
        diag_note(checker->diag, later->name_span, "it is defined here, further down");
}
