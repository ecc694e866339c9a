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
    const char *title;                  /* "Layers" */
    const char *doc;                    /* where its statements stand */
    const char *prefix;                 /* what stands before the word: "optimizer ", or "" */
    VEC(CatalogEntry) entries, planned; /* what is there, and what is known but refused until it is there */
} CatalogSection;

typedef struct {
    VEC(CatalogSection) sections;
} Catalog;

/** Number i of a section's entries and, after them, of those that are planned. */
static inline const CatalogEntry *catalog_entry(const CatalogSection *section, size_t i)
{
    size_t count = section->entries.count;
    return i < count ? &section->entries.items[i] : &section->planned.items[i - count];
}

/** Sections in the order of a model file, entries in that of their tables. */
Catalog *catalog_new(Arena *arena);

/** "conv filters, window, stride=1, pad=valid": how the statement is written, with all defaults. */
const char *catalog_usage(Arena *arena, const CatalogSection *section, const Schema *schema);
/** Its default as a reader should see it: "1", "required", "none". */
const char *catalog_default(const Field *field);

/** Appends `words`, wrapped at `width` columns, each line after `indent` blanks. */
void catalog_wrap(Text *out, const char *words, int indent, int width);

#endif
