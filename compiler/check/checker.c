/* The one door for mistakes, and the limits that keep any text from costing more than a bounded amount. */
#include "compiler/check/checker.h"

#include <stdarg.h>
#include <stdio.h>

/* The stack of an elaboration is that of C; the parser bounds the depth of bodies in the text, not that of
 * calls. */
enum { WORK_MAX = 1000000, WORK_AFTER_ERROR = 2000, DEPTH_MAX = 300, NOTES_MAX = 6 };

static const char *format_text(Arena *arena, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, list);
    return text;
}

static void note_calls(Checker *checker)
{
    int notes = 0, left = 0;
    for (const Frame *frame = checker->frame; frame; frame = frame->caller) {
        if (!frame->block)
            continue;
        if (notes == NOTES_MAX) {
            left++;
            continue;
        }
        diag_note(checker->diag, frame->call, "in block '%s', called here", frame->block->name);
        notes++;
    }
    if (left)
        diag_note(checker->diag, (Span){0}, "and %d more calls", left);
}

void check_error(Checker *checker, Span at, const char *slug, const char *hint, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = format_text(checker->arena, format, list);
    va_end(list);
    diag_error_hint(checker->diag, at, slug, hint, "%s", text);
    note_calls(checker);
}

void check_warning(Checker *checker, Span at, const char *slug, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = format_text(checker->arena, format, list);
    va_end(list);
    diag_warning(checker->diag, at, slug, "%s", text);
    note_calls(checker);
}

const char *check_suggestion(Checker *checker, const char *word, const char *const *names)
{
    const char *nearest = nearest_name(word, names);
    return nearest ? arena_printf(checker->arena, "did you mean '%s'?", nearest) : NULL;
}

bool check_work(Checker *checker, Span at)
{
    if (checker->gave_up)
        return false;
    checker->work++;
    /* A mistake within a long repeat is one mistake: what follows is looked through, but not to its end. */
    if (diag_errors(checker->diag) == 0)
        checker->work_good = checker->work;
    if (checker->work > checker->work_good + WORK_AFTER_ERROR) {
        checker->gave_up = true;
        return false;
    }
    size_t nodes = checker->graph ? checker->graph->nodes.count : 0;
    if (checker->work <= WORK_MAX && nodes <= WORK_MAX)
        return true;
    checker->gave_up = true;
    check_error(checker, at, "too-large", NULL,
                "the model has more than %d statements after blocks and repeats", WORK_MAX);
    return false;
}

bool check_enter(Checker *checker, Span at)
{
    if (checker->gave_up)
        return false;
    if (checker->depth == DEPTH_MAX) {
        checker->gave_up = true;
        check_error(checker, at, "too-deep", NULL, "blocks and bodies are nested deeper than %d here",
                    DEPTH_MAX);
        return false;
    }
    checker->depth++;
    return true;
}

void check_leave(Checker *checker)
{
    checker->depth--;
}
