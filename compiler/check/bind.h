/* Arguments to args structs: the one door from what the user wrote in a statement to what its schema
 * describes. */
#ifndef BIND_H
#define BIND_H

#include "compiler/check/checker.h"
#include "runtime/schema.h"

/* A statement with its arguments checked and converted. */
typedef struct {
    const Schema *schema;
    const char *shown; /* how messages call it: "conv", "optimizer adam" */
    Span span;         /* of its word */
    void *args;        /* schema->args_bytes bytes */
    const Span *spans; /* of the argument of each field; {0, 0} where the preset stands */
    const char *name;  /* `name="…"` of a statement of a model, NULL without */
    Span name_span;
} Bound;

/**
 * Binds arguments to the schema's fields: by position, by name, the rest from the presets. `takes_name`:
 * `name="…"` is allowed beside the fields. false: something was wrong, and has been reported; `bound` is
 * filled but for the args.
 */
bool schema_bind(Checker *checker, const Scope *scope, const Schema *schema, const char *shown, Span span,
                 const AstArg *args, bool takes_name, Bound *bound);

/** Stores a value, converted, as the field of an args struct at `slot`; reports what does not fit. */
bool field_store(Checker *checker, const Bound *bound, const Field *field, const Value *value, void *slot);

/** What a field takes: "an integer of at least 1". */
const char *field_expected(Arena *arena, const Field *field);

/** Prints an argument as the language writes it; false: it is absent. */
bool field_print(const Field *field, const void *slot, Text *out);
/** Prints "word name=value, …" with every field that has a value. */
void args_print(const char *shown, const Schema *schema, const void *args, Text *out);

#endif
