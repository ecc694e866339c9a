/* Every layer with every one of its samples: it compiles, its gradients are what differences give, and fused
 * it computes the same. What a new layer writes in its samples is tested here without a line more. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "compiler/check/program.h"
#include "compiler/ops/layer.h"
#include "tests/ops/harness.h"

/* A network ends with a vector, so flatten follows. */
static Program *check_body(Arena *arena, Diag *diag, const char *body)
{
    const CheckOptions options = {.batch = BATCH, .without_data = true};
    const char *text = arena_printf(arena, "model Sample {\n%s\nflatten\n}\ntrain { loss mse }\n", body);
    return program_check_text(arena, diag, "sample.cnn", text, &options);
}

static Program *check_sample(Arena *arena, const char *sample)
{
    Diag *diag = diag_new(arena);
    Program *program = check_body(arena, diag, sample);
    if (!program || diag_errors(diag)) {
        diag_print(diag, stderr);
        fail_msg("'%s' does not compile", sample);
    }
    return program;
}

typedef void CheckSample(Arena *arena, Program *program, const char *sample);

static void each_sample(CheckSample *check)
{
    int samples = 0;
    for (const Layer *const *layer = layer_table; *layer; layer++) {
        for (const char *const *sample = (*layer)->samples; *sample; sample++) {
            Arena *arena = arena_new();
            check(arena, check_sample(arena, *sample), *sample);
            arena_free(arena);
            samples++;
        }
    }
    assert_true(samples > 80);
}

static void check_gradients(Arena *arena, Program *program, const char *sample)
{
    Derived derived = derive_gradients(program->train, graph_find_result(program->train, RESULT_OUTPUT));
    check_differences(arena, &derived, sample);
}

static void check_fused(Arena *arena, Program *program, const char *sample)
{
    Derived derived = derive_gradients(program->train, graph_find_result(program->train, RESULT_OUTPUT));
    check_variants(arena, derived.full, sample);
    check_variants(arena, program->eval, sample);
}

static void gradients_of_every_sample_are_its_differences(void **state)
{
    (void)state;
    each_sample(check_gradients);
}

static void every_sample_is_the_same_fused_and_not_fused(void **state)
{
    (void)state;
    each_sample(check_fused);
}

/* ---- The table ---- */

static void check_schema(const Layer *layer)
{
    const Schema *schema = &layer->schema;
    if (!schema->word || !schema->doc || !schema->example || !schema->places || !schema->fields)
        fail_msg("a layer lacks a word, a doc, an example, a place or fields: %s",
                 schema->word ? schema->word : "?");
    for (const Field *field = schema->fields; field->name; field++) {
        if (!field->doc || !*field->doc)
            fail_msg("%s: parameter %s lacks a doc", schema->word, field->name);
        if (field->offset + field_bytes(field->kind) > schema->args_bytes)
            fail_msg("%s: parameter %s lies outside of the args", schema->word, field->name);
    }
    if (schema->planned ? layer->build != NULL : !layer->build || !layer->samples[0])
        fail_msg("%s: a layer that is not planned has samples and is built", schema->word);
}

static void every_layer_says_what_it_is(void **state)
{
    (void)state;
    for (const Layer *const *layer = layer_table; *layer; layer++) {
        check_schema(*layer);
        for (const Layer *const *other = layer_table; other != layer; other++)
            assert_string_not_equal((*other)->schema.word, (*layer)->schema.word);
    }
}

static bool compiles(const char *body)
{
    Arena *arena = arena_new();
    Diag *diag = diag_new(arena);
    bool good = check_body(arena, diag, body) && diag_errors(diag) == 0;
    arena_free(arena);
    return good;
}

/* On a picture or, for layers of vectors, behind flatten. */
static void every_example_is_legal(void **state)
{
    (void)state;
    for (const Layer *const *layer = layer_table; *layer; layer++) {
        if ((*layer)->schema.planned)
            continue;
        char picture[1024], vector[1024];
        snprintf(picture, sizeof picture, "input 14x14x16 -> %s", (*layer)->schema.example);
        snprintf(vector, sizeof vector, "input 14x14x16 -> flatten -> %s", (*layer)->schema.example);
        if (!compiles(picture) && !compiles(vector))
            fail_msg("%s: the example '%s' does not compile", (*layer)->schema.word,
                     (*layer)->schema.example);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_says_what_it_is),
        cmocka_unit_test(every_example_is_legal),
        cmocka_unit_test(gradients_of_every_sample_are_its_differences),
        cmocka_unit_test(every_sample_is_the_same_fused_and_not_fused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
