/* The catalog: every statement that the language has, collected from the tables of layers, data, training,
 * losses, optimizers and compilation. `cnnc help` and docs/reference.md are printed from it. */
#ifndef CATALOG_H
#define CATALOG_H

#include "compiler/base/text.h"
#include "compiler/base/vec.h"
#include "runtime/schema.h"

typedef struct {
    const Schema *schema;
    const char *const *samples; /* of a layer, NULL-terminated; else NULL */
} CatalogEntry;

typedef struct {
    const char *title;  /* "Layers" */
    const char *doc;    /* where its statements stand */
    const char *prefix; /* what stands before the word: "optimizer ", or "" */
    VEC(CatalogEntry) entries;
} CatalogSection;

typedef struct {
    VEC(CatalogSection) sections;
} Catalog;

/** Sections in the order of a model file, entries by word; those that are planned only stand at the end of
 * their section. */
Catalog *catalog_new(Arena *arena);

/** "conv filters, window, stride=1, pad=valid": how the statement is written, with all defaults. */
const char *catalog_usage(Arena *arena, const CatalogSection *section, const Schema *schema);
/** What a parameter takes: "integer, at least 1"; "valid|same|N|[top, bottom, left, right]". */
const char *catalog_type(Arena *arena, const Field *field);
/** Its default as a reader should see it: "1", "required", "none". */
const char *catalog_default(const Field *field);

/** Appends `words`, wrapped at `width` columns, each line after `indent` blanks. */
void catalog_wrap(Text *out, const char *words, int indent, int width);

#endif
