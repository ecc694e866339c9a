/* The one door to flex and bison: checks that the source is text, parses it, and hangs the comments on the
 * result. */
#include "compiler/syntax/parse.h"

#include <string.h>

#define YYSTYPE CNN_STYPE
#define YYLTYPE CNN_LTYPE
#include "cnn.lex.h"
#include "compiler/base/bug.h"
#include "compiler/base/source.h"
#include "compiler/base/utf8.h"

/* Whether all bytes are UTF-8 without control characters; the first that are not are reported. */
static bool is_text(Diag *diag, Span source, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t count = utf8_decode(text + i, length - i, &code);
        unsigned byte = (unsigned char)text[i];
        Span at = {source.low + (uint32_t)i, source.low + (uint32_t)(i + (count ? count : 1))};
        if (count == 0) {
            diag_error(diag, at, "not-utf8", "byte 0x%02x (number %zu of the file) is not UTF-8", byte,
                       i + 1);
            return false;
        }
        if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0x7F) {
            diag_error(diag, at, "not-text", "byte 0x%02x (number %zu of the file): this is not a text file",
                       byte, i + 1);
            return false;
        }
        i += count;
    }
    return true;
}

static void parse(Parser *parser)
{
    uint32_t front =
        parser->length >= 3 && memcmp(parser->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* a byte order mark */
    parser->offset = front;
    parser->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!parser->locale || cnn_scan_lex_init_extra(parser, &parser->scanner) != 0)
        out_of_memory(parser->length);
    cnn_scan__scan_bytes(parser->text + front, (int)(parser->length - front), parser->scanner);
    cnn_parse(parser);
    cnn_scan_lex_destroy(parser->scanner);
    freelocale(parser->locale);
}

Ast *ast_parse(Arena *arena, Diag *diag, Span source)
{
    size_t length;
    const char *text = diag_source(diag, source, &length);
    Ast *ast = NEW(arena, Ast);
    ast->span = source;
    if (length > SOURCE_BYTES_MAX) {
        diag_error(diag, (Span){source.low, source.low}, "file-too-large",
                   "this file has %zu bytes: at most %d are read", length, SOURCE_BYTES_MAX);
        return ast;
    }
    if (!is_text(diag, source, text, length))
        return ast;
    Parser *parser = NEW(arena, Parser);
    *parser = (Parser){
        .arena = arena, .diag = diag, .source = source, .text = text, .length = (uint32_t)length, .ast = ast};
    parse(parser);
    attach_comments(parser);
    return ast;
}
