/* Collects the statements of the language from their tables, and words what their schemas say. */
#include "compiler/commands/catalog.h"

#include <string.h>
#include "compiler/check/compile_args.h"
#include "compiler/check/statements.h"
#include "compiler/derive/loss.h"
#include "compiler/ops/layer.h"
#include "compiler/optim/optimizer.h"
#include "runtime/data/data.h"
#include "runtime/training.h"

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
    CatalogEntry *entry = vec_push(arena, schema->planned ? &section->planned : &section->entries);
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
    entries_add(arena, section, model_schemas, IN_MODEL | IN_JOIN);
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
    section = section_add(arena, catalog, "Rates of layers", "", "Statements of `rates`, inside `train`.");
    entries_add(arena, section, train_schemas, IN_RATES);
    section = section_add(arena, catalog, "Compilation", "", "Statements of `compile`.");
    entries_add(arena, section, compile_schemas, IN_COMPILE);
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
