/* Metrics of all answers at once, against scikit-learn; values that are watched, by their names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runtime/recipe.h"
#include "runtime/scores.h"
#include "runtime/train_args.h"
#include "runtime/watched.h"

enum { SAMPLES = 60, CLASSES = 6 };

static CnnMetric all_metrics[] = {{"precision", -1}, {"recall", -1}, {"f1", -1}, {"auc", -1}};

static Scores open_scores(int metric_count, int64_t columns)
{
    CnnProgram program = {.metric_count = metric_count, .metrics = all_metrics};
    Scores scores;
    CnnError error = {0};
    if (scores_open(&program, columns, SAMPLES, &scores, &error) != CNN_OK)
        fail_msg("%s", error.text);
    return scores;
}

static int class_of(int i)
{
    return (i * i + i / 3) % 4;
}

/* The values in eighths, so that many are equal. Class 4 has answers and no samples, class 5 neither. */
static float output_of(int i, int column)
{
    if (column == 5)
        return -1;
    return (float)((7 * i + 13 * column + 5 * i * column) % 11 + (column == class_of(i) && i % 3 ? 4 : 0)) /
           8;
}

/* The values are those of scikit-learn:
 *
 *     import numpy as np, sklearn.metrics as m
 *     i, c = np.arange(60)[:, None], np.arange(6)
 *     y = (i * i + i // 3) % 4
 *     x = ((7 * i + 13 * c + 5 * i * c) % 11 + 4 * ((c == y) & (i % 3 > 0))) / 8
 *     x[:, 5] = -1
 *     y, p = y[:, 0], x.argmax(1)
 *     how = dict(average="macro", zero_division=0)
 *     m.precision_score(y, p, **how), m.recall_score(y, p, **how), m.f1_score(y, p, **how)
 *     np.mean([m.roc_auc_score(y == k, x[:, k]) for k in range(4)])
 */
static void many_classes_have_the_scores_of_scikit_learn(void **state)
{
    (void)state;
    Scores scores = open_scores(4, CLASSES);
    for (int i = 0; i < SAMPLES; i++) {
        float outputs[CLASSES];
        for (int c = 0; c < CLASSES; c++)
            outputs[c] = output_of(i, c);
        scores_add(&scores, i, class_of(i), outputs);
    }
    assert_float_equal(scores_value(&scores, "precision"), 0.5647435897435897, 1e-12);
    assert_float_equal(scores_value(&scores, "recall"), 0.47, 1e-12);
    assert_float_equal(scores_value(&scores, "f1"), 0.502447428246661, 1e-12);
    assert_float_equal(scores_value(&scores, "auc"), 0.8104375, 1e-12);
    scores_close(&scores);
}

/* y = (i * i + i // 3) % 4 > 1; x = ((7 * i) % 11 + 3 * y) / 14; p = x > 0.5 as above, and
 * m.roc_auc_score(y, x). Two outputs, 1 - x and x, are the same. */
static void two_classes_have_the_scores_of_scikit_learn(void **state)
{
    (void)state;
    for (int columns = 1; columns <= 2; columns++) {
        Scores scores = open_scores(4, columns);
        for (int i = 0; i < SAMPLES; i++) {
            int class_index = class_of(i) > 1;
            float x = (float)(7 * i % 11 + 3 * class_index) / 14, outputs[2] = {columns == 1 ? x : 1 - x, x};
            scores_add(&scores, i, class_index, outputs);
        }
        assert_float_equal(scores_value(&scores, "precision"), 0.6586368977673325, 1e-12);
        assert_float_equal(scores_value(&scores, "recall"), 0.65, 1e-12);
        assert_float_equal(scores_value(&scores, "f1"), 0.6451703745423825, 1e-12);
        assert_float_equal(scores_value(&scores, "auc"), 0.72333333333333333, 1e-12);
        scores_close(&scores);
    }
}

static void what_has_no_value_is_not_a_number(void **state)
{
    (void)state;
    Scores scores = open_scores(4, 3);
    assert_true(isnan(scores_value(&scores, "f1")) && isnan(scores_value(&scores, "auc")));
    scores_add(&scores, 0, 1, (const float[]){0, 1, 0}); /* no sample of another class */
    assert_true(scores_value(&scores, "f1") == 1 && isnan(scores_value(&scores, "auc")));
    scores_add(&scores, 0, 2, (const float[]){0, 0, 1});
    assert_true(scores_value(&scores, "auc") == 1);
    scores_add(&scores, 0, 0, (const float[]){0, NAN, 1});
    assert_true(isnan(scores_value(&scores, "auc")));
    scores_close(&scores);
}

static void outputs_are_kept_for_auc_only(void **state)
{
    (void)state;
    Scores scores = open_scores(3, 3);
    assert_null(scores.output);
    assert_int_equal(scores_add(&scores, 0, 1, (const float[]){0.5f, 0.5f, 0.25f}),
                     0); /* the first of equal ones */
    scores_close(&scores);
    assert_true(scores_know("auc") && !scores_know("accuracy") && !scores_know("top5"));
}

/* ---- Watched values ---- */

static CnnMetric train_metrics[] = {{"accuracy", 0}}, eval_metrics[] = {{"accuracy", 0}, {"f1", -1}};
static const CnnImage image = {.train = {.metric_count = 1, .metrics = train_metrics},
                               .eval = {.metric_count = 2, .metrics = eval_metrics}};
static const CnnStatement stop = {.schema = &stop_schema, .where = "m.cnn:7:5"};

static void assert_not_watched(const char *name, bool validation, const char *text)
{
    Watched watched;
    CnnError error = {0};
    assert_int_equal(cnn_watched_find(&image, validation, &stop, name, &watched, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, text);
}

static void values_are_watched_by_their_names(void **state)
{
    (void)state;
    Watched watched;
    CnnError error = {0};
    Totals training = {.loss = 6, .metric = {2}, .samples = 4},
           validation = {.loss = 8, .metric = {1}, .samples = 4};
    totals_set(&validation, 1, 0.75);
    assert_int_equal(cnn_watched_find(&image, true, &stop, "val_f1", &watched, &error), CNN_OK);
    assert_true(cnn_watched_value(&watched, &training, &validation) == 0.75);
    assert_true(cnn_watched_gain(&watched, 0.75, 0.5) == 0.25);
    assert_int_equal(cnn_watched_find(&image, true, &stop, "val_loss", &watched, &error), CNN_OK);
    assert_true(cnn_watched_value(&watched, &training, &validation) == 2);
    assert_true(cnn_watched_gain(&watched, 0.75, 0.5) == -0.25);
    assert_int_equal(cnn_watched_find(&image, false, &stop, "accuracy", &watched, &error), CNN_OK);
    assert_true(cnn_watched_value(&watched, &training, NULL) == 0.5);
    assert_not_watched("val_auc", true,
                       "m.cnn:7:5: 'stop' watches val_auc, which is not measured: there are val_loss, "
                       "val_accuracy, val_f1, loss, accuracy, and 'metrics' adds others");
    assert_not_watched("f1", true,
                       "m.cnn:7:5: 'stop' watches f1, which is measured of the validation and the test part "
                       "only: there are val_loss, val_accuracy, val_f1, loss, accuracy");
    assert_not_watched("val_f1", false,
                       "m.cnn:7:5: 'stop' watches val_f1, but the data have no validation part (split "
                       "validation=10%)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_classes_have_the_scores_of_scikit_learn),
        cmocka_unit_test(two_classes_have_the_scores_of_scikit_learn),
        cmocka_unit_test(what_has_no_value_is_not_a_number),
        cmocka_unit_test(outputs_are_kept_for_auc_only),
        cmocka_unit_test(values_are_watched_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
