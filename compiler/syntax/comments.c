/* After the parse: hangs every comment on the line, body or break it belongs to, and notes where lines were
 * broken or empty lines stood. One walk over the tree and the comments, both in order of position: linear in
 * the length of the text.
 *
 * A comment inside a statement stays where it is if the formatter keeps the new line behind it: before `->`,
 * or before an item of a list, of arguments or of parameters. Any other is hung before the whole statement.
 */
#include "compiler/syntax/parse.h"

#include <string.h>

typedef struct {
    Parser *parser;
    size_t next;       /* the first comment that has no place yet */
    AstLine *line;     /* the statement around it */
    AstComment **last; /* end of that statement's comments */
} Walk;

static void attach_lines(Walk *walk, AstLine *lines);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

uint32_t skip_to_token(const Parser *parser, uint32_t offset)
{
    while (offset < parser->length) {
        char c = parser->text[offset];
        if (c == '#')
            offset += (uint32_t)strcspn(parser->text + offset, "\n");
        else if (is_blank(c) || c == '\n')
            offset++;
        else
            break;
    }
    return offset;
}

/* How many new lines, at most 2, stand directly before a position. The beginning of the file counts as one.
 */
static int newlines_before(const Parser *parser, uint32_t position)
{
    uint32_t offset = position - parser->source.low;
    int count = 0;
    for (; offset > 0 && count < 2; offset--) {
        char c = parser->text[offset - 1];
        if (c == '\n')
            count++;
        else if (!is_blank(c))
            return count;
    }
    return offset == 0 && count == 0 ? 1 : count;
}

static bool only_blanks_between(const Parser *parser, uint32_t low, uint32_t high)
{
    for (uint32_t i = low - parser->source.low; i < high - parser->source.low; i++)
        if (!is_blank(parser->text[i]))
            return false;
    return true;
}

/* From the last to the first, because the follower of a comment before a comment is that one's. */
static void measure_comments(Parser *parser)
{
    for (size_t i = parser->comments.count; i-- > 0;) {
        AstComment *comment = parser->comments.items[i];
        int newlines = newlines_before(parser, comment->span.low);
        comment->own_line = newlines > 0;
        comment->blank_before = newlines > 1;
        uint32_t offset = comment->span.high - parser->source.low;
        while (offset < parser->length && (is_blank(parser->text[offset]) || parser->text[offset] == '\n'))
            offset++;
        bool run = offset < parser->length && parser->text[offset] == '#' && i + 1 < parser->comments.count;
        comment->follower = run ? parser->comments.items[i + 1]->follower : parser->source.low + offset;
    }
}

/* The next comment if it stands before `position`, else NULL. */
static AstComment *comment_before(const Walk *walk, uint32_t position)
{
    if (walk->next == walk->parser->comments.count)
        return NULL;
    AstComment *comment = walk->parser->comments.items[walk->next];
    return comment->span.low < position ? comment : NULL;
}

static void place(Walk *walk, AstComment ***last, AstComment *comment)
{
    **last = comment;
    *last = &comment->next;
    walk->next++;
}

/* Before the whole statement; an empty line that stood before the statement now stands before the comment. */
static void hoist(Walk *walk, AstComment *comment)
{
    comment->blank_before = walk->line->blank_before;
    comment->own_line = true;
    walk->line->blank_before = false;
    place(walk, &walk->last, comment);
}

static void hoist_all(Walk *walk, uint32_t position)
{
    for (AstComment *comment; (comment = comment_before(walk, position));)
        hoist(walk, comment);
}

/* `position` is of the token that may have begun a line. */
static void attach_break(Walk *walk, uint32_t position, AstBreak *place_of)
{
    AstComment **last = &place_of->comments;
    while (*last)
        last = &(*last)->next;
    place_of->on_new_line = place_of->on_new_line || newlines_before(walk->parser, position) > 0;
    for (AstComment *comment; (comment = comment_before(walk, position));) {
        if (comment->follower == position)
            place(walk, &last, comment);
        else
            hoist(walk, comment);
    }
}

static void attach_expr(Walk *walk, AstExpr *expr)
{
    bool bracketed = expr->kind == AST_LIST || expr->kind == AST_CALL;
    for (int i = 0; i < expr->count; i++) {
        if (bracketed)
            attach_break(walk, expr->items[i]->span.low, &expr->items[i]->lead);
        attach_expr(walk, expr->items[i]);
    }
    if (bracketed)
        attach_break(walk, expr->span.high - 1, &expr->close);
}

static void attach_body(Walk *walk, AstBody *body)
{
    hoist_all(walk, body->span.low);
    uint32_t first = body->lines ? body->lines->span.low : body->span.high;
    AstComment *comment = comment_before(walk, first), **last = &body->opening;
    if (comment && only_blanks_between(walk->parser, body->span.low + 1, comment->span.low))
        place(walk, &last, comment);
    attach_lines(walk, body->lines);
    last = &body->comments;
    while ((comment = comment_before(walk, body->span.high)))
        place(walk, &last, comment);
}

static void attach_chain(Walk *walk, AstStage *chain)
{
    for (AstStage *stage = chain; stage; stage = stage->next) {
        if (stage->arrow.low) {
            attach_break(walk, stage->arrow.low, &stage->lead);
            attach_break(walk, stage->span.low, &stage->lead);
        }
        for (AstArg *arg = stage->args; arg; arg = arg->next) {
            attach_break(walk, arg->span.low, &arg->lead);
            attach_expr(walk, arg->value);
        }
        if (stage->body)
            attach_body(walk, stage->body);
    }
}

/* The parts of a statement, in order of position. */
static void attach_inside(Walk *walk, AstLine *line)
{
    for (AstParam *param = line->params; param; param = param->next) {
        attach_break(walk, param->span.low, &param->lead);
        if (param->preset)
            attach_expr(walk, param->preset);
    }
    if (line->expr)
        attach_expr(walk, line->expr);
    attach_chain(walk, line->chain);
    if (line->body)
        attach_body(walk, line->body);
    if (line->other)
        attach_inside(walk, line->other);
}

static void attach_line(Walk *walk, AstLine *line)
{
    Walk around = *walk;
    walk->line = line;
    walk->last = &line->comments;
    for (AstComment *comment; (comment = comment_before(walk, line->span.low));)
        place(walk, &walk->last, comment);
    line->blank_before = newlines_before(walk->parser, line->span.low) > 1;
    attach_inside(walk, line);
    hoist_all(walk, line->span.high);
    AstComment *trailing = comment_before(walk, UINT32_MAX), **last = &line->trailing;
    if (trailing && only_blanks_between(walk->parser, line->span.high, trailing->span.low))
        place(walk, &last, trailing);
    walk->line = around.line;
    walk->last = around.last;
}

static void attach_lines(Walk *walk, AstLine *lines)
{
    for (AstLine *line = lines; line; line = line->next)
        attach_line(walk, line);
}

void attach_comments(Parser *parser)
{
    measure_comments(parser);
    Walk walk = {.parser = parser};
    attach_lines(&walk, parser->ast->lines);
    AstComment **last = &parser->ast->comments;
    for (AstComment *comment; (comment = comment_before(&walk, UINT32_MAX));)
        place(&walk, &last, comment);
}
