/* `balance`: the draws of an epoch, and the weights of the loss. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"

#define ARRAYS "arrays x=\"x.npy\", y=\"y.npy\"\n"

enum { MOST = 256, CLASSES = 4 };

/* Class c has 3, 10, 0 and 7 samples, mixed; sample i has the value i. */
static int class_of(int sample)
{
    static const int counts[CLASSES] = {3, 10, 0, 7};
    int turn = sample * 7 % 20, c = 0;
    while (turn >= counts[c])
        turn -= counts[c++];
    return c;
}

static void make_samples(void)
{
    unsigned char x[20], y[20];
    for (int i = 0; i < 20; i++) {
        x[i] = (unsigned char)i;
        y[i] = (unsigned char)class_of(i);
    }
    write_npy("x.npy", "|u1", false, "(20, 1)", x, 20);
    write_npy("y.npy", "|u1", false, "(20,)", y, 20);
}

typedef struct {
    int count;
    float value[MOST];
} Epoch;

/* What the batches of an epoch hold, from batch `first` on. */
static Epoch run_epoch(CnnLoader *loader, int64_t epoch, int64_t first)
{
    Epoch out = {0};
    Batch batch;
    CnnError error = {0};
    CnnStatus status = cnn_loader_start(loader, epoch, first, &error);
    while (status == CNN_OK && (status = cnn_loader_next(loader, &batch, &error)) == CNN_OK &&
           batch.samples > 0)
        for (int64_t i = 0; i < batch.samples; i++)
            out.value[out.count++] = batch.input[i];
    if (status != CNN_OK)
        fail_msg("%s", error.text);
    return out;
}

/* Epoch 0 and 1 and, of epoch 1, what follows its second batch. */
static void run_epochs(const char *text, int threads, Epoch epochs[3])
{
    Opened opened = open_good(text);
    LoaderOptions options = {.batch = 4, .shuffle = true, .threads = threads, .ahead = 2};
    CnnLoader *loader;
    CnnError error = {0};
    cnn_data_set_seed(opened.data, 9);
    assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &options, &loader, &error), CNN_OK);
    for (int e = 0; e < 3; e++)
        epochs[e] = run_epoch(loader, e > 0, e == 2 ? 2 : 0);
    assert_int_equal(epochs[0].count, cnn_data_epoch_count(opened.data, PART_TRAIN));
    assert_int_equal(cnn_loader_batches(loader), (epochs[0].count + 3) / 4);
    cnn_loader_close(loader);
    close_data(opened);
}

/* How often each sample was drawn, and each class. */
static void count_draws(const Epoch *epoch, int drawn[20], int of_class[CLASSES])
{
    memset(drawn, 0, 20 * sizeof *drawn);
    memset(of_class, 0, CLASSES * sizeof *of_class);
    for (int i = 0; i < epoch->count; i++) {
        drawn[(int)epoch->value[i]]++;
        of_class[class_of((int)epoch->value[i])]++;
    }
}

/* The same on any number of threads, other draws in another epoch, and an epoch may begin in its middle. */
static void assert_reproducible(const char *text, const Epoch epochs[3])
{
    Epoch others[3];
    size_t bytes = (size_t)epochs[0].count * sizeof(float);
    run_epochs(text, 3, others);
    for (int e = 0; e < 3; e++)
        assert_memory_equal(epochs[e].value, others[e].value, (size_t)epochs[e].count * sizeof(float));
    assert_memory_not_equal(epochs[0].value, epochs[1].value, bytes);
    assert_int_equal(epochs[2].count, epochs[1].count - 8);
    assert_memory_equal(epochs[2].value, epochs[1].value + 8, bytes - 8 * sizeof(float));
}

static void oversample_draws_every_class_alike_and_every_sample(void **state)
{
    (void)state;
    Epoch epochs[3];
    int drawn[2][20], of_class[CLASSES];
    make_samples();
    run_epochs(ARRAYS "balance oversample", 1, epochs);
    assert_int_equal(epochs[0].count, 30);
    for (int e = 0; e < 2; e++) {
        count_draws(&epochs[e], drawn[e], of_class);
        assert_memory_equal(of_class, ((int[]){10, 10, 0, 10}), sizeof of_class);
        for (int i = 0; i < 20; i++)
            switch (class_of(i)) {
            case 0:
                assert_in_range(drawn[e][i], 3, 4);
                break;
            case 1:
                assert_int_equal(drawn[e][i], 1);
                break;
            default:
                assert_in_range(drawn[e][i], 1, 2);
            }
    }
    assert_memory_not_equal(drawn[0], drawn[1], sizeof drawn[0]);
    assert_reproducible(ARRAYS "balance oversample", epochs);
}

static void undersample_draws_other_samples_in_each_epoch(void **state)
{
    (void)state;
    Epoch epochs[3];
    int drawn[2][20], of_class[CLASSES];
    make_samples();
    run_epochs(ARRAYS "balance undersample", 2, epochs);
    assert_int_equal(epochs[0].count, 9);
    for (int e = 0; e < 2; e++) {
        count_draws(&epochs[e], drawn[e], of_class);
        assert_memory_equal(of_class, ((int[]){3, 3, 0, 3}), sizeof of_class);
        for (int i = 0; i < 20; i++)
            assert_true(drawn[e][i] <= 1);
    }
    assert_memory_not_equal(drawn[0], drawn[1], sizeof drawn[0]);
    assert_reproducible(ARRAYS "balance undersample", epochs);
}

static void without_shuffle_classes_take_turns(void **state)
{
    (void)state;
    Epoch epochs[3];
    make_samples();
    run_epochs(ARRAYS "balance oversample -> shuffle false", 1, epochs);
    for (int i = 0; i < 30; i++)
        assert_int_equal(class_of((int)epochs[0].value[i]), ((int[]){0, 1, 3})[i % 3]);
}

static void only_the_training_part_is_balanced(void **state)
{
    (void)state;
    make_samples();
    Opened opened = open_good(ARRAYS "split test=20%, validation=20% -> balance oversample");
    char text[256];
    assert_int_equal(cnn_data_epoch_count(opened.data, PART_TEST), 4);
    assert_int_equal(cnn_data_epoch_count(opened.data, PART_VALIDATION), 4);
    assert_int_equal(cnn_data_epoch_count(opened.data, PART_TRAIN), 18);
    assert_true(cnn_data_balance_text(opened.data, text, sizeof text));
    assert_string_equal(text,
                        "balance oversample: an epoch draws 6 samples of each of 3 classes, 18 together; "
                        "the training part has 12");
    close_data(opened);
    opened = open_good(ARRAYS);
    assert_false(cnn_data_balance_text(opened.data, text, sizeof text));
    assert_int_equal(cnn_data_epoch_count(opened.data, PART_TRAIN), 20);
    close_data(opened);
}

/* A class of one picture is drawn 8 times, and each time moved by other amounts. */
static void each_copy_is_augmented_by_itself(void **state)
{
    (void)state;
    unsigned char x[9 * 64] = {0}, y[9] = {1};
    for (int i = 0; i < 64; i++)
        x[i] = (unsigned char)(1 + i);
    write_npy("x.npy", "|u1", false, "(9, 64, 1, 1)", x, sizeof x);
    write_npy("y.npy", "|u1", false, "(9,)", y, 9);
    Opened opened = open_good(ARRAYS "balance oversample -> augment { shift 0%, 40% }");
    LoaderOptions options = {.batch = 16, .shuffle = true, .threads = 1, .ahead = 1};
    CnnLoader *loader;
    CnnError error = {0};
    Batch batch;
    float first[8];
    int copies = 0;
    assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &options, &loader, &error), CNN_OK);
    assert_int_equal(cnn_loader_start(loader, 0, 0, &error), CNN_OK);
    assert_int_equal(cnn_loader_next(loader, &batch, &error), CNN_OK);
    assert_int_equal(batch.samples, 16);
    for (int i = 0; i < 16; i++)
        if (((const int32_t *)batch.label)[i] == 1) {
            assert_true(copies < 8);
            first[copies++] = batch.input[64 * i + 32];
        }
    assert_int_equal(copies, 8);
    for (int i = 1; i < 8; i++)
        for (int j = 0; j < i; j++)
            assert_true(first[i] != first[j]);
    cnn_loader_close(loader);
    close_data(opened);
}

/* The rare class has a picture that cannot be read: it is drawn several times, and named once. */
static void a_copy_that_cannot_be_read_is_named_once(void **state)
{
    (void)state;
    for (int i = 0; i < 24; i++) {
        char path[32];
        snprintf(path, sizeof path, "d/%d/%02d.png", i < 4, i);
        write_plain_png(path, 1, 1, i, 0, 0);
    }
    write_bytes("d/1/02.png", "", 0);
    Opened opened = open_good("folder \"d\" -> balance oversample");
    LoaderOptions options = {.batch = 8, .shuffle = true, .threads = 2, .ahead = 2};
    CnnLoader *loader;
    CnnError error = {0};
    assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &options, &loader, &error), CNN_OK);
    for (int e = 0; e < 2; e++) {
        int samples = 0;
        Batch batch;
        assert_int_equal(cnn_loader_start(loader, e, 0, &error), CNN_OK);
        while (cnn_loader_next(loader, &batch, &error) == CNN_OK && batch.samples > 0)
            samples += (int)batch.samples;
        assert_int_equal(error.status, CNN_OK);
        assert_int_equal(samples, 35); /* 5 of the 20 draws of the rare class */
        assert_int_equal(cnn_loader_skipped(loader), 1);
    }
    cnn_loader_close(loader);
    close_data(opened);
}

static void numbers_cannot_be_balanced(void **state)
{
    (void)state;
    make_samples();
    write_npy("y.npy", "<f4", false, "(20,)", (const float[20]){0}, 80);
    assert_refused(ARRAYS "balance oversample",
                   "test.cnn:3:1: 'balance' needs classes, and the labels are numbers");
}

/* Checks a model with these data and this loss; `message`: the error, NULL: none. Returns the weights. */
static const float *weights_of(Arena *arena, CnnData **data, const char *balance, const char *loss,
                               const char *message)
{
    Diag *diag = diag_new(arena);
    const char *text = arena_printf(arena,
                                    "data {\n" ARRAYS "%s\n}\n"
                                    "model T { input data.shape -> flatten -> dense 4 -> softmax }\n"
                                    "train { loss %s -> optimizer sgd, rate=0.1 }\n",
                                    balance, loss);
    char *said = NULL;
    size_t length = 0;
    Program *program = program_check_text(arena, diag, "test.cnn", text, &(CheckOptions){0});
    FILE *out = open_memstream(&said, &length);
    diag_print(diag, out);
    fclose(out);
    if (message)
        assert_contains(said, message);
    else
        assert_int_equal(diag_errors(diag), 0);
    free(said);
    *data = program ? program->data : NULL;
    return program ? program->class_weights : NULL;
}

static void weights_are_those_of_the_loss(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    CnnData *first, *second, *other;
    make_samples();
    const float *balance = weights_of(arena, &first, "balance weights", "cross_entropy", NULL);
    const float *loss = weights_of(arena, &second, "", "cross_entropy, weights=balanced", NULL);
    assert_non_null(balance);
    assert_memory_equal(balance, loss, 4 * sizeof *balance);
    assert_true(balance[1] == 0.5f); /* 20 / (4 * 10) */
    assert_int_equal(cnn_data_epoch_count(first, PART_TRAIN), 20);
    assert_non_null(
        weights_of(arena, &other, "balance oversample", "cross_entropy, weights=[1, 2, 1, 1]", NULL));
    cnn_data_close(first);
    cnn_data_close(second);
    cnn_data_close(other);
    arena_free(arena);
}

static void classes_are_evened_out_once(void **state)
{
    (void)state;
    static const struct {
        const char *balance, *loss, *message;
    } cases[] = {
        {"balance weights", "cross_entropy, weights=balanced",
         "the data say 'balance', and the loss has weights"},
        {"balance weights", "cross_entropy, weights=[1, 1, 1, 2]", "leave one of them out"},
        {"balance undersample", "cross_entropy, weights=balanced", "leave one of them out"},
    };
    make_samples();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena *arena = arena_new();
        CnnData *data;
        assert_null(weights_of(arena, &data, cases[i].balance, cases[i].loss, cases[i].message));
        arena_free(arena);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(oversample_draws_every_class_alike_and_every_sample),
        TEST(undersample_draws_other_samples_in_each_epoch),
        TEST(without_shuffle_classes_take_turns),
        TEST(only_the_training_part_is_balanced),
        TEST(each_copy_is_augmented_by_itself),
        TEST(a_copy_that_cannot_be_read_is_named_once),
        TEST(numbers_cannot_be_balanced),
        TEST(weights_are_those_of_the_loss),
        TEST(classes_are_evened_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
