/* Stages that are measured as a whole or change a sample as a whole: pca, whiten, normalize, standardize
 * per=pixel. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/rng.h"
#include "runtime/transform/eigen.h"
#include "runtime/weights.h"
#include "tests/unit/data_test.h"

#define ARRAYS "arrays x=\"x.npy\", y=\"y.npy\"\n"

enum { SAMPLES = 90, VALUES = 6 };

static float x[SAMPLES][VALUES];

/* 90 samples of 1 x 2 x 3 around 1000, correlated: the values are sums of three random numbers. */
static void make_samples(void)
{
    unsigned char y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        double z[3];
        for (int k = 0; k < 3; k++)
            z[k] = cnn_uniform(cnn_random4(1, (uint32_t)i, (uint32_t)k, 0, 0).word[0]) - 0.5;
        for (int j = 0; j < VALUES; j++)
            x[i][j] = (float)(1000 + 30 * z[0] * (j + 1) + 20 * z[1] * (j % 2) + 5 * z[2] * (j > 2) +
                              0.1 * cnn_uniform(cnn_random4(2, (uint32_t)i, (uint32_t)j, 0, 0).word[0]));
        y[i] = (unsigned char)(i % 2);
    }
    write_npy("x.npy", "<f4", false, "(90, 1, 2, 3)", x, sizeof x);
    write_npy("y.npy", "|u1", false, "(90,)", y, sizeof y);
}

static void prepare(CnnData *data, int threads)
{
    CnnError error = {0};
    if (cnn_data_prepare(data, threads, &error) != CNN_OK)
        fail_msg("%s", error.text);
}

static void assert_shape(CnnData *data, int64_t height, int64_t width, int64_t channels)
{
    Dims shape = cnn_data_shape(data);
    assert_int_equal(shape.value[0], height);
    assert_int_equal(shape.value[1], width);
    assert_int_equal(shape.value[2], channels);
}

/* All training samples, `values` of each. */
static void read_all(CnnData *data, int count, int values, float *out)
{
    CnnError error = {0};
    for (int i = 0; i < count; i++)
        assert_int_equal(get_sample(data, PART_TRAIN, i, 0, out + i * values, &error), CNN_OK);
}

/* Means and covariances of the columns. */
static void moments(const float *rows, int count, int values, double *mean, double *covariance)
{
    for (int j = 0; j < values; j++) {
        mean[j] = 0;
        for (int i = 0; i < count; i++)
            mean[j] += rows[i * values + j] / (double)count;
    }
    for (int a = 0; a < values; a++)
        for (int b = 0; b < values; b++) {
            double sum = 0;
            for (int i = 0; i < count; i++)
                sum += (rows[i * values + a] - mean[a]) * (rows[i * values + b] - mean[b]);
            covariance[a * values + b] = sum / count;
        }
}

/* The components are not correlated with each other, and their variances are the shares that were measured.
 */
static void assert_components(CnnData *data, const float *rows, int count, int values, double all)
{
    double mean[VALUES], covariance[VALUES * VALUES];
    const Measured *shares = cnn_data_measured(data, 2);
    moments(rows, count, values, mean, covariance);
    assert_string_equal(shares->name, "data.pca.shares");
    assert_int_equal(shares->count, values);
    for (int a = 0; a < values; a++) {
        assert_true(fabs(mean[a]) < 1e-3);
        assert_true(fabs(covariance[a * values + a] / all - shares->value[a]) < 1e-5);
        assert_true(a == 0 || shares->value[a] <= shares->value[a - 1]);
        for (int b = 0; b < a; b++)
            assert_true(fabs(covariance[a * values + b]) < 1e-5 * all);
    }
}

static double total_variance(void)
{
    double mean[VALUES], covariance[VALUES * VALUES], all = 0;
    moments(x[0], SAMPLES, VALUES, mean, covariance);
    for (int j = 0; j < VALUES; j++)
        all += covariance[j * VALUES + j];
    return all;
}

static void pca_gives_uncorrelated_components_on_any_number_of_threads(void **state)
{
    (void)state;
    float rows[SAMPLES * 3], first[3 * VALUES];
    char text[160];
    make_samples();
    for (int threads = 1; threads <= 3; threads++) {
        Opened opened = open_good(ARRAYS "pca 3");
        assert_shape(opened.data, 1, 1, 3);
        assert_false(cnn_data_measured_text(opened.data, text, sizeof text));
        prepare(opened.data, threads);
        const Measured *components = cnn_data_measured(opened.data, 1);
        assert_int_equal(components->count, 3 * VALUES);
        if (threads == 1)
            memcpy(first, components->value, sizeof first);
        assert_memory_equal(first, components->value, sizeof first);
        for (int k = 0; k < 3; k++) { /* the largest element of each is positive */
            float largest = 0;
            for (int j = 0; j < VALUES; j++)
                largest = fabsf(first[k * VALUES + j]) > fabsf(largest) ? first[k * VALUES + j] : largest;
            assert_true(largest > 0);
        }
        read_all(opened.data, SAMPLES, 3, rows);
        assert_components(opened.data, rows, SAMPLES, 3, total_variance());
        assert_true(cnn_data_measured_text(opened.data, text, sizeof text));
        assert_contains(text, "pca: 3 components of 6 values keep 100.00% of the variance");
        close_data(opened);
    }
}

static void pca_of_a_share_is_measured_when_the_data_open(void **state)
{
    (void)state;
    char text[160];
    make_samples();
    for (int i = 0; i < 2; i++) { /* what stands before it is measured too */
        Opened opened = open_good(i ? ARRAYS "standardize -> pca 100%" : ARRAYS "pca 97.5%");
        assert_shape(opened.data, 1, 1, i ? VALUES : 1);
        assert_true(cnn_data_measured_text(opened.data, text, sizeof text));
        prepare(opened.data, 1); /* nothing is left */
        float sample[VALUES];
        CnnError error = {0};
        assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, 0, sample, &error), CNN_OK);
        close_data(opened);
    }
}

/* As an evaluation does it: the samples are not read when the data open. */
static void pca_of_a_share_has_as_many_components_as_the_weights_say(void **state)
{
    (void)state;
    static const char *const names[] = {"data.pca.shares", "data.pca.shares", "other"};
    float shares[8] = {0};
    char text[160];
    make_samples();
    Opened opened = open_good(ARRAYS "pca 97.5%");
    assert_shape(opened.data, 1, 1, 1);
    opened.program->recipe.weights = "w.safetensors";
    for (int i = 0; i < 3; i++) {
        NamedTensor tensor = {names[i], DTYPE_F32, 1, {i == 0 ? 4 : VALUES + 1}, shares};
        CnnError error = {0};
        assert_int_equal(cnn_weights_save("w.safetensors", &tensor, 1, NULL, &error), CNN_OK);
        cnn_data_close(opened.data);
        opened.data = NULL;
        CnnStatus status = cnn_data_open(&opened.program->recipe, &opened.data, &error);
        assert_int_equal(status, i == 0 ? CNN_OK : CNN_BAD_INPUT);
        if (i == 0) {
            assert_shape(opened.data, 1, 1, 4);
            assert_false(cnn_data_measured_text(opened.data, text, sizeof text));
        } else {
            assert_contains(error.text, i == 1 ? "w.safetensors: these samples have 6 values, too few for 7"
                                               : "w.safetensors: it has no 'data.pca.shares'");
        }
    }
    close_data(opened);
}

static void pca_of_bands_keeps_height_and_width(void **state)
{
    (void)state;
    float rows[SAMPLES * 4];
    double mean[3], covariance[9];
    make_samples();
    moments(x[0], 2 * SAMPLES, 3, mean, covariance); /* pixels of three channels */
    Opened opened = open_good(ARRAYS "pca bands=2");
    assert_shape(opened.data, 1, 2, 2);
    prepare(opened.data, 2);
    read_all(opened.data, SAMPLES, 4, rows);
    assert_components(opened.data, rows, 2 * SAMPLES, 2, covariance[0] + covariance[4] + covariance[8]);
    close_data(opened);
}

/* (1, 3) and (3, 1) times -1, 1: the axes are the diagonals. */
static void pca_gives_a_known_answer_and_takes_measured_values(void **state)
{
    (void)state;
    static const float square[] = {10, 10, 14, 14, 11, 13, 13, 11};
    write_npy("x.npy", "<f4", false, "(4, 2)", square, sizeof square);
    write_npy("y.npy", "|u1", false, "(4,)", "\0\1\0\1", 4);
    Opened opened = open_good(ARRAYS "pca 2");
    prepare(opened.data, 1);
    float half = sqrtf(0.5f), sample[2];
    CnnError error = {0};
    const float *component = cnn_data_measured(opened.data, 1)->value;
    assert_true(fabsf(component[0] - half) < 1e-6f && fabsf(component[1] - half) < 1e-6f);
    assert_true(fabsf(fabsf(component[2]) - half) < 1e-6f && component[2] == -component[3]);
    assert_sample(opened.data, 1, 2, (const float[]){4 * half, 0}, 1e-5f);
    assert_true(fabsf(cnn_data_measured(opened.data, 2)->value[0] - 0.8f) < 1e-6f);
    close_data(opened);
    opened = open_good(ARRAYS "pca 1");
    memcpy(cnn_data_measured(opened.data, 0)->value, (const float[]){10, 0}, 8);
    memcpy(cnn_data_measured(opened.data, 1)->value, (const float[]){2, 1}, 8);
    cnn_data_set_measured(opened.data);
    prepare(opened.data, 1);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 1, 0, sample, &error), CNN_OK);
    assert_true(sample[0] == 22);
    close_data(opened);
}

static void pca_that_cannot_be_is_refused(void **state)
{
    (void)state;
    make_samples();
    assert_refused(ARRAYS "pca",
                   "test.cnn:3:1: 'pca' takes one number of components or share of the variance");
    assert_refused(ARRAYS "pca 2, bands=1", "'pca' takes one number");
    assert_refused(ARRAYS "pca 7", "'pca' cannot find 7 components in 6 values");
    assert_refused(ARRAYS "pca bands=4", "'pca' cannot find 4 components in 3 values");
    assert_refused(ARRAYS "pca 2 -> augment { brightness 20% }", "'brightness'");
    write_npy("x.npy", "|u1", false, "(90, 1, 2, 3)", (const char[540]){0}, 540);
    assert_refused(ARRAYS "pca 95%", "test.cnn:3:1: 'pca' finds no components: all 90 vectors are alike");
    Opened opened = open_good(ARRAYS "split validation=97%, stratified=false -> pca 4");
    CnnError error = {0};
    assert_int_equal(cnn_data_prepare(opened.data, 1, &error), CNN_BAD_INPUT);
    close_data(opened);
    write_npy("x.npy", "<f4", false, "(90, 1, 2, 3)", x, sizeof x);
    opened = open_good(ARRAYS "split validation=97%, stratified=false -> pca 4");
    error = (CnnError){0};
    assert_int_equal(cnn_data_prepare(opened.data, 1, &error), CNN_BAD_INPUT);
    assert_contains(error.text, "'pca' is to find 4 components in only 3 training samples");
    close_data(opened);
    assert_refused(ARRAYS "resize 4000x4000 -> pca 10",
                   "'pca' would take more than 1 GiB for 32 directions of 48000000 values: 'resize' makes "
                   "samples smaller");
    assert_refused(ARRAYS "resize 4000x4000 -> whiten", "'whiten' would take more than 1 GiB");
}

static void whiten_gives_the_identity_as_covariance(void **state)
{
    (void)state;
    float rows[SAMPLES * VALUES];
    double mean[VALUES], covariance[VALUES * VALUES];
    make_samples();
    Opened opened = open_good(ARRAYS "whiten epsilon=1e-9");
    assert_shape(opened.data, 1, 2, 3);
    prepare(opened.data, 2);
    assert_string_equal(cnn_data_measured(opened.data, 1)->name, "data.whiten.matrix");
    read_all(opened.data, SAMPLES, VALUES, rows);
    moments(rows, SAMPLES, VALUES, mean, covariance);
    for (int a = 0; a < VALUES; a++)
        for (int b = 0; b < VALUES; b++) {
            const float *matrix = cnn_data_measured(opened.data, 1)->value;
            assert_true(matrix[a * VALUES + b] == matrix[b * VALUES + a]);
            assert_true(fabs(covariance[a * VALUES + b] - (a == b)) < 2e-2);
        }
    close_data(opened);
}

enum { LONG = 4100, LONG_SAMPLES = 70 };

/* Samples of LONG values around 100: waves whose variances fall slowly, and noise. Their variance along all
 * directions, the largest first, is that of the matrix of their products. */
static void make_long_samples(double variance[LONG_SAMPLES])
{
    static float values[LONG_SAMPLES][LONG];
    double products[LONG_SAMPLES * LONG_SAMPLES], vectors[LONG_SAMPLES * LONG_SAMPLES], mean[LONG] = {0};
    unsigned char y[LONG_SAMPLES] = {0};
    CnnError error = {0};
    for (int i = 0; i < LONG_SAMPLES; i++) {
        y[i] = (unsigned char)(i % 2);
        for (int j = 0; j < LONG; j++) {
            Random4 noise = cnn_random4(3, (uint32_t)i, (uint32_t)j, 0, 0);
            values[i][j] = (float)(100 + cnn_uniform(noise.word[0]));
        }
        for (int k = 0; k < 40; k++) {
            Random4 height = cnn_random4(4, (uint32_t)i, (uint32_t)k, 0, 0);
            double times = (cnn_uniform(height.word[0]) - 0.5) / sqrt(k + 1);
            for (int j = 0; j < LONG; j++)
                values[i][j] += (float)(times * cos(3.14159265 * k * (j + 0.5) / LONG));
        }
        for (int j = 0; j < LONG; j++)
            mean[j] += values[i][j] / (double)LONG_SAMPLES;
    }
    for (int a = 0; a < LONG_SAMPLES; a++)
        for (int b = a; b < LONG_SAMPLES; b++) {
            double sum = 0;
            for (int j = 0; j < LONG; j++)
                sum += (values[a][j] - mean[j]) * (values[b][j] - mean[j]);
            products[a * LONG_SAMPLES + b] = sum / LONG_SAMPLES;
        }
    assert_int_equal(eigen_symmetric(products, LONG_SAMPLES, LONG_SAMPLES, variance, vectors, &error),
                     CNN_OK);
    write_npy("x.npy", "<f4", false, "(70, 4100)", "", 0);
    FILE *file = fopen("x.npy", "ab");
    assert_int_equal(fwrite(values, sizeof values, 1, file), 1);
    fclose(file);
    write_npy("y.npy", "|u1", false, "(70,)", y, sizeof y);
}

static void pca_of_many_values_keeps_as_much_as_the_exact_components(void **state)
{
    (void)state;
    enum { COMPONENTS = 20 };
    double variance[LONG_SAMPLES], all = 0, kept = 0, share = 0;
    char text[160];
    static float rows[LONG_SAMPLES * COMPONENTS];
    make_long_samples(variance);
    for (int i = 0; i < LONG_SAMPLES; i++)
        all += variance[i];
    float *first = malloc(sizeof *first * LONG * COMPONENTS);
    for (int threads = 1; threads <= 3; threads++) {
        Opened opened = open_good(ARRAYS "pca 20");
        assert_shape(opened.data, 1, 1, COMPONENTS);
        prepare(opened.data, threads);
        const Measured *components = cnn_data_measured(opened.data, 1);
        if (threads == 1)
            memcpy(first, components->value, sizeof *first * LONG * COMPONENTS);
        assert_memory_equal(first, components->value, sizeof *first * LONG * COMPONENTS);
        if (threads == 1) /* what is told, and what the samples have then */
            for (int k = 0; k < COMPONENTS; k++) {
                kept += variance[k] / all;
                share += cnn_data_measured(opened.data, 2)->value[k];
            }
        read_all(opened.data, LONG_SAMPLES, COMPONENTS, rows);
        close_data(opened);
    }
    free(first);
    double had = 0;
    for (int k = 0; k < COMPONENTS; k++) {
        double sum = 0, square = 0;
        for (int i = 0; i < LONG_SAMPLES; i++) {
            sum += rows[i * COMPONENTS + k] / LONG_SAMPLES;
            square += rows[i * COMPONENTS + k] * rows[i * COMPONENTS + k] / LONG_SAMPLES;
        }
        had += (square - sum * sum) / all;
    }
    assert_true(share <= kept + 1e-6 && share > kept - 1e-3);
    assert_true(fabs(had - share) < 1e-4);
    Opened opened = open_good(ARRAYS "pca 60%");
    assert_true(cnn_data_measured_text(opened.data, text, sizeof text));
    for (kept = 0, share = 0; kept <= 0.6; share++)
        kept += variance[(int)share] / all;
    assert_true(fabs((double)cnn_data_shape(opened.data).value[2] - share) <= 1);
    close_data(opened);
}

/* There are fewer samples than directions: then their products, whitened, are those of a projection. */
static void whiten_of_many_values_gives_the_identity_where_samples_vary(void **state)
{
    (void)state;
    double variance[LONG_SAMPLES];
    make_long_samples(variance);
    float *rows = malloc(sizeof *rows * LONG_SAMPLES * LONG);
    Opened opened = open_good(ARRAYS "whiten components=80, epsilon=0.01");
    assert_shape(opened.data, 1, 1, LONG);
    prepare(opened.data, 2);
    assert_string_equal(cnn_data_measured(opened.data, 1)->name, "data.whiten.directions");
    assert_int_equal(cnn_data_measured(opened.data, 1)->count, 80 * LONG);
    read_all(opened.data, LONG_SAMPLES, LONG, rows);
    close_data(opened);
    for (int a = 0; a < LONG_SAMPLES; a++)
        for (int b = 0; b <= a; b++) {
            double sum = 0;
            for (int j = 0; j < LONG; j++)
                sum += (double)rows[a * LONG + j] * (double)rows[b * LONG + j];
            assert_true(fabs(sum / LONG_SAMPLES - ((a == b) - 1.0 / LONG_SAMPLES)) < 1e-2);
        }
    free(rows);
}

static void normalize_makes_each_sample_alike(void **state)
{
    (void)state;
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    write_npy("x.npy", "|u1", false, "(2, 2, 2)", "\0\2\0\2\7\7\7\7", 8);
    Opened opened = open_good(ARRAYS "normalize");
    assert_sample(opened.data, 0, 4, (const float[]){-1, 1, -1, 1}, 1e-6f);
    assert_sample(opened.data, 1, 4, (const float[]){0, 0, 0, 0}, 0);
    close_data(opened);
    assert_refused(ARRAYS "normalize -> augment { noise 2% }", "'noise'");
}

static void standardize_per_pixel_measures_each_value(void **state)
{
    (void)state;
    float rows[SAMPLES * VALUES];
    double mean[VALUES], covariance[VALUES * VALUES];
    make_samples();
    for (int threads = 1; threads <= 3; threads += 2) {
        Opened opened = open_good(ARRAYS "standardize per=pixel");
        prepare(opened.data, threads);
        assert_int_equal(cnn_data_measured(opened.data, 0)->count, VALUES);
        read_all(opened.data, SAMPLES, VALUES, rows);
        moments(rows, SAMPLES, VALUES, mean, covariance);
        for (int j = 0; j < VALUES; j++) {
            assert_true(fabs(mean[j]) < 1e-4);
            assert_true(fabs(covariance[j * VALUES + j] - 1) < 1e-4);
        }
        close_data(opened);
    }
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    write_npy("x.npy", "|u1", false, "(2, 1, 2)", "\7\1\7\3", 4);
    Opened opened = open_good(ARRAYS "standardize per=pixel");
    prepare(opened.data, 2);
    assert_sample(opened.data, 1, 2, (const float[]){0, 1}, 1e-6f);
    close_data(opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pca_gives_uncorrelated_components_on_any_number_of_threads),
        TEST(pca_of_a_share_is_measured_when_the_data_open),
        TEST(pca_of_a_share_has_as_many_components_as_the_weights_say),
        TEST(pca_of_bands_keeps_height_and_width),
        TEST(pca_gives_a_known_answer_and_takes_measured_values),
        TEST(pca_that_cannot_be_is_refused),
        TEST(pca_of_many_values_keeps_as_much_as_the_exact_components),
        TEST(whiten_of_many_values_gives_the_identity_where_samples_vary),
        TEST(whiten_gives_the_identity_as_covariance),
        TEST(normalize_makes_each_sample_alike),
        TEST(standardize_per_pixel_measures_each_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
