/* The loader: the same batches on any number of threads, also where samples cannot be read; and an end at any
 * moment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/rng.h"
#include "tests/unit/data_test.h"

/* A folder of `count` pictures of 2x2 in two classes, the first channel of number i being i; those in `bad`
 * are empty files. */
static void make_pictures(int count, const int *bad, int bad_count)
{
    char path[32];
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "d/%d/%03d.png", i >= count / 2, i);
        write_plain_png(path, 2, 2, i, 0, 0);
        for (int b = 0; b < bad_count; b++)
            if (bad[b] == i)
                write_bytes(path, "", 0);
    }
}

enum { MOST = 2048 };

/* What an epoch gave: numbers of the samples in order, and of each batch its size. */
typedef struct {
    int samples, batches;
    int number[MOST], size[MOST];
    int last_at; /* the batch that was marked as the last */
} Epoch;

static CnnStatus run_epoch(CnnLoader *loader, int64_t epoch, int64_t first_batch, Epoch *out, CnnError *error)
{
    Batch batch, next;
    *out = (Epoch){.last_at = -1};
    CnnStatus status = cnn_loader_start(loader, epoch, first_batch, error);
    bool peeked = false;
    float first_of_next = 0;
    while (status == CNN_OK && (status = cnn_loader_next(loader, &batch, error)) == CNN_OK &&
           batch.samples > 0) {
        /* What was seen before is what comes. */
        assert_true(!peeked || (batch.input == next.input && batch.label == next.label &&
                                batch.samples == next.samples && first_of_next == batch.input[0]));
        if (batch.last)
            out->last_at = out->batches;
        out->size[out->batches++] = (int)batch.samples;
        for (int64_t i = 0; i < batch.samples; i++) {
            int number = (int)batch.input[i * 12];
            assert_int_equal(((const int32_t *)batch.label)[i], number >= 50);
            out->number[out->samples++] = number;
        }
        peeked = cnn_loader_peek(loader, &next);
        assert_false(peeked && batch.last);
        first_of_next = peeked ? next.input[0] : 0;
    }
    return status;
}

static CnnLoader *open_loader(CnnData *data, Part part, LoaderOptions options)
{
    CnnLoader *loader = NULL;
    CnnError error = {0};
    if (cnn_loader_open(data, part, &options, &loader, &error) != CNN_OK)
        fail_msg("%s", error.text);
    return loader;
}

static void batches_follow_the_source_without_shuffle(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    static const char *const texts[] = {"folder \"d\"", "folder \"d\" -> shuffle false"};
    for (int i = 0; i < 2; i++) { /* either the option or the statement turns it off */
        Opened opened = open_good(texts[i]);
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){32, false, i == 1, 2, 3, NULL});
        Epoch epoch;
        CnnError error = {0};
        assert_int_equal(cnn_loader_batches(loader), 4);
        assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_OK);
        assert_int_equal(epoch.batches, 4);
        assert_int_equal(epoch.size[3], 4);
        assert_int_equal(epoch.last_at, 3);
        for (int j = 0; j < 100; j++)
            assert_int_equal(epoch.number[j], j);
        assert_true(cnn_loader_waited(loader) >= 0);
        cnn_loader_close(loader);
        close_data(opened);
    }
}

static void an_epoch_is_a_permutation_of_its_own(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    Opened opened = open_good("folder \"d\"");
    CnnLoader *loader = open_loader(opened.data, PART_TRAIN, (LoaderOptions){16, false, true, 2, 2, NULL});
    Epoch epochs[2];
    CnnError error = {0};
    cnn_data_set_seed(opened.data, 77);
    for (int e = 0; e < 2; e++) {
        int seen[100] = {0};
        assert_int_equal(run_epoch(loader, e, 0, &epochs[e], &error), CNN_OK);
        for (int i = 0; i < 100; i++) {
            seen[epochs[e].number[i]]++;
            assert_int_equal(epochs[e].number[i],
                             cnn_permute((uint64_t)i, 100, 77, PURPOSE_SHUFFLE, (uint32_t)e));
        }
        for (int i = 0; i < 100; i++)
            assert_int_equal(seen[i], 1);
    }
    assert_memory_not_equal(epochs[0].number, epochs[1].number, 100 * sizeof(int));
    Epoch rest;
    assert_int_equal(run_epoch(loader, 1, 4, &rest, &error), CNN_OK); /* goes on in the middle */
    assert_int_equal(rest.samples, 36);
    assert_memory_equal(rest.number, epochs[1].number + 64, 36 * sizeof(int));
    cnn_loader_close(loader);
    close_data(opened);
}

static void samples_keep_their_order_where_some_are_missing(void **state)
{
    (void)state;
    static const int bad[] = {0, 7, 16, 17, 18, 19, 20, 21, 22, 23, 98, 99};
    enum { BAD = sizeof bad / sizeof *bad };
    make_pictures(100, bad, BAD);
    for (int threads = 1; threads <= 3; threads += 2) {
        Opened opened = open_good("folder \"d\" -> bad skip, at_most=50%");
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){8, false, false, threads, 2, NULL});
        CnnError error = {0};
        Batch batch = {0};
        int next = 0, batches = 0, missing = 0;
        cnn_loader_keep_order(loader);
        assert_int_equal(cnn_loader_start(loader, 0, 0, &error), CNN_OK);
        for (; !batch.last; batches++) {
            assert_int_equal(cnn_loader_next(loader, &batch, &error), CNN_OK);
            if (batches == 2)
                assert_int_equal(batch.samples, 0); /* none of 16 to 23 */
            for (int64_t i = 0; i < batch.samples; i++, next++) {
                for (; missing < BAD && bad[missing] == next; missing++)
                    next++;
                assert_int_equal((int)batch.input[i * 12], next);
                assert_int_equal(cnn_loader_sample(loader, i), next);
                assert_int_equal(((const int32_t *)batch.label)[i], next >= 50);
            }
        }
        assert_int_equal(next, 98);
        assert_int_equal(batches, 13);
        assert_int_equal(cnn_loader_skipped(loader), BAD);
        assert_non_null(strstr(cnn_loader_skipped_reason(loader, 1), "007.png"));
        cnn_loader_close(loader);
        close_data(opened);
    }
}

static void a_cache_decodes_once_and_changes_nothing(void **state)
{
    (void)state;
    make_pictures(100, (int[]){7}, 1);
    Epoch plain[2], cached[2];
    for (int with = 0; with < 2; with++) {
        Opened opened = open_good(with ? "folder \"d\" -> split test=10% -> resize 2x2 -> cache memory"
                                       : "folder \"d\" -> split test=10% -> resize 2x2");
        CacheUse use;
        CnnError error = {0};
        float values[12];
        assert_int_equal(cnn_data_cache(opened.data, CACHE_FILL, &use, &error), CNN_OK);
        assert_int_equal(use.state, with ? CACHE_FILLING : CACHE_OFF);
        assert_int_equal(use.bytes, with ? 90 * 12 : 0);
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){16, false, true, 3, 2, NULL});
        for (int e = 0; e < 2; e++) {
            if (run_epoch(loader, e, 0, &(with ? cached : plain)[e], &error) != CNN_OK)
                fail_msg("%s", error.text);
            if (with && e == 0)
                rename("d", "gone"); /* nothing is there to be decoded any more */
        }
        assert_int_equal(get_sample(opened.data, PART_TEST, 0, 0, values, &error),
                         with ? CNN_BAD_INPUT : CNN_OK); /* the test part is not kept */
        cnn_loader_close(loader);
        close_data(opened);
    }
    for (int e = 0; e < 2; e++) {
        assert_int_equal(cached[e].samples, plain[e].samples);
        assert_memory_equal(cached[e].number, plain[e].number, (size_t)plain[e].samples * sizeof(int));
    }
}

/* Of some pictures resize makes the size, others have it already. */
static void a_cache_keeps_pictures_of_all_sizes_alike(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    for (int i = 1; i < 100; i += 2) {
        char path[32];
        snprintf(path, sizeof path, "d/%d/%03d.png", i >= 50, i);
        write_plain_png(path, 3 + i % 4, 3 + i % 5, i, 0, 0);
    }
    Opened opened = open_good("folder \"d\" -> resize 2x2 -> cache memory");
    CacheUse use;
    CnnError error = {0};
    Epoch epoch;
    assert_int_equal(cnn_data_cache(opened.data, CACHE_FILL, &use, &error), CNN_OK);
    assert_int_equal(use.bytes, 100 * 12);
    CnnLoader *loader = open_loader(opened.data, PART_TRAIN, (LoaderOptions){16, false, false, 3, 2, NULL});
    for (int e = 0; e < 2; e++) {
        assert_int_equal(run_epoch(loader, e, 0, &epoch, &error), CNN_OK);
        for (int i = 0; i < 100; i++)
            assert_int_equal(epoch.number[i], i);
        rename("d", "gone");
    }
    cnn_loader_close(loader);
    close_data(opened);
}

static void a_cache_needs_samples_of_one_size(void **state)
{
    (void)state;
    make_pictures(10, NULL, 0);
    assert_refused(
        "folder \"d\"\nscale 0..1\nresize 2x2\ncache memory",
        "test.cnn:5:1: 'cache' keeps samples as they are before 'scale', where they differ in size");
    close_data(open_good("folder \"d\" -> scale 0..1 -> cache memory"));
}

static void a_cache_that_does_not_fit_is_left_out(void **state)
{
    (void)state;
    unsigned char labels[3000];
    for (int i = 0; i < 3000; i++)
        labels[i] = (unsigned char)(i % 2);
    write_npy("y.npy", "|u1", false, "(3000,)", labels, 3000);
    write_npy("x.npy", "|u1", false, "(3000, 8192, 8192)", labels, 0);
    assert_int_equal(truncate("x.npy", 128 + INT64_C(3000) * 8192 * 8192), 0); /* 188 GiB of nothing */
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"\ncache memory");
    CacheUse use;
    CnnError error = {0};
    assert_int_equal(cnn_data_cache(opened.data, CACHE_FILL, &use, &error), CNN_OK);
    assert_int_equal(use.where, CACHE_MEMORY);
    assert_int_equal(use.state == CACHE_FILLING, use.available >= use.bytes);
    assert_int_equal(use.bytes, INT64_C(3000) * 8192 * 8192);
    close_data(opened);
}

static void the_last_batch_is_left_out_when_asked(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    Opened opened = open_good("folder \"d\"");
    CnnLoader *loader = open_loader(opened.data, PART_TRAIN, (LoaderOptions){32, true, false, 1, 1, NULL});
    Epoch epoch;
    CnnError error = {0};
    assert_int_equal(cnn_loader_batches(loader), 3);
    assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_OK);
    assert_int_equal(epoch.samples, 96);
    assert_int_equal(epoch.last_at, 2);
    cnn_loader_close(loader);
    LoaderOptions too_large = {101, true, false, 1, 1, NULL};
    assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &too_large, &loader, &error), CNN_BAD_INPUT);
    assert_contains(error.text, "100 samples, fewer than a batch of 101");
    close_data(opened);
}

static void an_empty_part_has_no_batches(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    Opened opened = open_good("folder \"d\"");
    CnnLoader *loader = open_loader(opened.data, PART_TEST, (LoaderOptions){32, false, false, 2, 2, NULL});
    Epoch epoch;
    CnnError error = {0};
    assert_int_equal(cnn_loader_batches(loader), 0);
    assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_OK);
    assert_int_equal(epoch.batches, 0);
    cnn_loader_close(loader);
    close_data(opened);
}

/* Runs two epochs for a number of threads and of batches ahead. */
static void two_epochs(const char *text, int threads, int ahead, bool shuffle, Epoch *epochs, char *skipped,
                       size_t room)
{
    Opened opened = open_good(text);
    CnnLoader *loader =
        open_loader(opened.data, PART_TRAIN, (LoaderOptions){8, false, shuffle, threads, ahead, NULL});
    CnnError error = {0};
    for (int e = 0; e < 2; e++)
        if (run_epoch(loader, e, 0, &epochs[e], &error) != CNN_OK)
            fail_msg("%s", error.text);
    *skipped = '\0';
    for (int64_t i = 0; i < cnn_loader_skipped(loader); i++)
        snprintf(skipped + strlen(skipped), room - strlen(skipped), "%s\n",
                 cnn_loader_skipped_reason(loader, i));
    cnn_loader_close(loader);
    close_data(opened);
}

static void unreadable_samples_are_left_out_alike_on_any_number_of_threads(void **state)
{
    (void)state;
    static const int bad[] = {0, 1, 17, 40, 41, 42, 43, 44, 45, 46, 47, 63, 88, 95, 96, 97, 98, 99};
    enum { BAD = sizeof bad / sizeof *bad };
    make_pictures(100, bad, BAD);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        Epoch first[2], other[2];
        char reasons[4096], others[4096];
        two_epochs("folder \"d\" -> bad skip, at_most=20%", 1, 1, shuffle, first, reasons, sizeof reasons);
        for (int e = 0; e < 2; e++) {
            int seen[100] = {0};
            assert_int_equal(first[e].samples, 100 - BAD);
            assert_int_equal(first[e].batches, 11);
            assert_int_equal(first[e].last_at, 10);
            for (int i = 0; i < 10; i++)
                assert_int_equal(first[e].size[i], 8);
            for (int i = 0; i < first[e].samples; i++)
                seen[first[e].number[i]]++;
            for (int b = 0; b < BAD; b++)
                assert_int_equal(seen[bad[b]]++, 0);
            for (int i = 0; i < 100; i++)
                assert_int_equal(seen[i], 1);
        }
        assert_contains(reasons, "d/0/017.png: not a picture, but an empty file\n");
        for (int threads = 2; threads <= 3; threads++)
            for (int ahead = 1; ahead <= 5; ahead += 2) {
                two_epochs("folder \"d\" -> bad skip, at_most=20%", threads, ahead, shuffle, other, others,
                           sizeof others);
                for (int e = 0; e < 2; e++) {
                    assert_memory_equal(first[e].number, other[e].number, (100 - BAD) * sizeof(int));
                    assert_int_equal(other[e].batches, 11);
                }
                assert_string_equal(reasons, others); /* named once each, in the same order */
            }
    }
}

/* Position 2 of 0 … 9 is unreadable, so the last one takes its place; so are 8 and 9, so it is 7. */
static void the_last_sample_that_can_be_read_takes_the_place(void **state)
{
    (void)state;
    make_pictures(100, (const int[]){2, 98, 99, 40}, 4);
    Opened opened = open_good("folder \"d\"");
    CnnLoader *loader = open_loader(opened.data, PART_TRAIN, (LoaderOptions){20, false, false, 2, 2, NULL});
    Epoch epoch;
    CnnError error = {0};
    assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_OK);
    assert_int_equal(epoch.samples, 96);
    assert_int_equal(epoch.number[2], 97);
    assert_int_equal(epoch.number[40], 96);
    assert_int_equal(epoch.number[95], 95);
    assert_int_equal(cnn_loader_skipped(loader), 4);
    cnn_loader_close(loader);
    close_data(opened);
}

static void a_last_batch_of_unreadable_samples_is_none(void **state)
{
    (void)state;
    make_pictures(100, (const int[]){96, 97, 98, 99}, 4);
    Opened opened = open_good("folder \"d\"");
    for (int ahead = 1; ahead < 4; ahead++) {
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){32, false, false, 2, ahead, NULL});
        Epoch epoch;
        CnnError error = {0};
        assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_OK);
        assert_int_equal(epoch.batches, 3);
        assert_int_equal(epoch.last_at, 2);
        assert_int_equal(cnn_loader_skipped(loader), 4);
        cnn_loader_close(loader);
    }
    close_data(opened);
}

static void too_many_unreadable_samples_end_the_training(void **state)
{
    (void)state;
    int bad[12];
    for (int i = 0; i < 12; i++)
        bad[i] = 30 + 2 * i;
    make_pictures(100, bad, 12);
    Opened opened = open_good("folder \"d\"");
    for (int threads = 1; threads <= 3; threads++) {
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){10, false, false, threads, 3, NULL});
        Epoch epoch;
        CnnError error = {0};
        assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_BAD_INPUT);
        assert_int_equal(epoch.batches, 5);
        assert_contains(
            error.text,
            "11 of the 100 samples of the training part cannot be read, more than the 10% that 'bad' "
            "allows; the first: d/0/030.png: not a picture");
        cnn_loader_close(loader);
    }
    close_data(opened);
}

static void bad_stop_ends_at_the_first(void **state)
{
    (void)state;
    make_pictures(100, (const int[]){33, 35, 77}, 3);
    Opened opened = open_good("folder \"d\" -> bad stop");
    for (int threads = 1; threads <= 3; threads++) {
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){10, false, false, threads, 4, NULL});
        Epoch epoch;
        CnnError error = {0};
        assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_BAD_INPUT);
        assert_int_equal(epoch.batches, 3);
        assert_string_equal(error.text, "d/0/033.png: not a picture, but an empty file");
        cnn_loader_close(loader);
    }
    close_data(opened);
}

static void differing_sizes_are_an_error_and_not_skipped(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    write_plain_png("d/0/012.png", 2, 3, 1, 1, 1);
    Opened opened = open_good("folder \"d\"");
    CnnLoader *loader = open_loader(opened.data, PART_TRAIN, (LoaderOptions){10, false, false, 2, 2, NULL});
    Epoch epoch;
    CnnError error = {0};
    assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_BAD_INPUT);
    assert_int_equal(epoch.batches, 1);
    assert_contains(error.text, "pictures differ in size: d/0/000.png has 2 x 2, d/0/012.png has 3 x 2");
    cnn_loader_close(loader);
    close_data(opened);
}

static void a_damaged_array_is_an_error_and_not_skipped(void **state)
{
    (void)state;
    float x[80 * 12] = {0};
    unsigned char y[80];
    for (int i = 0; i < 80; i++) {
        x[i * 12] = (float)i;
        y[i] = i >= 50;
    }
    write_npy("x.npy", "<f4", false, "(80, 12)", x, sizeof x);
    write_npy("y.npy", "|u1", false, "(80,)", y, sizeof y);
    Opened opened = open_good("arrays x=\"x.npy\", y=\"y.npy\"");
    CnnLoader *loader = open_loader(opened.data, PART_TRAIN, (LoaderOptions){10, false, false, 2, 2, NULL});
    Epoch epoch;
    CnnError error = {0};
    assert_int_equal(run_epoch(loader, 0, 0, &epoch, &error), CNN_OK);
    cut_file("x.npy", 128 + 48 * 25);
    assert_int_equal(run_epoch(loader, 1, 0, &epoch, &error), CNN_BAD_INPUT);
    assert_int_equal(epoch.batches, 2);
    assert_contains(error.text, "x.npy: cut short while in use");
    cnn_loader_close(loader);
    close_data(opened);
}

static void it_can_end_or_begin_anew_at_any_moment(void **state)
{
    (void)state;
    make_pictures(100, (const int[]){5}, 1);
    Opened opened = open_good("folder \"d\" -> augment { rotate 20deg }");
    CnnError error = {0};
    for (int i = 0; i < 60; i++) {
        CnnLoader *loader =
            open_loader(opened.data, PART_TRAIN, (LoaderOptions){7, false, true, 1 + i % 3, 1 + i % 4, NULL});
        for (int start = 0; start < i % 4; start++) {
            Batch batch;
            assert_int_equal(cnn_loader_start(loader, start, i % 5, &error), CNN_OK);
            for (int n = 0; n < i % 7; n++)
                assert_int_equal(cnn_loader_next(loader, &batch, &error), CNN_OK);
        }
        cnn_loader_close(loader);
    }
    close_data(opened);
}

static void loaders_in_turn_share_lent_memory(void **state)
{
    (void)state;
    make_pictures(100, NULL, 0);
    Opened opened = open_good("folder \"d\" -> split validation=50%, seed=1");
    CnnError error = {0};
    LoaderOptions options = {9, false, true, 2, 3, NULL};
    uint64_t bytes;
    assert_true(cnn_loader_bytes(opened.data, &options, &bytes));
    assert_int_equal(
        bytes, 4 * (9 * 12 * sizeof(float) + 16 + 64)); /* 12 numbers and a label, each in lines of 64 */
    Epoch wanted[2], got;
    for (int part = 0; part < 2; part++) {
        CnnLoader *own = open_loader(opened.data, part ? PART_VALIDATION : PART_TRAIN, options);
        assert_int_equal(run_epoch(own, 0, 0, &wanted[part], &error), CNN_OK);
        cnn_loader_close(own);
    }
    options.memory = test_malloc(bytes);
    CnnLoader *loaders[2] = {open_loader(opened.data, PART_TRAIN, options),
                             open_loader(opened.data, PART_VALIDATION, options)};
    for (int i = 0; i < 200; i++) { /* one stops at any moment, the other goes through its part */
        Batch batch;
        assert_int_equal(cnn_loader_start(loaders[i % 2], 0, 0, &error), CNN_OK);
        for (int n = 0; n < i % 6; n++)
            assert_int_equal(cnn_loader_next(loaders[i % 2], &batch, &error), CNN_OK);
        cnn_loader_stop(loaders[i % 2]);
        assert_int_equal(run_epoch(loaders[1 - i % 2], 0, 0, &got, &error), CNN_OK);
        assert_int_equal(got.samples, 50);
        assert_memory_equal(got.number, wanted[1 - i % 2].number, 50 * sizeof(int));
        cnn_loader_stop(loaders[1 - i % 2]);
    }
    cnn_loader_close(loaders[0]);
    cnn_loader_close(loaders[1]);
    test_free(options.memory);
    close_data(opened);
}

static void memory_that_cannot_be_had_is_an_error(void **state)
{
    (void)state;
    make_pictures(10, NULL, 0);
    Opened opened = open_good("folder \"d\"");
    CnnLoader *loader;
    CnnError error = {0};
    static const int64_t batches[] = {INT64_C(1) << 58, INT64_C(1)
                                                            << 40}; /* the bytes overflow; are too many */
    for (int i = 0; i < 2; i++) {
        LoaderOptions options = {batches[i], false, false, 1, 1, NULL};
        error = (CnnError){0};
        assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &options, &loader, &error),
                         CNN_NO_RESOURCE);
        assert_contains(error.text, "not enough memory for 2 batches");
    }
    close_data(opened);
}

static void a_sample_costs_reading_transforming_and_augmenting(void **state)
{
    (void)state;
    static const int bad[] = {0, 7};
    make_pictures(100, bad, 2);
    DataCosts costs;
    CnnError error = {0};
    Opened opened = open_good("folder \"d\"");
    assert_int_equal(cnn_data_costs(opened.data, 0, 0.01, &costs, &error), CNN_OK);
    assert_true(costs.reading > 0 && costs.transforming == 0 && costs.augmenting == 0);
    close_data(opened);
    opened = open_good("folder \"d\" -> resize 8x8 -> augment { rotate 20deg }\n scale 0..1");
    assert_int_equal(cnn_data_costs(opened.data, 5, 0.01, &costs, &error), CNN_OK);
    assert_true(costs.reading > 0 && costs.transforming > 0 && costs.augmenting > 0);
    close_data(opened);
    opened = open_good("folder \"d\" -> standardize");
    assert_int_equal(cnn_data_costs(opened.data, 0, 0.01, &costs, &error), CNN_BAD_INPUT);
    assert_contains(error.text, "has not been measured");
    close_data(opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batches_follow_the_source_without_shuffle),
        TEST(an_epoch_is_a_permutation_of_its_own),
        TEST(samples_keep_their_order_where_some_are_missing),
        TEST(a_cache_decodes_once_and_changes_nothing),
        TEST(a_cache_keeps_pictures_of_all_sizes_alike),
        TEST(a_cache_needs_samples_of_one_size),
        TEST(a_cache_that_does_not_fit_is_left_out),
        TEST(the_last_batch_is_left_out_when_asked),
        TEST(an_empty_part_has_no_batches),
        TEST(unreadable_samples_are_left_out_alike_on_any_number_of_threads),
        TEST(the_last_sample_that_can_be_read_takes_the_place),
        TEST(a_last_batch_of_unreadable_samples_is_none),
        TEST(too_many_unreadable_samples_end_the_training),
        TEST(bad_stop_ends_at_the_first),
        TEST(differing_sizes_are_an_error_and_not_skipped),
        TEST(a_damaged_array_is_an_error_and_not_skipped),
        TEST(it_can_end_or_begin_anew_at_any_moment),
        TEST(loaders_in_turn_share_lent_memory),
        TEST(memory_that_cannot_be_had_is_an_error),
        TEST(a_sample_costs_reading_transforming_and_augmenting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
