/* Random numbers: Philox against its authors' known answers, permutations, defaults of schemas. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/recipe.h"
#include "runtime/rng.h"
#include "runtime/train_args.h"
#include "runtime/training.h"

/* kat_vectors of Random123 1.14: philox4x32 10. */
static void philox_gives_its_authors_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint64_t seed = ((uint64_t)known[i].key[1] << 32) | known[i].key[0];
        const uint32_t *c = known[i].counter;
        Random4 block = cnn_random4(seed, c[0], c[1], c[2], c[3]);
        assert_memory_equal(block.word, known[i].answer, sizeof block.word);
    }
}

static void philox2_gives_its_authors_known_answers(void **state)
{
    (void)state;
    static const uint32_t first[3][3] = {{0, 0, 0},
                                         {UINT32_MAX, UINT32_MAX, UINT32_MAX},
                                         {0x13198a2e, 0x243f6a88, 0x85a308d3}}; /* key, counter */
    static const uint32_t seven[3] = {0x257a3673, 0xab302c4d, 0xbedbbe6b},
                          ten[3] = {0xff1dae59, 0x2c3f628b, 0xdd7ce038};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cnn_philox2(first[i][0], first[i][1], first[i][2], 7), seven[i]);
        assert_int_equal(cnn_philox2(first[i][0], first[i][1], first[i][2], 10), ten[i]);
    }
}

/* Chi square of 256 bins of the numbers themselves and of pairs of neighbours, in elements and in samples:
 * 255 degrees of freedom, so within 255 +- 5 deviations of 22.6. */
static void numbers_of_elements_are_uniform_and_independent(void **state)
{
    (void)state;
    enum { SAMPLES = 64, ELEMENTS = 4096, TOTAL = SAMPLES * ELEMENTS };
    static int single[256], pair[256], across[256];
    static uint32_t before[ELEMENTS];
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        uint32_t last = 0;
        for (uint32_t element = 0; element < ELEMENTS; element++) {
            uint32_t word = cnn_random_element(5, PURPOSE_LAYER + 77, 3, sample, element);
            single[word >> 24]++;
            pair[(word >> 28) << 4 | last >> 28]++;
            across[(word >> 28) << 4 | before[element] >> 28] += sample > 0;
            last = before[element] = word;
        }
    }
    const int *const counts[3] = {single, pair, across};
    for (int c = 0; c < 3; c++) {
        double expected = (c == 2 ? TOTAL - ELEMENTS : TOTAL) / 256.0, chi = 0;
        for (int i = 0; i < 256; i++)
            chi += (counts[c][i] - expected) * (counts[c][i] - expected) / expected;
        assert_true(chi > 255 - 5 * 22.6 && chi < 255 + 5 * 22.6);
    }
}

static void a_uniform_number_is_below_one_and_exact_in_f32(void **state)
{
    (void)state;
    assert_true(cnn_uniform(0xFFFFFFFFu) < 1);
    assert_true(cnn_uniform(0xFFFFFFFFu) == (double)(float)cnn_uniform(0xFFFFFFFFu));
    assert_true(cnn_uniform(0xFF) == 0);
}

static void a_permutation_takes_every_place_once(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 4, 5, 17, 64, 1000, 1025};
    static unsigned char seen[2000];
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        memset(seen, 0, sizeof seen);
        for (uint64_t i = 0; i < counts[c]; i++) {
            uint64_t j = cnn_permute(i, counts[c], 9, PURPOSE_SHUFFLE, 3);
            assert_true(j < counts[c]);
            assert_int_equal(seen[j]++, 0);
        }
    }
}

static void permutations_are_uniform_and_differ_by_seed_and_epoch(void **state)
{
    (void)state;
    /* Chi-squared with 99 degrees of freedom over where 10 places go: below 150 but for one seed in a
     * thousand. */
    int went[10][10] = {{0}};
    for (uint64_t seed = 0; seed < 1000; seed++)
        for (uint64_t i = 0; i < 10; i++)
            went[i][cnn_permute(i, 10, seed, PURPOSE_SHUFFLE, 0)]++;
    double chi = 0;
    for (int i = 0; i < 100; i++)
        chi += pow(went[i / 10][i % 10] - 100, 2) / 100;
    assert_true(chi < 150);
    int same = 0;
    for (uint64_t i = 0; i < 1000; i++)
        same += cnn_permute(i, 1000, 1, PURPOSE_SHUFFLE, 0) == cnn_permute(i, 1000, 1, PURPOSE_SHUFFLE, 1);
    assert_true(same < 10);
}

static void names_hash_by_fnv_1a(void **state)
{
    (void)state;
    assert_int_equal(cnn_hash_name(""), 0x811c9dc5u);
    assert_int_equal(cnn_hash_name("foobar"), 0xbf9cf968u);
}

typedef struct {
    double share, angle, real;
    bool flag;
    int word;
    Duration duration;
    Length length;
    Range range;
    Padding padding, same;
    int64_t integer, absent;
} Everything;

static const Schema everything_schema = {
    .word = "everything",
    .args_bytes = sizeof(Everything),
    .fields =
        (const Field[]){
            FIELD(Everything, share, FIELD_SHARE, .preset = "25%"),
            FIELD(Everything, angle, FIELD_ANGLE, .preset = "20deg"),
            FIELD(Everything, real, FIELD_REAL, .preset = "1e-3"),
            FIELD(Everything, flag, FIELD_BOOLEAN, .preset = "true"),
            FIELD(Everything, word, FIELD_WORD, .preset = "same", .words = "valid same"),
            FIELD(Everything, duration, FIELD_DURATION, .preset = "2 min"),
            FIELD(Everything, length, FIELD_LENGTH, .preset = "4px"),
            FIELD(Everything, range, FIELD_RANGE, .preset = "80%..1.5"),
            FIELD(Everything, padding, FIELD_PADDING, .preset = "3"),
            FIELD(Everything, same, FIELD_PADDING, .preset = "same"),
            FIELD(Everything, integer, FIELD_INTEGER, .preset = "-7"),
            FIELD(Everything, absent, FIELD_INTEGER, .preset = ""),
            FIELDS_END,
        },
};

static void presets_of_every_kind_are_read(void **state)
{
    (void)state;
    Everything e;
    memset(&e, 0xFF, sizeof e);
    schema_defaults(&everything_schema, &e);
    assert_true(e.share == 0.25 && e.angle == 20 && e.real == 1e-3 && e.flag && e.word == 1);
    assert_true(e.duration.value == 120 && e.duration.unit == UNIT_SECONDS);
    assert_true(e.length.value == 4 && !e.length.share);
    assert_true(e.range.low == 0.8 && e.range.high == 1.5);
    assert_true(e.padding.mode == PADDING_EXPLICIT && e.padding.left == 3 && e.padding.bottom == 3);
    assert_true(e.same.mode == PADDING_SAME && e.integer == -7 && e.absent == 0);
}

static void every_statement_of_train_has_readable_presets_and_docs(void **state)
{
    (void)state;
    for (const Schema *const *schema = train_schemas; *schema; schema++) {
        unsigned char args[256];
        assert_true((*schema)->args_bytes <= sizeof args);
        schema_defaults(*schema, args);
        assert_non_null((*schema)->doc);
        assert_non_null((*schema)->example);
        assert_int_equal(strncmp((*schema)->example, (*schema)->word, strlen((*schema)->word)), 0);
        for (const Field *field = (*schema)->fields; field->name; field++) {
            assert_non_null(field->doc);
            assert_true(field->offset + field_bytes(field->kind) <= (*schema)->args_bytes);
        }
    }
}

static void the_last_statement_of_a_word_counts_and_a_missing_one_has_defaults(void **state)
{
    (void)state;
    const CountArgs two = {2}, three = {3};
    const CnnStatement items[] = {{.schema = &epochs_schema, .args = &two},
                                  {.schema = &epochs_schema, .args = &three}};
    CnnStatements list = {2, items};
    CountArgs defaults;
    assert_int_equal(((const CountArgs *)recipe_args(list, &epochs_schema, &defaults))->count, 3);
    BatchArgs batch;
    assert_int_equal(((const BatchArgs *)recipe_args(list, &batch_schema, &batch))->size, 32);
    assert_null(recipe_find(list, &batch_schema));
}

static void words_of_a_list_are_found_by_name_and_number(void **state)
{
    (void)state;
    char word[5];
    assert_int_equal(words_find("keep  drop", "drop"), 1);
    assert_int_equal(words_find("keep drop", "kee"), -1);
    words_get("keep dropping", 1, word, sizeof word);
    assert_string_equal(word, "drop");
    words_get("keep drop", 2, word, sizeof word);
    assert_string_equal(word, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_its_authors_known_answers),
        cmocka_unit_test(philox2_gives_its_authors_known_answers),
        cmocka_unit_test(numbers_of_elements_are_uniform_and_independent),
        cmocka_unit_test(a_uniform_number_is_below_one_and_exact_in_f32),
        cmocka_unit_test(a_permutation_takes_every_place_once),
        cmocka_unit_test(permutations_are_uniform_and_differ_by_seed_and_epoch),
        cmocka_unit_test(names_hash_by_fnv_1a),
        cmocka_unit_test(presets_of_every_kind_are_read),
        cmocka_unit_test(every_statement_of_train_has_readable_presets_and_docs),
        cmocka_unit_test(the_last_statement_of_a_word_counts_and_a_missing_one_has_defaults),
        cmocka_unit_test(words_of_a_list_are_found_by_name_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
