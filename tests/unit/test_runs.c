/* What `cnnc runs` reads: lines of JSON, and which of their values it shows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/json_object.h"
#include "compiler/commands/runs.h"
#include "tests/unit/arena_test.h"

static bool read_text(const char *text, JsonObject *object)
{
    JsonReader *reader = json_reader_open();
    bool good = json_object_read(reader, arena, text, strlen(text), object);
    json_reader_close(reader);
    return good;
}

static void objects_are_read(void **state)
{
    (void)state;
    JsonObject object;
    assert_true(read_text("{\"event\": \"epoch\", \"loss\": 0.25, \"best\": true, \"none\": null, "
                          "\"text\": \"a \\\"b\\\" \\u00e4\", \"list\": [1, 2], \"step\": 12345678901}",
                          &object));
    assert_int_equal(object.count, 6);
    assert_string_equal(json_object_text(&object, "event"), "epoch");
    assert_true(json_object_number(&object, "loss") == 0.25);
    assert_true(json_object_number(&object, "best") == 1);
    assert_true(json_object_number(&object, "step") == 12345678901.0);
    assert_true(isnan(json_object_number(&object, "none")));
    assert_true(isnan(json_object_number(&object, "event")));
    assert_string_equal(json_object_text(&object, "text"), "a \"b\" ä");
    assert_string_equal(json_object_text(&object, "list"), "[1,2]");
    assert_string_equal(json_object_text(&object, "nothing"), "");
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    JsonObject object;
    static const char *const bad[] = {
        "", "{", "[1, 2]", "7", "{\"a\"", "{\"a\": ", "{\"a\": 1} {\"b\"", "{\"a\": nan}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(read_text(bad[i], &object));
        assert_null(object.json);
        assert_int_equal(object.count, 0);
    }
}

static void runs_are_compared_by_a_metric_of_the_validation_part(void **state)
{
    (void)state;
    JsonObject object;
    assert_true(read_text("{\"loss\": 1, \"accuracy\": 0, \"val_loss\": 2, \"val_accuracy\": 0}", &object));
    assert_string_equal(run_watched(&object), "val_accuracy");
    assert_true(read_text("{\"loss\": 1, \"val_loss\": 2}", &object));
    assert_string_equal(run_watched(&object), "val_loss");
    assert_true(read_text("{\"loss\": 1, \"accuracy\": 0}", &object));
    assert_string_equal(run_watched(&object), "loss");
}

static void times_are_told_as_clocks_do(void **state)
{
    (void)state;
    assert_string_equal(runs_time_text(arena, 0.4), "0:00");
    assert_string_equal(runs_time_text(arena, 127), "2:07");
    assert_string_equal(runs_time_text(arena, 3599.7), "1:00:00");
    assert_string_equal(runs_time_text(arena, NAN), "0:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_read),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(runs_are_compared_by_a_metric_of_the_validation_part),
        cmocka_unit_test(times_are_told_as_clocks_do),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
