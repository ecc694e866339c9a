/* `mixup` and `cutmix`: shares, pictures and labels, from the loader. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "runtime/augment/mix.h"
#include "tests/unit/data_test.h"

/* Moments of the beta distribution: mean 1/2, variance 1 / (4 (2 alpha + 1)). */
static void shares_of_mixup_have_the_beta_distribution(void **state)
{
    (void)state;
    static const double alphas[] = {0.05, 0.2, 1, 4, 50};
    enum { DRAWS = 20000 };
    for (int k = 0; k < 5; k++) {
        double sum = 0, squares = 0, variance = 1 / (4 * (2 * alphas[k] + 1));
        for (uint64_t key = 0; key < DRAWS; key++) {
            Draw draw = draw_begin(key, 0);
            Mixture mixture = mix_draw(&(Mix){.mixup = alphas[k]}, &draw, 8, 8);
            assert_true(!mixture.piece && mixture.share >= 0 && mixture.share <= 1);
            sum += mixture.share;
            squares += (mixture.share - 0.5) * (mixture.share - 0.5);
        }
        assert_true(fabs(sum / DRAWS - 0.5) < 5 * sqrt(variance / DRAWS));
        assert_true(fabs(squares / DRAWS / variance - 1) < 0.05);
    }
}

/* torchvision's: the piece has half sides of 0.5 sqrt(1 - lambda), cut off at the edges, and its area is the
 * share. */
static void pieces_of_cutmix_lie_inside_and_give_their_area(void **state)
{
    (void)state;
    enum { DRAWS = 5000, HEIGHT = 20, WIDTH = 30 };
    double sum = 0;
    bool first = false, last = false;
    for (uint64_t key = 0; key < DRAWS; key++) {
        Draw draw = draw_begin(key, 0);
        Mixture m = mix_draw(&(Mix){.cutmix = 1}, &draw, HEIGHT, WIDTH);
        assert_true(m.piece && m.top >= 0 && m.left >= 0 && m.bottom <= HEIGHT && m.right <= WIDTH);
        double area = (double)((m.bottom - m.top) * (m.right - m.left));
        assert_true(m.bottom >= m.top && m.right >= m.left &&
                    fabs(m.share - area / (HEIGHT * WIDTH)) < 1e-12);
        first = first || (m.top == 0 && area > 0);
        last = last || (m.right == WIDTH && area > 0);
        sum += m.share;
    }
    assert_true(first && last);
    /* Of pieces of sides s, with s^2 uniform, in the middle of a random place: a mean of 0.28 of the picture.
     */
    assert_true(fabs(sum / DRAWS - 0.28) < 0.03);
}

enum { SAMPLES = 60, SIDE = 6, VALUES = SIDE * SIDE, BATCH = 16 };

/* Pictures of one value, their number, in three classes; labels as real numbers if asked for. */
static void make_samples(bool real)
{
    unsigned char x[SAMPLES * VALUES], classes[SAMPLES];
    float numbers[SAMPLES];
    for (int i = 0; i < SAMPLES * VALUES; i++)
        x[i] = (unsigned char)(i / VALUES + 1);
    for (int i = 0; i < SAMPLES; i++) {
        classes[i] = (unsigned char)(i % 3);
        numbers[i] = (float)i + 1;
    }
    write_npy("x.npy", "|u1", false, "(60, 6, 6)", x, sizeof x);
    if (real)
        write_npy("y.npy", "<f4", false, "(60,)", numbers, sizeof numbers);
    else
        write_npy("y.npy", "|u1", false, "(60,)", classes, sizeof classes);
}

typedef struct {
    int samples, size[8];
    float input[SAMPLES][VALUES];
    MixedLabel label[SAMPLES];
    float number[SAMPLES];
} Epoch;

/* An epoch in the source's order. */
static void run_loader(const char *changes, Part part, int64_t epoch, int threads, bool plain, Epoch *out)
{
    char text[256];
    CnnError error = {0};
    CnnLoader *loader;
    Batch batch = {0};
    snprintf(text, sizeof text, "arrays x=\"x.npy\", y=\"y.npy\"\nsplit validation=20%%\naugment {\n%s\n}",
             changes);
    Opened opened = open_good(text);
    bool mixed = cnn_data_label_width(opened.data) > 1;
    LoaderOptions options = {.batch = BATCH, .threads = threads, .ahead = 2};
    assert_int_equal(cnn_loader_open(opened.data, part, &options, &loader, &error), CNN_OK);
    if (plain)
        cnn_loader_keep_plain(loader);
    assert_int_equal(cnn_loader_start(loader, epoch, 0, &error), CNN_OK);
    *out = (Epoch){0};
    for (int b = 0; !batch.last; b++) {
        assert_int_equal(cnn_loader_next(loader, &batch, &error), CNN_OK);
        out->size[b] = (int)batch.samples;
        memcpy(out->input[out->samples], batch.input, (size_t)batch.samples * VALUES * sizeof(float));
        if (mixed)
            memcpy(out->label + out->samples, batch.label, (size_t)batch.samples * sizeof(MixedLabel));
        else
            memcpy(out->number + out->samples, batch.label, (size_t)batch.samples * sizeof(float));
        out->samples += (int)batch.samples;
    }
    cnn_loader_close(loader);
    close_data(opened);
}

static void run_epoch(const char *changes, Part part, int64_t epoch, int threads, Epoch *out)
{
    run_loader(changes, part, epoch, threads, false, out);
}

/* Number i of the epoch `mixed` is one of `plain` and the one before it in the batch: returns the share of
 * the other, from the pixels, and checks that all pixels are blended or pieces of both. */
static double share_of(const Epoch *plain, const Epoch *mixed, int i, bool *piece)
{
    int first = i / BATCH * BATCH, size = mixed->size[i / BATCH];
    int other = first + (i - first + size - 1) % size, taken = 0, blended = 0;
    double own = plain->input[i][0], before = plain->input[other][0], share = 0;
    for (int k = 0; k < VALUES; k++) {
        double value = mixed->input[i][k];
        taken += value == before;
        blended += value != before && value != own;
        share += (value - own) / (before - own) / VALUES;
    }
    *piece = blended == 0 && taken > 0;
    assert_true(blended == 0 || blended == VALUES || taken == VALUES);
    return share;
}

static void samples_and_labels_are_mixed_in_the_same_shares(void **state)
{
    (void)state;
    static Epoch plain, mixed, again;
    make_samples(false);
    run_epoch("flip horizontal", PART_TRAIN, 3, 2, &plain);
    static const char *const ways[] = {"mixup 1", "cutmix 1", "mixup 0.4 -> cutmix 1"};
    for (int way = 0; way < 3; way++) {
        int pieces = 0, blends = 0;
        run_epoch(ways[way], PART_TRAIN, 3, 2, &mixed);
        run_epoch(ways[way], PART_TRAIN, 3, 1, &again);
        assert_memory_equal(&mixed, &again, sizeof mixed);
        assert_int_equal(mixed.samples, 48);
        for (int i = 0; i < mixed.samples; i++) {
            bool piece;
            int own = ((int)plain.input[i][0] - 1) % 3, first = i / BATCH * BATCH;
            int before = first + (i - first + mixed.size[i / BATCH] - 1) % mixed.size[i / BATCH];
            int other = ((int)plain.input[before][0] - 1) % 3;
            double share = share_of(&plain, &mixed, i, &piece);
            const MixedLabel *label = &mixed.label[i];
            bool swapped = share > 0.5;
            assert_int_equal(label->label, swapped ? other : own);
            assert_int_equal(label->other, swapped ? own : other);
            assert_true(fabs((double)label->share / MIXED_LABEL_ONE - (swapped ? 1 - share : share)) < 1e-5);
            pieces += piece;
            blends += !piece;
        }
        assert_true(way == 0 ? pieces == 0 : way == 1 ? pieces > 25 : pieces > 8 && blends > 8);
        run_epoch(ways[way], PART_TRAIN, 4, 1, &again);
        assert_memory_not_equal(mixed.label, again.label, sizeof mixed.label);
    }
}

static void other_parts_are_not_mixed(void **state)
{
    (void)state;
    static Epoch epoch;
    make_samples(false);
    run_epoch("mixup 1", PART_VALIDATION, 0, 2, &epoch);
    assert_int_equal(epoch.samples, 12);
    for (int i = 0; i < epoch.samples; i++) {
        assert_int_equal(epoch.label[i].label, ((int)epoch.input[i][0] - 1) % 3);
        assert_true(epoch.label[i].share == 0 && epoch.input[i][0] == epoch.input[i][VALUES - 1]);
    }
}

/* Pictures of one value: `brightness` would change it, `mixup` bring that of another. */
static void plain_samples_are_neither_augmented_nor_mixed(void **state)
{
    (void)state;
    static Epoch plain, never;
    make_samples(false);
    run_loader("brightness 50%\nmixup 1", PART_TRAIN, 5, 2, true, &plain);
    run_epoch("flip horizontal", PART_TRAIN, 5, 2, &never);
    assert_int_equal(plain.samples, 48);
    assert_memory_equal(plain.input, never.input, sizeof plain.input);
    for (int i = 0; i < plain.samples; i++)
        assert_true(plain.label[i].share == 0 && plain.label[i].label == ((int)plain.input[i][0] - 1) % 3);
}

static void labels_that_are_numbers_are_mixed_as_numbers(void **state)
{
    (void)state;
    static Epoch epoch;
    int changed = 0;
    make_samples(true);
    run_epoch("mixup 1", PART_TRAIN, 0, 2, &epoch);
    for (int i = 0; i < epoch.samples; i++) {
        assert_true(fabsf(epoch.number[i] - epoch.input[i][0]) < 1e-4f);
        changed += epoch.number[i] != rintf(epoch.number[i]);
    }
    assert_true(changed > 40);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shares_of_mixup_have_the_beta_distribution),
        TEST(pieces_of_cutmix_lie_inside_and_give_their_area),
        TEST(samples_and_labels_are_mixed_in_the_same_shares),
        TEST(other_parts_are_not_mixed),
        TEST(plain_samples_are_neither_augmented_nor_mixed),
        TEST(labels_that_are_numbers_are_mixed_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
