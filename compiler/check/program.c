/* The checker, to be read from top to bottom: the stages of a check, and the order they need. The data comes
 * before the model, which may ask for its classes and shape; the batch comes before the graph, whose tensors
 * have its size. */
#include "compiler/check/program.h"

#include <string.h>

#include "compiler/base/source.h"
#include "compiler/check/checker.h"
#include "compiler/check/model.h"
#include "compiler/check/recipe.h"
#include "compiler/check/settings.h"

static const char *const section_words[SECTION_COUNT] = {"model", "data", "train", "compile"};

static void find_sections(Checker *checker)
{
    for (const AstLine *line = checker->main->ast->lines; line; line = line->next) {
        if (line->kind != AST_LINE_SECTION)
            continue;
        int kind = 0;
        while (strcmp(section_words[kind], line->word) != 0)
            kind++;
        if (checker->sections[kind]) {
            check_error(checker, line->name ? line->name_span : line->span, "duplicate-section", NULL,
                        "there are two '%s' sections", line->word);
            diag_note(checker->diag, checker->sections[kind]->span, "the first is this one");
        } else {
            checker->sections[kind] = line;
        }
    }
}

/* Constants that nothing reads are evaluated too, for the mistakes in them. */
static void settle_constants(Checker *checker)
{
    for (const AstLine *line = checker->main->ast->lines; line; line = line->next)
        if (line->kind == AST_LINE_LET)
            scope_find(checker, &checker->main->scope, line->name);
}

static bool check_program(Checker *checker, Span source)
{
    Program *program = checker->program;
    settings_read(checker);
    if (diag_errors(checker->diag))
        return false;
    module_open(checker, program->recipe.model_path, source);
    if (diag_errors(checker->diag))
        return false;
    find_sections(checker);
    const AstLine *model = checker->sections[SECTION_MODEL];
    if (!model) {
        check_error(checker, (Span){source.low, source.low}, "missing-model", NULL,
                    "there is no model in this file");
        return false;
    }
    program->name = program->recipe.model_name = model->name;
    recipe_read_data(checker);
    recipe_read_train(checker);
    recipe_read_compile(checker);
    bool built = model_build(checker, true);
    settle_constants(checker);
    settings_check_defines(checker);
    if (!built || diag_errors(checker->diag))
        return false;
    recipe_finish(checker, program->train);
    if (!model_build(checker, false) || diag_errors(checker->diag))
        return false;
    resolve_sources(checker);
    return true;
}

static Program *check_source(Arena *arena, Diag *diag, const char *name, Span source,
                             const CheckOptions *options)
{
    Program *program = NEW(arena, Program);
    *program = (Program){.arena = arena, .diag = diag, .train_logits = NODE_NONE, .eval_logits = NODE_NONE};
    program->recipe.model_path = arena_text(arena, name, strlen(name));
    Checker checker = {.arena = arena, .diag = diag, .options = options, .program = program};
    if (check_program(&checker, source))
        return program;
    if (program->data)
        cnn_data_close(program->data);
    return NULL;
}

Program *program_check(Arena *arena, Diag *diag, const char *path, const CheckOptions *options)
{
    Span source;
    return source_read(diag, (Span){0}, path, &source) ? check_source(arena, diag, path, source, options)
                                                       : NULL;
}

Program *program_check_text(Arena *arena, Diag *diag, const char *name, const char *text,
                            const CheckOptions *options)
{
    return check_source(arena, diag, name, diag_add_source(diag, name, text, strlen(text)), options);
}
