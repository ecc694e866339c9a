/* The model as a text that stands alone: constants as the command line has them, sections as they were
 * checked, data by their full paths. It is what a run folder keeps. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/check/checker.h"
#include "compiler/check/settings.h"
#include "runtime/run/run_folder.h"

/* A path from any folder: `text` is taken from the folder of the model. */
static const char *full_path(const void *context, const char *text)
{
    const Checker *checker = context;
    const char *model = checker->program->recipe.model_path, *slash = strrchr(model, '/');
    char folder[PATH_MAX];
    const char *of_model = slash ? arena_text(checker->arena, model, (size_t)(slash - model) + 1) : ".";
    if (*text == '/' || !realpath(of_model, folder))
        return text;
    return strcmp(text, ".") == 0 ? arena_text(checker->arena, folder, strlen(folder))
                                  : arena_printf(checker->arena, "%s/%s", folder, text);
}

/* The name that a module's file gets: its own, behind a number where another file has it already. */
static const char *name_of(const Checker *checker, const Module *module)
{
    if (module == checker->main)
        return RUN_MODEL;
    const char *slash = strrchr(module->path, '/'), *own = slash ? slash + 1 : module->path;
    for (size_t i = 0; i < checker->modules.count && checker->modules.items[i] != module; i++) {
        const char *path = checker->modules.items[i]->path, *other = strrchr(path, '/');
        if (strcmp(own, RUN_MODEL) == 0 || strcmp(own, other ? other + 1 : path) == 0)
            return arena_printf(checker->arena, "%zu-%s", i + 1, own);
    }
    return own;
}

/* A copy of a line at the top of a file, as it is to be written; false: it is not. */
static bool resolved_line(Checker *checker, const Module *module, const AstLine *line, AstLine *copy)
{
    *copy = *line;
    copy->next = NULL;
    if (line->kind == AST_LINE_SECTION)
        return module == checker->main && strcmp(line->word, "model") == 0;
    if (line->kind == AST_LINE_LET && module == checker->main) {
        const AstExpr *given = settings_define(checker, line->name);
        if (given)
            copy->expr = (AstExpr *)(uintptr_t)given;
    }
    if (line->kind == AST_LINE_IMPORT) {
        const Module *imported = module_imported(checker, module, line->expr->text);
        if (!imported)
            return true;
        copy->expr = NEW(checker->arena, AstExpr);
        *copy->expr = *line->expr;
        copy->expr->text = arena_printf(checker->arena, "./%s", name_of(checker, imported));
    }
    return true;
}

static void add_source(Checker *checker, const Module *module)
{
    Text text = {.arena = checker->arena};
    Ast ast = *module->ast;
    AstLine **end = &ast.lines;
    for (const AstLine *line = module->ast->lines; line; line = line->next) {
        AstLine *copy = NEW(checker->arena, AstLine);
        *end = NULL;
        if (!resolved_line(checker, module, line, copy))
            continue;
        *end = copy;
        end = &copy->next;
    }
    ast_format(&ast, &text);
    if (module == checker->main) {
        const CnnRecipe *recipe = &checker->program->recipe;
        program_print_sections(checker->program,
                               program_with_paths(checker->arena, recipe->data, full_path, checker),
                               program_with_paths(checker->arena, recipe->train, full_path, checker), &text);
    }
    *vec_push(checker->arena, &checker->program->sources) =
        (CnnSource){name_of(checker, module), text_string(&text)};
}

void resolve_sources(Checker *checker)
{
    for (size_t i = 0; i < checker->modules.count; i++)
        if (checker->modules.items[i]->path[0] !=
            '<') /* those of the standard library are found by their names */
            add_source(checker, checker->modules.items[i]);
}
