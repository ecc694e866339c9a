/* `cnnc fmt`: writes files in the one form that the formatter knows. A file is replaced whole or not at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/diag.h"
#include "compiler/base/source.h"
#include "compiler/commands/command.h"
#include "compiler/syntax/ast.h"

static CnnStatus write_whole(const char *path, const Text *text)
{
    char temporary[4096];
    struct stat status;
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return command_fail(CNN_NO_RESOURCE, "%s: the path is too long", path);
    int descriptor = mkstemp(temporary);
    if (descriptor < 0)
        return command_fail(CNN_NO_RESOURCE, "%s: %s", temporary, strerror(errno));
    FILE *file = fdopen(descriptor, "w");
    bool written = file && fwrite(text->bytes, 1, text->length, file) == text->length &&
                   stat(path, &status) == 0 && fchmod(descriptor, status.st_mode & 07777) == 0;
    if (file ? fclose(file) : close(descriptor))
        written = false;
    if (written && rename(temporary, path) == 0)
        return CNN_OK;
    int cause = errno;
    unlink(temporary);
    return command_fail(CNN_NO_RESOURCE, "%s: %s", path, strerror(cause));
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
