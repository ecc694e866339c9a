/* Bodies to chains. */
#include "compiler/check/lines.h"

#include <string.h>

static void define_let(Checker *checker, Scope *scope, const AstLine *line)
{
    if (strcmp(line->name, "in") == 0) {
        check_error(checker, line->name_span, "reserved-name", NULL,
                    "'in' is the value that enters a block or body");
        return;
    }
    scope_define(checker, scope, line->name, line->name_span, eval(checker, scope, line->expr));
}

/* The body that an `if` chooses; NULL: none of them. `known`: false when a condition cannot be told, which
 * has been reported. */
static const AstBody *choose(Checker *checker, const Scope *scope, const AstLine *line, bool *known)
{
    *known = true;
    for (; line; line = line->other) {
        if (!line->expr)
            return line->body;
        Value condition = eval_known(checker, scope, line->expr);
        if (condition.kind != VALUE_BOOLEAN) {
            if (condition.kind != VALUE_POISON)
                check_error(checker, line->expr->span, "wrong-type", NULL,
                            "a condition is true or false, not %s", value_text(checker->arena, &condition));
            *known = false;
            return NULL;
        }
        if (condition.boolean)
            return line->body;
    }
    return NULL;
}

static void walk_repeat(Walk *walk, Scope *scope, const AstLine *line, const Follow *follow)
{
    Checker *checker = walk->checker;
    Value count = eval_known(checker, scope, line->expr);
    if (count.kind != VALUE_INTEGER || count.integer < 0) {
        if (count.kind != VALUE_POISON)
            check_error(
                checker, line->expr->span, count.kind == VALUE_INTEGER ? "out-of-range" : "wrong-type", NULL,
                "'repeat' takes an integer of at least 0, not %s", value_text(checker->arena, &count));
        return;
    }
    for (int64_t i = 0; i < count.integer && check_work(checker, line->span); i++) {
        Scope *turn = NEW(checker->arena, Scope);
        *turn = (Scope){.parent = scope, .body = line->body};
        if (line->name)
            scope_define(checker, turn, line->name, line->name_span,
                         (Value){.kind = VALUE_INTEGER, .span = line->name_span, .integer = i});
        Follow again = {.line = line->body->lines, .scope = turn, .module = walk->module, .outer = follow};
        lines_walk(walk, line->body, turn, i + 1 < count.integer ? &again : follow);
    }
}

void lines_walk(Walk *walk, const AstBody *body, Scope *scope, const Follow *outer)
{
    Checker *checker = walk->checker;
    if (!check_enter(checker, body->span))
        return;
    for (const AstLine *line = body->lines; line && check_work(checker, line->span); line = line->next) {
        Follow follow = {.line = line->next, .scope = scope, .module = walk->module, .outer = outer};
        if (line->kind == AST_LINE_LET) {
            define_let(checker, scope, line);
        } else if (line->kind == AST_LINE_IF) {
            bool known;
            const AstBody *chosen = choose(checker, scope, line, &known);
            if (chosen)
                lines_walk(walk, chosen, scope, &follow);
        } else if (line->kind == AST_LINE_REPEAT) {
            walk_repeat(walk, scope, line, &follow);
        } else if (line->kind == AST_LINE_CHAIN) {
            walk->chain(walk, scope, line, &follow);
        }
    }
    check_leave(checker);
}

enum { LOOK_MAX = 50 };

static const char *stage_word(const Module *module, const AstStage *stage)
{
    const char *word = stage->word;
    for (int i = 0; i < LOOK_MAX; i++) {
        const Block *block = module_block(module, word);
        if (!block)
            return word;
        const AstLine *first = block->line->body->lines;
        if (!first || first->kind != AST_LINE_CHAIN)
            return NULL;
        word = first->chain->word;
        module = block->module;
    }
    return NULL;
}

/* The same for the lines of a body; *ended: they leave nothing. */
static const char *lines_word(Checker *checker, const Module *module, const Scope *scope, const AstLine *line,
                              int depth, bool *ended)
{
    *ended = false;
    for (int i = 0; line && i < LOOK_MAX && depth < LOOK_MAX; line = line->next, i++) {
        if (line->kind == AST_LINE_CHAIN)
            return stage_word(module, line->chain);
        const AstBody *body = line->body;
        bool known = line->kind != AST_LINE_LET; /* a condition behind it may need it */
        if (line->kind == AST_LINE_IF)
            body = choose(checker, scope, line, &known);
        if (!known)
            return NULL;
        const char *word = body ? lines_word(checker, module, scope, body->lines, depth + 1, ended) : NULL;
        if (body && !*ended)
            return word;
        *ended = false;
    }
    *ended = !line;
    return NULL;
}

const char *follow_word(Checker *checker, const Follow *follow)
{
    for (; follow; follow = follow->outer) {
        if (follow->stage)
            return stage_word(follow->module, follow->stage);
        bool ended;
        const char *word = lines_word(checker, follow->module, follow->scope, follow->line, 0, &ended);
        if (!ended)
            return word;
    }
    return NULL;
}
