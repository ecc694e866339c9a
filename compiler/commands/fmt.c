/* `cnnc fmt`: writes files in the one form that the formatter knows. A file is replaced whole or not at all.
 */
#include <string.h>

#include "compiler/base/source.h"
#include "compiler/commands/command.h"
#include "compiler/syntax/ast.h"
#include "runtime/file.h"

static CnnStatus write_whole(const char *path, const Text *text)
{
    NewFile file;
    CnnError error = {0};
    CnnStatus status = cnn_file_create(path, &file, &error);
    if (status == CNN_OK) {
        status = cnn_file_write(&file, text->bytes, text->length, &error);
        if (status == CNN_OK)
            status = cnn_file_commit(&file, &error);
        cnn_file_abandon(&file);
    }
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

static CnnStatus format_file(const char *path, bool only_check, Arena *arena)
{
    Diag *diag = diag_new(arena);
    Span source;
    size_t length;
    Ast *ast = source_read(diag, (Span){0}, path, &source) ? ast_parse(arena, diag, source) : NULL;
    Text formatted = {.arena = arena};
    if (diag_errors(diag) == 0)
        ast_format(ast, &formatted);
    bool wrong = diag_errors(diag) > 0;
    diag_print(diag, stderr);
    if (wrong)
        return CNN_BAD_INPUT;
    const char *written = diag_source(diag, source, &length);
    const char *text = text_string(&formatted);
    if (length == formatted.length && memcmp(written, text, length) == 0)
        return CNN_OK;
    if (!only_check)
        return write_whole(path, &formatted);
    printf("%s is not in the form of `cnnc fmt`\n", path);
    return CNN_BAD_INPUT;
}

CnnStatus command_fmt(const Options *options)
{
    CnnStatus status = CNN_OK;
    for (int i = 0; i < options->word_count; i++) {
        Arena *arena = arena_new();
        CnnStatus of_file = format_file(options->words[i], options->check, arena);
        arena_free(arena);
        if (status == CNN_OK)
            status = of_file;
    }
    return status;
}
