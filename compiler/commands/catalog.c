/* Collects the statements of the language from their tables, and words what their schemas say. */
#include "compiler/commands/catalog.h"

#include <stdlib.h>
#include <string.h>
#include "compiler/base/bug.h"
#include "compiler/derive/loss.h"
#include "compiler/ops/layer.h"
#include "compiler/optim/optimizer.h"
#include "runtime/data/data.h"
#include "runtime/training.h"

static int entries_order(const void *left, const void *right)
{
    const Schema *a = ((const CatalogEntry *)left)->schema, *b = ((const CatalogEntry *)right)->schema;
    if (!a->planned != !b->planned)
        return a->planned ? 1 : -1;
    return strcmp(a->word, b->word);
}

static CatalogSection *section_add(Arena *arena, Catalog *catalog, const char *title, const char *prefix,
                                   const char *doc)
{
    CatalogSection *section = vec_push(arena, &catalog->sections);
    section->title = title;
    section->prefix = prefix;
    section->doc = doc;
    return section;
}

static void entry_add(Arena *arena, CatalogSection *section, const Schema *schema, const char *const *samples)
{
    CatalogEntry *entry = vec_push(arena, &section->entries);
    entry->schema = schema;
    entry->samples = samples;
}

/* The statements of a table that may stand in one of `places`. */
static void entries_add(Arena *arena, CatalogSection *section, const Schema *const *schemas, unsigned places)
{
    for (; *schemas; schemas++)
        if ((*schemas)->places & places)
            entry_add(arena, section, *schemas, NULL);
}

Catalog *catalog_new(Arena *arena)
{
    Catalog *catalog = NEW(arena, Catalog);
    CatalogSection *section;
    section = section_add(arena, catalog, "Layers", "", "Statements of `model` and of blocks.");
    for (const Layer *const *layer = layer_table; *layer; layer++)
        entry_add(arena, section, &(*layer)->schema, (*layer)->samples);
    section = section_add(arena, catalog, "Data", "", "Statements of `data`: one source, then stages.");
    entries_add(arena, section, data_schemas, IN_DATA | IN_SOURCE);
    section = section_add(arena, catalog, "Augmentation", "", "Statements of `augment`, inside `data`.");
    entries_add(arena, section, data_schemas, IN_AUGMENT);
    section = section_add(arena, catalog, "Training", "", "Statements of `train`.");
    entries_add(arena, section, train_schemas, IN_TRAIN);
    section = section_add(arena, catalog, "Losses", "loss ", "What stands after `loss`, in `train`.");
    for (const Loss *const *loss = loss_table; *loss; loss++)
        entry_add(arena, section, &(*loss)->schema, NULL);
    section =
        section_add(arena, catalog, "Optimizers", "optimizer ", "What stands after `optimizer`, in `train`.");
    for (const Optimizer *const *optimizer = optimizer_table; *optimizer; optimizer++)
        entry_add(arena, section, &(*optimizer)->schema, NULL);
    section = section_add(arena, catalog, "Learning-rate schedules", "",
                          "Stages of `schedule`, inside `train`, chained with `->`.");
    entries_add(arena, section, train_schemas, IN_SCHEDULE);
    for (size_t i = 0; i < catalog->sections.count; i++) {
        section = &catalog->sections.items[i];
        qsort(section->entries.items, section->entries.count, sizeof *section->entries.items, entries_order);
    }
    return catalog;
}

const char *catalog_usage(Arena *arena, const CatalogSection *section, const Schema *schema)
{
    Text usage = {.arena = arena};
    text_printf(&usage, "%s%s", section->prefix, schema->word);
    const char *separator = *section->prefix ? ", " : " ";
    for (const Field *field = schema->fields; field->name; field++) {
        bool many = field->kind == FIELD_NAMES || field->kind == FIELD_VALUES;
        text_printf(&usage, "%s", separator);
        if (many)
            text_printf(&usage, "%s, …", field->name);
        else if (!field->preset)
            text_printf(&usage, field->named_only ? "%s=…" : "%s", field->name);
        else
            text_printf(&usage, *field->preset ? "%s=%s" : "[%s=…]", field->name, field->preset);
        separator = ", ";
    }
    if (schema->body)
        text_printf(&usage, " { … }");
    return text_string(&usage);
}

static const char *words_joined(Arena *arena, const char *words)
{
    char *joined = arena_text(arena, words, strlen(words));
    for (char *c = joined; *c; c++)
        if (*c == ' ')
            *c = '|';
    return joined;
}

static const char *kind_text(Arena *arena, const Field *field)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        return "integer";
    case FIELD_REAL:
        return "number";
    case FIELD_SHARE:
        return "share (25% or 0.25)";
    case FIELD_ANGLE:
        return "angle (20deg)";
    case FIELD_BOOLEAN:
        return "true|false";
    case FIELD_TEXT:
        return "text";
    case FIELD_WORD:
        return words_joined(arena, field->words);
    case FIELD_DIMS:
        return "sizes (28x28x1)";
    case FIELD_WINDOW:
        return "one size or two (3, 3x3)";
    case FIELD_RANGE:
        return "range (0.8..1.2)";
    case FIELD_REALS:
        return "list of numbers";
    case FIELD_NAMES:
        return field->words ? words_joined(arena, field->words) : "words";
    case FIELD_VALUES:
        return "named values";
    case FIELD_DURATION:
        return "time (5 epochs, 100 steps)";
    case FIELD_LENGTH:
        return "length (4px, 20%)";
    case FIELD_PADDING:
        return "valid|same|N|[top, bottom, left, right]";
    }
    BUG("field '%s' has no kind", field->name);
}

const char *catalog_type(Arena *arena, const Field *field)
{
    enum { LARGE = 1 << 20 }; /* a bound from here on only keeps sizes from overflowing */
    const char *kind = kind_text(arena, field);
    bool numeric = field->kind == FIELD_INTEGER || field->kind == FIELD_REAL || field->kind == FIELD_SHARE ||
                   field->kind == FIELD_ANGLE || field->kind == FIELD_LENGTH || field->kind == FIELD_RANGE ||
                   field->kind == FIELD_DIMS || field->kind == FIELD_WINDOW || field->kind == FIELD_REALS;
    if (!numeric || field->least >= field->most)
        return kind;
    if (field->least > -LARGE && field->most < LARGE)
        return arena_printf(arena, "%s, %.9g to %.9g", kind, field->least, field->most);
    if (field->least > -LARGE)
        return arena_printf(arena, "%s, at least %.9g", kind, field->least);
    if (field->most < LARGE)
        return arena_printf(arena, "%s, at most %.9g", kind, field->most);
    return kind;
}

const char *catalog_default(const Field *field)
{
    if (!field->preset)
        return "required";
    return *field->preset ? field->preset : "none";
}

/* Columns of UTF-8 text. */
static int columns(const char *text, size_t length)
{
    int count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

void catalog_wrap(Text *out, const char *words, int indent, int width)
{
    int column = 0;
    while (*(words += strspn(words, " "))) {
        size_t length = strcspn(words, " ");
        int wide = columns(words, length);
        if (column > 0 && column + 1 + wide > width) {
            text_printf(out, "\n");
            column = 0;
        }
        if (column == 0) {
            text_printf(out, "%*s", indent, "");
            column = indent;
        } else {
            text_printf(out, " ");
            column++;
        }
        text_append(out, words, length);
        column += wide;
        words += length;
    }
    text_printf(out, "\n");
}
