/* Prints docs/reference.md: nothing here says what a statement means, all of it is in the schemas. */
#include "compiler/commands/reference.h"

#include <string.h>

#include "compiler/check/bind.h"
#include "compiler/commands/command.h"

/* Text in a cell of a table: a bar would end it. */
static void print_cell(Text *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            text_printf(out, "\\");
        text_append(out, text, 1);
    }
}

static void print_flags(const Command *command, FlagGroup group, Text *out)
{
    Options options = {.arena = out->arena};
    const FlagTable *table = command_flags(command, group, &options);
    if (table->flags)
        text_printf(out, "\n| flag | meaning |\n|---|---|\n");
    for (; table->flags; table++) {
        for (const Flag *flag = table->flags; flag->name; flag++) {
            text_printf(out, "| `%s%s%s` | ", flag->name, flag->value ? " " : "",
                        flag->value ? flag->value : "");
            print_cell(out, flag->doc);
            text_printf(out, " |\n");
        }
    }
}

static bool makes_kernels(const Command *command, Arena *arena)
{
    Options options = {.arena = arena};
    return command_flags(command, FLAGS_COMPILE, &options)->flags != NULL;
}

static void print_command_page(const Command *command, Text *out)
{
    text_printf(out, "\n### cnnc %s\n\n    cnnc %s %s\n\n%s.\n", command->word, command->word, command->words,
                command->doc);
    print_flags(command, FLAGS_OWN, out);
    if (makes_kernels(command, out->arena))
        text_printf(out,
                    "\nAnd the [flags of every command that compiles a model](#flags-of-compilation).\n");
}

/* Returns one that makes kernels. */
static const Command *print_command_table(const Command *table, Text *out)
{
    const Command *compiling = NULL;
    for (const Command *command = table; command->word; command++) {
        if (command->run)
            print_command_page(command, out);
        if (command->verbs)
            print_command_table(command->verbs, out);
        compiling = makes_kernels(command, out->arena) ? command : compiling;
    }
    return compiling;
}

static void print_commands(Text *out)
{
    text_printf(out,
                "## Commands\n\nExit codes and what is printed and written: [commands.md](commands.md).\n");
    const Command *compiling = print_command_table(command_table, out);
    text_printf(out, "\n### Flags of compilation\n\nOf every command that compiles a model.\n");
    print_flags(compiling, FLAGS_COMPILE, out);
}

static void print_fields(const Schema *schema, Text *out)
{
    if (!schema->fields->name)
        return;
    text_printf(out, "\n| parameter | takes | default | meaning |\n|---|---|---|---|\n");
    for (const Field *field = schema->fields; field->name; field++) {
        text_printf(out, "| `%s`%s | ", field->name, field->named_only ? " (by name)" : "");
        print_cell(out, field_expected(out->arena, field));
        if (field->planned)
            text_printf(out, " (planned: %s)", field->planned);
        text_printf(out, " | ");
        print_cell(out, catalog_default(field));
        text_printf(out, " | ");
        print_cell(out, field->doc ? field->doc : "");
        text_printf(out, " |\n");
    }
}

static void print_statement(const CatalogSection *section, const CatalogEntry *entry, Text *out)
{
    const Schema *schema = entry->schema;
    text_printf(out, "\n### %s\n\n    %s\n\n%s\n", schema->word, catalog_usage(out->arena, section, schema),
                schema->doc);
    print_fields(schema, out);
    if (schema->example)
        text_printf(out, "\nExample: `%s`\n", schema->example);
    if (entry->samples && *entry->samples) {
        text_printf(out, "\nSamples, run by the tests:\n\n");
        for (const char *const *sample = entry->samples; *sample; sample++) {
            text_printf(out, "    ");
            for (const char *c = *sample; *c; c++)
                text_printf(out, *c == '\n' ? "\n    " : "%c", *c);
            text_printf(out, "\n");
        }
    }
    if (schema->source)
        text_printf(out, "\nSource: %s\n", schema->source);
}

static void print_section(const CatalogSection *section, Text *out)
{
    text_printf(out, "\n## %s\n\n%s\n", section->title, section->doc);
    for (size_t i = 0; i < section->entries.count; i++)
        print_statement(section, &section->entries.items[i], out);
    if (section->planned.count > 0)
        text_printf(out,
                    "\n### Planned\n\nKnown to the language, and refused by name until they are there.\n\n");
    for (size_t i = 0; i < section->planned.count; i++) {
        const Schema *schema = section->planned.items[i].schema;
        text_printf(out, "- `%s`: %s\n", schema->example ? schema->example : schema->word, schema->doc);
    }
}

void reference_markdown(const Catalog *catalog, Text *out)
{
    text_printf(
        out,
        "# Reference\n\nMade by `cnnc help --markdown` from the tables that the compiler itself reads; a "
        "test compares the two. How a model is\nwritten as a whole is told in [language.md](language.md)."
        "\n\n");
    print_commands(out);
    for (size_t s = 0; s < catalog->sections.count; s++)
        print_section(&catalog->sections.items[s], out);
}
