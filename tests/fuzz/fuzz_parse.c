/* libFuzzer target of everything that reads a model file: the parser, the formatter, the checker. What parses
 * must format to a text with the same tree, and formatting that must change nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/program.h"
#include "compiler/syntax/ast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    Text dump, formatted;
    bool good;
} Formatted;

static Formatted format(Arena *arena, const char *text, size_t length)
{
    Diag *diag = diag_new(arena);
    Ast *ast = ast_parse(arena, diag, diag_add_source(diag, "fuzz.cnn", text, length));
    Formatted result = {.dump.arena = arena, .formatted.arena = arena, .good = diag_errors(diag) == 0};
    ast_print(ast, &result.dump);
    if (result.good)
        ast_format(ast, &result.formatted);
    return result;
}

static void check_formatter(const char *text, size_t length)
{
    Arena *arena = arena_new();
    Formatted first = format(arena, text, length);
    if (first.good) {
        Formatted second = format(arena, text_string(&first.formatted), first.formatted.length);
        if (!second.good || strcmp(text_string(&first.dump), text_string(&second.dump)) != 0)
            BUG("the formatter changed the tree");
        if (strcmp(text_string(&first.formatted), text_string(&second.formatted)) != 0)
            BUG("the formatter does not agree with itself");
    }
    arena_free(arena);
}

/* The messages are printed too: they quote what was written. */
static void check_program(const char *text)
{
    Arena *arena = arena_new();
    Diag *diag = diag_new(arena);
    FILE *nowhere = fopen("/dev/null", "w");
    if (!nowhere)
        BUG("/dev/null cannot be written");
    Program *program =
        program_check_text(arena, diag, "fuzz.cnn", text, &(CheckOptions){.without_data = true});
    if (!program && diag_errors(diag) == 0)
        BUG("refused without an error");
    diag_print(diag, nowhere);
    fclose(nowhere);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_formatter(text, size);
    check_program(text);
    free(text);
    return 0;
}
