/* Values of the language while it is elaborated: what an expression is worth. */
#ifndef VALUE_H
#define VALUE_H

#include "compiler/ir/graph.h"
#include "compiler/syntax/ast.h"

typedef enum {
    VALUE_POISON,   /* wrong, and reported */
    VALUE_INTEGER,  /* integer */
    VALUE_REAL,     /* real, finite */
    VALUE_QUANTITY, /* real, unit */
    VALUE_BOOLEAN,  /* boolean */
    VALUE_TEXT,     /* text */
    VALUE_WORD,  /* text: a name that is not in scope; whether it means something, the place where it stands
                    knows */
    VALUE_LIST,  /* items: no lists or tensors among them; dims, as 3x3, is a list of integers */
    VALUE_RANGE, /* items[0], items[1] */
    VALUE_TENSOR /* node of the graph that is being built, or POISON */
} ValueKind;

typedef struct Value {
    ValueKind kind;
    Span span;
    int64_t integer;
    double real;
    AstUnit unit;
    bool boolean;
    const char *text;
    int count;
    const struct Value *items;
    NodeId node;
} Value;

/** The value as the language writes it, cut where it is long: for messages. */
const char *value_text(Arena *arena, const Value *value);
/** What it is, as "an integer", "a text". */
const char *value_kind(const Value *value);
/** An integer or a real as a double; false for anything else. */
bool value_number(const Value *value, double *out);
/** How a unit is written behind its number: "%", " epochs". */
const char *unit_text(AstUnit unit);
/** A number as the language writes it, with as few digits as give it back. */
const char *real_text(Arena *arena, double real);
/** A text in quotes, with escapes, at most `most` bytes of it. */
const char *quoted_text(Arena *arena, const char *text, size_t most);

#endif
