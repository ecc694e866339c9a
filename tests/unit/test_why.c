/* cnnc why: changes of a model's text, and the order of the ideas. That they are measured, and fit the models
 * they are written to, is tested in tests/train/test_why.sh. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "compiler/commands/why.h"
#include "compiler/commands/why_edit.h"
#include "compiler/commands/wrap.h"

static Arena *arena;

static const char model[] = "# my network\n"
                            "model M {\n"
                            "    input 28x28x1  # grey\n"
                            "    conv 32, 3x3 -> relu -> maxpool 2\n"
                            "    dense 10 -> softmax\n"
                            "}\n"
                            "\n"
                            "data {\n"
                            "    # where they lie\n"
                            "    folder \"d\" -> resize 28x28  # both\n"
                            "    augment {\n"
                            "        rotate 20deg  # a little\n"
                            "        shift 10%, 10% -> flip horizontal\n"
                            "    }\n"
                            "}\n"
                            "train {\n"
                            "    batch 32, last=drop  # of photos\n"
                            "    optimizer adam\n"
                            "}\n";

/* The text where `from`, which is in it once, has become `to`. */
static const char *with(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    assert_null(strstr(at + 1, from));
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void check(const char *changed, const char *expected)
{
    if (expected) {
        assert_non_null(changed);
        assert_string_equal(changed, expected);
    } else {
        assert_null(changed);
    }
}

static const char *set(const char *text, EditPlace place, const char *value)
{
    return edit_set(arena, text, &place, value);
}

static void arguments_are_set_where_they_stand(void **state)
{
    (void)state;
    check(set(model, (EditPlace){"train", "batch", "size"}, "64"), with(model, "batch 32", "batch 64"));
    check(set(model, (EditPlace){"data", "resize", "size"}, "14x14"),
          with(model, "resize 28x28", "resize 14x14"));
    check(set(model, (EditPlace){"model", "input", "shape"}, "14x14x1"), with(model, "28x28x1", "14x14x1"));
    check(set("train { batch last=drop, size=8 }\n", (EditPlace){"train", "batch", "size"}, "64"),
          "train { batch last=drop, size=64 }\n");
    check(set("train { batch last=drop }\n", (EditPlace){"train", "batch", "size"}, "64"),
          "train { batch 64, last=drop }\n");
    check(set("train { batch }\n", (EditPlace){"train", "batch", "size"}, "64"), "train { batch 64 }\n");
}

static void statements_and_sections_are_added_where_they_lack(void **state)
{
    (void)state;
    EditPlace precision = {"train", "precision", "type"}, rewrite = {"compile", "rewrite", "names"};
    check(set(model, precision, "bf16"),
          with(model, "    optimizer adam\n", "    optimizer adam\n    precision bf16\n"));
    check(set("train { batch 8 }", precision, "bf16"), "train { batch 8\n    precision bf16\n}");
    check(set("train {}\n", precision, "bf16"), "train {\n    precision bf16\n}\n");
    check(set(model, rewrite, "a"), arena_printf(arena, "%s\ncompile {\n    rewrite a\n}\n", model));
    check(set("model M { input 1x1x1 }", rewrite, "a"),
          "model M { input 1x1x1 }\n\ncompile {\n    rewrite a\n}\n");
}

static void lines_are_added_behind_a_statement(void **state)
{
    (void)state;
    check(edit_add_behind(arena, model, "data", "folder", "cache memory"),
          with(model, "# both\n", "# both\n    cache memory\n"));
    check(edit_add_behind(arena, "data { folder \"d\" }\n", "data", "folder", "cache disk"),
          "data { folder \"d\"\n    cache disk }\n");
    check(edit_add_behind(arena, model, "data", "idx", "cache disk"), NULL);
    check(edit_add_behind(arena, model, "compile", "tune", "threads 1"), NULL);
}

static void statements_are_taken_out(void **state)
{
    (void)state;
    check(edit_remove(arena, model, "data", "augment", "rotate"),
          with(model, "        rotate 20deg  # a little\n", ""));
    check(edit_remove(arena, model, "data", "augment", "shift"), with(model, "shift 10%, 10% -> ", ""));
    check(edit_remove(arena, model, "data", "augment", "flip"), with(model, " -> flip horizontal", ""));
    check(edit_remove(arena, model, "data", "augment", NULL),
          with(model,
               "    augment {\n        rotate 20deg  # a little\n        shift 10%, 10% -> flip horizontal\n"
               "    }\n",
               ""));
    check(edit_remove(arena, "data { augment { rotate 2deg } }", "data", "augment", NULL), "data {  }");
    check(edit_remove(arena, model, "data", "augment", "blur"), NULL);
    check(edit_remove(arena, model, "train", "augment", NULL), NULL);
}

static void what_is_written_can_be_asked(void **state)
{
    (void)state;
    EditPlace input = {"model", "input", "shape"}, epochs = {"train", "epochs", "count"};
    check(edit_value(arena, model, &input), "28x28x1");
    check(edit_value(arena, model, &epochs), NULL);
    const char *const *words = edit_words(arena, model, "data", "augment");
    assert_string_equal(words[0], "rotate");
    assert_string_equal(words[2], "flip");
    assert_null(words[3]);
    assert_null(edit_words(arena, model, "data", "folder")[0]);
}

static void constants_are_halved(void **state)
{
    (void)state;
    const char *name;
    check(edit_half_constant(arena, "let depth = 8\nlet width = 0.5  # of all\nmodel M {}\n", &name),
          "let depth = 8\nlet width = 0.25  # of all\nmodel M {}\n");
    assert_string_equal(name, "width 0.5 -> 0.25");
    check(edit_half_constant(arena, "let first_filters = 33\nmodel M {}\n", &name),
          "let first_filters = 17\nmodel M {}\n");
    check(edit_half_constant(arena, "model M(width=1.0) {}\n", &name), "model M(width=0.5) {}\n");
    check(edit_half_constant(arena, "let filters = 4\nmodel M {}\n", &name), NULL);
    check(edit_half_constant(arena, "let width = 2 * 8\nmodel M {}\n", &name), NULL);
    check(edit_half_constant(arena, model, &name), NULL);
}

static void widths_are_halved_but_for_the_outputs(void **state)
{
    (void)state;
    check(edit_half_widths(arena, model), with(model, "conv 32", "conv 16"));
    check(edit_half_widths(arena, "block wide(n) {\n    conv filters=64, 3x3 -> conv n, 1x1\n}\n"
                                  "model M {\n"
                                  "    repeat 2 { residual { conv 16, 3x3 -> separable 33, 3x3 } }\n"
                                  "    if true { dense 128 } else { dense 8 -> dense 7 }\n"
                                  "    wide 64 -> depthwise 3x3\n"
                                  "    dense 100\n"
                                  "}\n"),
          "block wide(n) {\n    conv filters=32, 3x3 -> conv n, 1x1\n}\n"
          "model M {\n"
          "    repeat 2 { residual { conv 8, 3x3 -> separable 17, 3x3 } }\n"
          "    if true { dense 64 } else { dense 4 -> dense 7 }\n"
          "    wide 64 -> depthwise 3x3\n"
          "    dense 100\n"
          "}\n");
    check(edit_half_widths(arena, "model M { input 1x1x1 -> dense 10 }"), NULL);
}

static void what_helps_most_comes_first(void **state)
{
    (void)state;
    Idea items[] = {{.name = "no"},
                    {.name = "slower", .factor = 0.7},
                    {.name = "second", .factor = 1.5},
                    {.name = "same", .factor = 1.01},
                    {.name = "first", .factor = 4}};
    IdeaList ideas = {.items = items, .count = 5};
    static const char *const order[] = {"first", "second", "same", "slower", "no"};
    why_rank(&ideas);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(items[i].name, order[i]);
        assert_int_equal(why_helps(&items[i]), i < 2);
    }
    IdeaList none = {0};
    why_rank(&none);
    assert_true(why_moved(&none) == 1);
}

/* What differs less than the model itself does is noise: around the idea, or around half of all. */
static void what_the_model_itself_differs_by_is_noise(void **state)
{
    (void)state;
    Idea items[] = {{.name = "untried"},
                    {.name = "wild", .factor = 1.3, .moved = 1.4},
                    {.name = "less", .factor = 1.08, .moved = 1.01},
                    {.name = "first", .factor = 1.5, .moved = 1.4},
                    {.name = "more", .factor = 1.12, .moved = 1.1},
                    {.name = "slower", .factor = 0.9, .moved = 1.02}};
    IdeaList ideas = {.items = items, .count = 6};
    static const char *const order[] = {"first", "wild", "more", "less", "slower", "untried"};
    static const double least[] = {1.4, 1.4, 1.1, 1.1, 1.1, 1.1};
    static const bool helps[] = {true, false, true, false, false, false};
    why_rank(&ideas);
    for (int i = 0; i < 6; i++) {
        assert_string_equal(items[i].name, order[i]);
        assert_true(items[i].least == least[i]);
        assert_int_equal(why_helps(&items[i]), helps[i]);
    }
    assert_true(why_moved(&ideas) == 1.4);
}

static void long_texts_go_on_below_themselves(void **state)
{
    (void)state;
    Text out = {.arena = arena};
    char word[140];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    wrap_text(2, 8, "label", arena_printf(arena, "%.60s %.40s", word, word), &out);
    assert_string_equal(text_string(&out),
                        arena_printf(arena, "  %-8s%.60s\n  %-8s%.40s\n", "label", word, "", word));
    Text longer = {.arena = arena};
    wrap_text(0, 0, "", word, &longer); /* no blank to break it at */
    assert_string_equal(text_string(&longer), arena_printf(arena, "%.100s\n%.39s\n", word, word));
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_set_where_they_stand),
        TEST(statements_and_sections_are_added_where_they_lack),
        TEST(lines_are_added_behind_a_statement),
        TEST(statements_are_taken_out),
        TEST(what_is_written_can_be_asked),
        TEST(constants_are_halved),
        TEST(widths_are_halved_but_for_the_outputs),
        TEST(what_helps_most_comes_first),
        TEST(what_the_model_itself_differs_by_is_noise),
        TEST(long_texts_go_on_below_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
