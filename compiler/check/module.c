/* Files: their constants and blocks, and what they import. A file is read once, whoever imports it; its names
 * are those it defines and those that the files it imports define themselves. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/source.h"
#include "compiler/check/checker.h"
#include "compiler/check/settings.h"
#include "compiler/check/statements.h"
#include "compiler/check/stdlib.h"

static const char STDLIB_SUFFIX[] = ".cnn";

const Block *module_block(const Module *module, const char *name)
{
    return name_map_find(&module->blocks, name);
}

static void define_block(Checker *checker, Module *module, Block *block)
{
    const Block *known = module_block(module, block->name);
    if (known == block)
        return;
    if (known) {
        check_error(checker, block->span, "duplicate-name", NULL, "the block '%s' is defined twice",
                    block->name);
        diag_note(checker->diag, known->span, "first here");
        return;
    }
    name_map_add(checker->arena, &module->blocks, block->name, block);
}

static void define_let(Checker *checker, Module *module, const AstLine *line)
{
    if (strcmp(line->name, "in") == 0) {
        check_error(checker, line->name_span, "reserved-name", NULL,
                    "'in' is the value that enters a block or body");
        return;
    }
    const AstExpr *given = module == checker->main ? settings_define(checker, line->name) : NULL;
    if (name_map_find(&module->scope.names, line->name)) {
        scope_define(checker, &module->scope, line->name, line->name_span, value_poison(line->name_span));
        return;
    }
    Binding *binding =
        scope_define(checker, &module->scope, line->name, line->name_span, value_poison(line->name_span));
    binding->state = BINDING_WAITING;
    binding->expr = given ? given : line->expr;
    binding->module = module;
}

static void read_block(Checker *checker, Module *module, const AstLine *line)
{
    if (statement_is_reserved(checker, line->name)) {
        check_error(checker, line->name_span, "reserved-name", NULL,
                    "a block cannot be called '%s': a statement is called so", line->name);
        return;
    }
    Block *block = NEW(checker->arena, Block);
    *block = (Block){.name = line->name, .span = line->name_span, .line = line, .module = module};
    define_block(checker, module, block);
}

/* The names that `from` defines itself become names of `module`. */
static void take_names(Checker *checker, Module *module, const Module *from)
{
    for (const AstLine *line = from->ast->lines; line; line = line->next) {
        if (line->kind == AST_LINE_BLOCK) {
            Block *block = name_map_find(&from->blocks, line->name);
            if (block && block->module == from)
                define_block(checker, module, block);
        }
        if (line->kind != AST_LINE_LET)
            continue;
        Binding *binding = name_map_find(&from->scope.names, line->name);
        const Binding *known = name_map_find(&module->scope.names, line->name);
        if (known && known != binding) {
            check_error(checker, binding->span, "duplicate-name", NULL, "'%s' is defined twice", line->name);
            diag_note(checker->diag, known->span, "first here");
        } else if (binding && !known) {
            name_map_add(checker->arena, &module->scope.names, line->name, binding);
        }
    }
}

static const StdlibFile *find_stdlib(const char *name)
{
    for (const StdlibFile *file = stdlib_files; file->name; file++)
        if (strncmp(file->name, name, strlen(name)) == 0 &&
            strcmp(file->name + strlen(name), STDLIB_SUFFIX) == 0)
            return file;
    return NULL;
}

static Module *module_new(Checker *checker, const char *path, const char *identity, const Module *importer)
{
    Module *module = NEW(checker->arena, Module);
    *module = (Module){.path = path, .identity = identity, .importer = importer, .opening = true};
    *vec_push(checker->arena, &checker->modules) = module;
    return module;
}

static Module *module_known(const Checker *checker, const char *identity)
{
    for (size_t i = 0; i < checker->modules.count; i++)
        if (strcmp(checker->modules.items[i]->identity, identity) == 0)
            return checker->modules.items[i];
    return NULL;
}

static void report_cycle(Checker *checker, Span span, const Module *module, const Module *importer)
{
    const char *chain = module->path;
    for (const Module *at = importer; at != module; at = at->importer)
        chain = arena_printf(checker->arena, "%s -> %s", at->path, chain);
    check_error(checker, span, "import-cycle", NULL, "files import each other: %s -> %s", module->path,
                chain);
}

static void fill_module(Checker *checker, Module *module, Span source);

/* The file that an import means. */
static const char *import_path(const Checker *checker, const Module *importer, const char *text)
{
    const char *slash = strrchr(importer->path, '/');
    return slash ? arena_printf(checker->arena, "%.*s/%s", (int)(slash - importer->path), importer->path,
                                strncmp(text, "./", 2) == 0 ? text + 2 : text)
                 : text;
}

const Module *module_imported(const Checker *checker, const Module *importer, const char *text)
{
    char resolved[PATH_MAX];
    bool is_file = *text == '.' && realpath(import_path(checker, importer, text), resolved);
    return is_file ? module_known(checker, resolved) : NULL;
}

/* The module of an imported file; NULL after an error. */
static Module *import_file(Checker *checker, const Module *importer, const AstExpr *name)
{
    const char *text = name->text;
    size_t length = strlen(text), suffix = strlen(STDLIB_SUFFIX);
    if (length <= suffix || strcmp(text + length - suffix, STDLIB_SUFFIX) != 0 || importer->path[0] == '<') {
        check_error(
            checker, name->span, "bad-import", NULL,
            "an import names a file of the standard library, or one beside this file: \"./mine.cnn\"");
        return NULL;
    }
    const char *path = import_path(checker, importer, text);
    Span source;
    char resolved[PATH_MAX];
    if (!realpath(path, resolved)) {
        source_read(checker->diag, name->span, path, &source); /* which says why */
        return NULL;
    }
    Module *module = module_known(checker, resolved);
    if (module)
        return module;
    if (!source_read(checker->diag, name->span, path, &source))
        return NULL;
    module = module_new(checker, path, arena_text(checker->arena, resolved, strlen(resolved)), importer);
    fill_module(checker, module, source);
    return module;
}

static Module *import_stdlib(Checker *checker, const Module *importer, const AstExpr *name)
{
    const StdlibFile *file = find_stdlib(name->text);
    if (!file) {
        VEC(const char *) names = {0};
        for (const StdlibFile *at = stdlib_files; at->name; at++)
            *vec_push(checker->arena, &names) =
                arena_text(checker->arena, at->name, strlen(at->name) - strlen(STDLIB_SUFFIX));
        *vec_push(checker->arena, &names) = NULL;
        const char *hint = check_suggestion(checker, name->text, names.items);
        check_error(checker, name->span, "unknown-import",
                    hint ? hint : "a file beside this one: \"./NAME.cnn\"",
                    "the standard library has no '%s'", name->text);
        return NULL;
    }
    const char *path = arena_printf(checker->arena, "<%s>", name->text);
    Module *module = module_known(checker, path);
    if (module)
        return module;
    module = module_new(checker, path, path, importer);
    fill_module(checker, module, diag_add_source(checker->diag, path, file->text, file->length));
    return module;
}

static void read_import(Checker *checker, Module *module, const AstLine *line)
{
    const AstExpr *name = line->expr;
    bool is_file = strncmp(name->text, "./", 2) == 0 || strncmp(name->text, "../", 3) == 0 ||
                   strchr(name->text, '/') || strstr(name->text, STDLIB_SUFFIX);
    if (!check_enter(checker, name->span))
        return;
    Module *imported = NULL;
    if (name->text[0] == '/' || (is_file && name->text[0] != '.'))
        check_error(checker, name->span, "bad-import", NULL,
                    "a file to import is named from this file's folder: \"./mine.cnn\"");
    else
        imported = is_file ? import_file(checker, module, name) : import_stdlib(checker, module, name);
    check_leave(checker);
    if (imported && imported->opening)
        report_cycle(checker, name->span, imported, module);
    else if (imported)
        take_names(checker, module, imported);
}

static void fill_module(Checker *checker, Module *module, Span source)
{
    int errors = diag_errors(checker->diag);
    module->ast = ast_parse(checker->arena, checker->diag, source);
    if (diag_errors(checker->diag) == errors) {
        for (const AstLine *line = module->ast->lines; line; line = line->next) {
            if (line->kind == AST_LINE_IMPORT)
                read_import(checker, module, line);
            else if (line->kind == AST_LINE_BLOCK)
                read_block(checker, module, line);
            else if (line->kind == AST_LINE_LET)
                define_let(checker, module, line);
        }
    }
    module->opening = false;
}

Module *module_open(Checker *checker, const char *path, Span source)
{
    char resolved[PATH_MAX];
    const char *identity =
        realpath(path, resolved) ? arena_text(checker->arena, resolved, strlen(resolved)) : path;
    checker->main = module_new(checker, path, identity, NULL);
    fill_module(checker, checker->main, source);
    return checker->main;
}
