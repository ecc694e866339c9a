/* `cnnc help`: the commands, or what is known of a word. `--markdown`: all of it, as docs/reference.md. */
#include <string.h>

#include "compiler/base/diag.h"
#include "compiler/check/bind.h"
#include "compiler/commands/catalog.h"
#include "compiler/commands/command.h"
#include "compiler/commands/grammar_words.h"
#include "compiler/commands/reference.h"

enum { WIDTH = 96 };

static void print_section_words(const CatalogSection *section, Text *out)
{
    Text words = {.arena = out->arena};
    for (size_t i = 0; i < section->entries.count; i++)
        text_printf(&words, "%s ", section->entries.items[i].schema->word);
    catalog_wrap(out, text_string(&words), 2, WIDTH);
}

static void print_overview(const Catalog *catalog, Text *out)
{
    text_printf(out, "cnnc trains convolutional networks with machine code made for each of them.\n\n");
    for (const Command *command = command_table; command->word; command++)
        text_printf(out, "  cnnc %-7s %-8s %s\n", command->word, command->words, command->doc);
    text_printf(out, "  cnnc --version\n\n");
    text_printf(out, "`cnnc help WORD` tells more of a command, or of a statement of the language:\n");
    text_printf(out, "\nStructure\n ");
    for (const GrammarWord *word = grammar_words; word->word; word++)
        text_printf(out, " %s", word->word);
    text_printf(out, "\n");
    for (size_t s = 0; s < catalog->sections.count; s++) {
        text_printf(out, "\n%s\n", catalog->sections.items[s].title);
        print_section_words(&catalog->sections.items[s], out);
    }
}

static void print_command(const Command *command, Options *options)
{
    printf("cnnc %s %s\n\n  %s\n\n", command->word, command->words, command->doc);
    for (const FlagTable *table = command_flags(command, FLAGS_ALL, options); table->flags; table++)
        cnn_flags_print(table->flags, stdout);
}

/* The pages of the command of this name; of a command with verbs, those of all of them. True if there was
 * one. */
static bool print_commands(const Command *table, const char *word, Arena *arena)
{
    bool found = false;
    for (const Command *command = table; command->word; command++) {
        bool named = !word || strcmp(command->word, word) == 0;
        if (command->run && named)
            print_command(command, &(Options){.arena = arena});
        if (command->verbs)
            found = print_commands(command->verbs, named ? NULL : word, arena) || found;
        found = found || named;
    }
    return found;
}

static void print_fields(const Schema *schema, Text *out)
{
    for (const Field *field = schema->fields; field->name; field++) {
        text_printf(out, "\n  %-12s %s; ", field->name, field_expected(out->arena, field));
        text_printf(out, field->preset ? "default %s" : "%s", catalog_default(field));
        if (field->planned)
            text_printf(out, "; planned: %s", field->planned);
        text_printf(out, field->named_only ? "; by name only\n" : "\n");
        catalog_wrap(out, field->doc ? field->doc : "", 15, WIDTH);
    }
}

static void print_statement(const CatalogSection *section, const CatalogEntry *entry, Text *out)
{
    const Schema *schema = entry->schema;
    text_printf(out, "%s\n\n  %s\n", catalog_usage(out->arena, section, schema), section->doc);
    catalog_wrap(out, schema->doc, 2, WIDTH);
    if (schema->planned)
        text_printf(out, "\n  Not there yet: %s.\n", schema->planned);
    print_fields(schema, out);
    if (schema->example)
        text_printf(out, "\n  Example: %s\n", schema->example);
    for (const char *const *sample = entry->samples; sample && *sample; sample++)
        text_printf(out, "%s%s\n", sample == entry->samples ? "  Samples: " : "           ", *sample);
    if (schema->source)
        text_printf(out, "\n  Source: %s\n", schema->source);
    text_printf(out, "\n");
}

/* Those that are there, or those that are only planned. */
static bool print_statements_of(const Catalog *catalog, const char *word, bool planned, Text *out)
{
    bool found = false;
    for (size_t s = 0; s < catalog->sections.count; s++) {
        const CatalogSection *section = &catalog->sections.items[s];
        for (size_t i = 0; i < section->entries.count + section->planned.count; i++) {
            const CatalogEntry *entry = catalog_entry(section, i);
            if (strcmp(entry->schema->word, word) != 0 || (entry->schema->planned != NULL) != planned)
                continue;
            print_statement(section, entry, out);
            found = true;
        }
    }
    return found;
}

/* All statements of this word are printed: `crop` is a layer and an augmentation. True if there was one. */
static bool print_statements(const Catalog *catalog, const char *word, Text *out)
{
    bool there = print_statements_of(catalog, word, false, out);
    return print_statements_of(catalog, word, true, out) || there;
}

/* The page of a word of the grammar; with the words that may follow it, if it has a section of them. */
static bool print_grammar_word(const Catalog *catalog, const char *name, Text *out)
{
    const GrammarWord *word = grammar_words;
    while (word->word && strcmp(word->word, name) != 0)
        word++;
    if (!word->word)
        return false;
    text_printf(out, "%s\n\n", word->usage);
    catalog_wrap(out, word->doc, 2, WIDTH);
    for (size_t s = 0; word->prefix && s < catalog->sections.count; s++) {
        const CatalogSection *section = &catalog->sections.items[s];
        if (strcmp(section->prefix, word->prefix) != 0)
            continue;
        text_printf(out, "\n  %s, each with a page of its own:\n", section->title);
        print_section_words(section, out);
    }
    text_printf(out, "\n  Example: %s\n\n", word->example);
    return true;
}

static CnnStatus unknown_word(const Catalog *catalog, const char *word, Arena *arena)
{
    VEC(const char *) words = {0};
    for (const Command *command = command_table; command->word; command++)
        *vec_push(arena, &words) = command->word;
    for (const GrammarWord *known = grammar_words; known->word; known++)
        *vec_push(arena, &words) = known->word;
    for (size_t s = 0; s < catalog->sections.count; s++) {
        const CatalogSection *section = &catalog->sections.items[s];
        for (size_t i = 0; i < section->entries.count + section->planned.count; i++)
            *vec_push(arena, &words) = catalog_entry(section, i)->schema->word;
    }
    *vec_push(arena, &words) = NULL;
    const char *similar = nearest_name(word, words.items);
    if (similar)
        return command_fail(CNN_BAD_USAGE, "nothing is called '%s'; did you mean '%s'?", word, similar);
    return command_fail(CNN_BAD_USAGE, "nothing is called '%s'; `cnnc help` lists all words", word);
}

static CnnStatus help_word(const Catalog *catalog, const char *word, Arena *arena)
{
    Text out = {.arena = arena};
    bool found = print_commands(command_table, word, arena);
    found = print_grammar_word(catalog, word, &out) || found;
    found = print_statements(catalog, word, &out) || found;
    fputs(text_string(&out), stdout);
    return found ? CNN_OK : unknown_word(catalog, word, arena);
}

CnnStatus command_help(const Options *options)
{
    const Catalog *catalog = catalog_new(options->arena);
    Text out = {.arena = options->arena};
    if (options->markdown)
        reference_markdown(catalog, &out);
    else if (options->word_count > 0)
        return help_word(catalog, options->words[0], options->arena);
    else
        print_overview(catalog, &out);
    fputs(text_string(&out), stdout);
    return CNN_OK;
}
