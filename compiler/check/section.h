/* The sections data, train and compile: lists of statements, each with its schema and its arguments. */
#ifndef SECTION_H
#define SECTION_H

#include "compiler/check/bind.h"
#include "compiler/check/checker.h"

/* A statement of a section. Of `loss` and `optimizer` only `args` is set: what they mean is bound by train.c.
 */
typedef struct {
    const Schema *schema;
    Span span; /* of its word */
    const Scope *scope;
    const AstArg *args; /* with those of --set */
    Bound bound;
    bool good; /* the arguments fit */
    CnnStatements body;
} SectionEntry;

typedef VEC(SectionEntry) SectionEntries;

/** The statements of a section of the main file, and those that --set adds; none where there is no section.
 * Mistakes are reported. */
SectionEntries section_read(Checker *checker, SectionKind kind);

/** The last entry of a statement, or NULL. */
const SectionEntry *section_find(const SectionEntries *entries, const Schema *schema);

/** Those that the runtime is to know: the good ones but for `loss` and `optimizer`. */
CnnStatements section_statements(Checker *checker, const SectionEntries *entries);

#endif
