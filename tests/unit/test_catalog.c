/* What `cnnc help` and the reference say is complete: every statement is explained, as is each of its
 * parameters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/catalog.h"
#include "compiler/commands/command.h"

static Arena *arena;
static const Catalog *catalog;

static int open_catalog(void **state)
{
    (void)state;
    arena = arena_new();
    catalog = catalog_new(arena);
    return 0;
}

static int close_catalog(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void check_statement(const Schema *schema)
{
    if (!schema->doc || !*schema->doc)
        fail_msg("'%s' is not explained", schema->word);
    if (!schema->planned && !schema->example)
        fail_msg("'%s' has no example", schema->word);
    for (const Field *field = schema->fields; field->name; field++)
        if (!field->doc || !*field->doc)
            fail_msg("'%s' of '%s' is not explained", field->name, schema->word);
}

static void test_every_statement_and_parameter_is_explained(void **state)
{
    (void)state;
    for (size_t s = 0; s < catalog->sections.count; s++) {
        const CatalogSection *section = &catalog->sections.items[s];
        assert_true(section->entries.count > 0);
        for (size_t i = 0; i < section->entries.count + section->planned.count; i++)
            check_statement(catalog_entry(section, i)->schema);
    }
}

static void test_a_word_means_one_thing_in_a_section(void **state)
{
    (void)state;
    for (size_t s = 0; s < catalog->sections.count; s++) {
        const CatalogSection *section = &catalog->sections.items[s];
        size_t count = section->entries.count + section->planned.count;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < i; j++)
                if (strcmp(catalog_entry(section, i)->schema->word,
                           catalog_entry(section, j)->schema->word) == 0)
                    fail_msg("'%s' stands twice in %s", catalog_entry(section, i)->schema->word,
                             section->title);
    }
}

static const Field fields[] = {
    {.name = "filters", .kind = FIELD_INTEGER},
    {.name = "stride", .kind = FIELD_WINDOW, .preset = "1"},
    {.name = "norm", .kind = FIELD_REAL, .preset = "", .named_only = true},
    {.name = "to", .kind = FIELD_REAL, .named_only = true},
    {.name = "names", .kind = FIELD_NAMES, .preset = ""},
    FIELDS_END,
};

static void test_a_usage_line_shows_defaults(void **state)
{
    (void)state;
    const Schema schema = {.word = "conv", .fields = fields},
                 group = {.word = "augment", .fields = fields + 5, .body = 1};
    const CatalogSection plain = {.prefix = ""}, optimizers = {.prefix = "optimizer "};
    assert_string_equal(catalog_usage(arena, &plain, &schema),
                        "conv filters, stride=1, [norm=…], to=…, names, …");
    assert_string_equal(catalog_usage(arena, &optimizers, &schema),
                        "optimizer conv, filters, stride=1, [norm=…], to=…, names, …");
    assert_string_equal(catalog_usage(arena, &plain, &group), "augment { … }");
    assert_string_equal(catalog_default(&fields[0]), "required");
    assert_string_equal(catalog_default(&fields[1]), "1");
    assert_string_equal(catalog_default(&fields[2]), "none");
}

static void test_text_is_wrapped_between_words(void **state)
{
    (void)state;
    Text out = {.arena = arena};
    catalog_wrap(&out, "one two  three four", 2, 10);
    assert_string_equal(text_string(&out), "  one two\n  three\n  four\n");
}

static void assert_no_flag_twice(const Command *commands)
{
    for (const Command *command = commands; command->word; command++) {
        if (command->verbs)
            assert_no_flag_twice(command->verbs);
        const char *names[128];
        int count = 0;
        for (const FlagTable *table = command_flags(command, FLAGS_ALL, &(Options){.arena = arena});
             table->flags; table++) {
            for (const Flag *flag = table->flags; flag->name; flag++) {
                for (int i = 0; i < count; i++)
                    if (strcmp(names[i], flag->name) == 0)
                        fail_msg("cnnc %s: %s", command->word, flag->name);
                assert_true(count < 128);
                names[count++] = flag->name;
            }
        }
    }
}

static void test_commands_take_no_flag_twice(void **state)
{
    (void)state;
    assert_no_flag_twice(command_table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement_and_parameter_is_explained),
        cmocka_unit_test(test_a_word_means_one_thing_in_a_section),
        cmocka_unit_test(test_a_usage_line_shows_defaults),
        cmocka_unit_test(test_text_is_wrapped_between_words),
        cmocka_unit_test(test_commands_take_no_flag_twice),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
