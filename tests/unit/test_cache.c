/* `cache disk`: the same samples as without, decoded once; a file that is whole or not believed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "runtime/data/pipeline.h"
#include "tests/unit/data_test.h"

enum { PICTURES = 60, VALUES = 2 * 2 * 3, RECORDS_AT = 4096, RECORD_BYTES = VALUES + 8 };

#define DATA  "folder \"d\" -> split validation=20%, test=10%\nresize 2x2\n"
#define CACHE "cache disk, folder=\"kept\"\n"

static void picture_path(int i, char path[32])
{
    snprintf(path, 32, "d/%d/%02d.png", i % 2, i);
}

/* Of several sizes, that number i be told by its colour. */
static void make_pictures(void)
{
    char path[32];
    for (int i = 0; i < PICTURES; i++) {
        picture_path(i, path);
        write_plain_png(path, 2 + i % 3, 2 + i % 2, i, 100 + i, 0);
    }
}

/* Replaces the bytes of all pictures by as many that are no picture, at the same time of change. */
static void spoil_pictures(void)
{
    char path[32], bytes[4096] = "";
    struct stat info;
    for (int i = 0; i < PICTURES; i++) {
        picture_path(i, path);
        assert_int_equal(stat(path, &info), 0);
        write_bytes(path, bytes, (size_t)info.st_size);
        assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){info.st_atim, info.st_mtim}, 0), 0);
    }
}

/* All samples of all parts, in order. */
static void read_all(CnnData *data, float (*values)[VALUES])
{
    int n = 0;
    for (int part = 0; part < PART_COUNT; part++)
        for (int64_t i = 0; i < cnn_data_count(data, (Part)part); i++) {
            CnnError error = {0};
            if (get_sample(data, (Part)part, i, 0, values[n++], &error) != CNN_OK)
                fail_msg("%s", error.text);
        }
    assert_int_equal(n, PICTURES);
}

static CacheUse use_cache(CnnData *data, CacheMode mode, CacheState expected)
{
    CacheUse use;
    CnnError error = {0};
    if (cnn_data_cache(data, mode, &use, &error) != CNN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(use.where, CACHE_DISK);
    assert_int_equal(use.state, expected);
    return use;
}

static Opened open_cached(const char *text, CacheState expected, CacheUse *use)
{
    Opened opened = open_good(text);
    *use = use_cache(opened.data, CACHE_FILL, expected);
    return opened;
}

static bool is_there(const char *path, const char *ending)
{
    char name[PATH_MAX + 8];
    snprintf(name, sizeof name, "%s%s", path, ending);
    return access(name, F_OK) == 0;
}

/* Files in a folder. */
static int count_files(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* Builds the whole cache and tells where it is. */
static CacheUse build_cache(const char *text, float (*values)[VALUES])
{
    CacheUse use;
    Opened opened = open_cached(text, CACHE_FILLING, &use);
    read_all(opened.data, values);
    close_data(opened);
    assert_true(is_there(use.path, "") && !is_there(use.path, ".part"));
    return use;
}

static void change_byte(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 64, file);
    fclose(file);
}

static void assert_trouble(CnnData *data, const char *part)
{
    char text[8192];
    assert_true(cnn_data_cache_trouble(data, text, sizeof text));
    assert_contains(text, part);
    assert_false(cnn_data_cache_trouble(data, text, sizeof text)); /* once */
}

static void assert_no_trouble(CnnData *data)
{
    char text[8192];
    if (cnn_data_cache_trouble(data, text, sizeof text))
        fail_msg("%s", text);
}

static float plain[PICTURES][VALUES], cached[PICTURES][VALUES];

static void read_plain(const char *text)
{
    Opened opened = open_good(text);
    read_all(opened.data, plain);
    close_data(opened);
}

static void all_parts_are_decoded_once_and_stay_the_same(void **state)
{
    (void)state;
    CacheUse use;
    make_pictures();
    read_plain(DATA);
    Opened opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
    assert_int_equal(use.bytes, RECORDS_AT + PICTURES * RECORD_BYTES);
    assert_true(use.available >= use.bytes);
    assert_true(is_there(use.path, ".part") && !is_there(use.path, ""));
    read_all(opened.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    assert_true(!is_there(use.path, ".part") && is_there(use.path, ""));
    spoil_pictures();
    read_all(opened.data, cached); /* the second epoch */
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(opened);
    for (int mode = CACHE_READ; mode <= CACHE_FILL; mode++) { /* an evaluation, another training */
        opened = open_good(DATA CACHE);
        use_cache(opened.data, (CacheMode)mode, CACHE_WHOLE);
        read_all(opened.data, cached);
        assert_memory_equal(cached, plain, sizeof plain);
        assert_no_trouble(opened.data);
        close_data(opened);
    }
    assert_int_equal(count_files("kept"), 1);
}

static void nothing_is_built_but_by_a_training(void **state)
{
    (void)state;
    make_pictures();
    Opened opened = open_good(DATA CACHE);
    CacheUse use = use_cache(opened.data, CACHE_PLAN, CACHE_OFF);
    assert_int_equal(use.bytes, RECORDS_AT + PICTURES * RECORD_BYTES);
    use_cache(opened.data, CACHE_READ, CACHE_OFF);
    read_all(opened.data, cached);
    assert_int_equal(access("kept", F_OK), -1);
    close_data(opened);
    build_cache(DATA CACHE, cached);
    opened = open_good(DATA CACHE);
    use_cache(opened.data, CACHE_PLAN, CACHE_WHOLE);
    close_data(opened);
}

static void a_build_that_ended_early_is_gone_on_with(void **state)
{
    (void)state;
    CacheUse use;
    float sample[VALUES];
    CnnError error = {0};
    char part[PATH_MAX + 8];
    make_pictures();
    read_plain(DATA);
    Opened opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
    for (int i = 0; i < 20; i++)
        assert_int_equal(get_sample(opened.data, PART_TRAIN, i, 0, sample, &error), CNN_OK);
    close_data(opened);
    assert_true(is_there(use.path, ".part") && !is_there(use.path, ""));
    snprintf(part, sizeof part, "%s.part", use.path);
    for (int i = 0; i < PICTURES; i++) /* whichever were written: half of them are now damaged */
        if (i % 2)
            change_byte(part, RECORDS_AT + i * RECORD_BYTES + 5);
    opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
    assert_in_range(use.kept, 1, 19);
    assert_int_equal(use.count, PICTURES);
    read_all(opened.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    assert_no_trouble(opened.data);
    assert_true(!is_there(use.path, ".part") && is_there(use.path, ""));
    close_data(opened);
    /* Nothing was read: nothing stays. */
    opened = open_cached("folder \"d\" -> resize 3x3\n" CACHE, CACHE_FILLING, &use);
    close_data(opened);
    assert_int_equal(count_files("kept"), 1);
}

/* A process that is killed leaves what it has written, and no lock. */
static void a_build_that_was_killed_is_gone_on_with(void **state)
{
    (void)state;
    CacheUse use;
    make_pictures();
    read_plain(DATA);
    pid_t child = fork();
    if (child == 0) {
        float sample[VALUES];
        CnnError error = {0};
        Opened opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
        for (int i = 0; i < 10; i++)
            get_sample(opened.data, PART_TRAIN, i, 0, sample, &error);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    Opened opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
    assert_in_range(use.kept, 10, 11); /* and the one that was read to learn the size */
    read_all(opened.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(opened);
    assert_true(is_there(use.path, ""));
}

static void it_is_made_anew_when_a_picture_changes(void **state)
{
    (void)state;
    CacheUse use;
    char path[32];
    make_pictures();
    CacheUse first = build_cache(DATA CACHE, plain);
    picture_path(7, path);
    write_plain_png(path, 2, 2, 200, 200, 200);
    read_plain(DATA);
    Opened opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
    assert_string_equal(use.path, first.path);
    assert_int_equal(use.kept, 0);
    read_all(opened.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(opened);
    struct timespec times[2] = {{0}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0); /* as if it had been written again */
    build_cache(DATA CACHE, cached);
    assert_int_equal(rename(path, "d/1/990.png"), 0); /* the same picture by another name */
    build_cache(DATA CACHE, cached);
    assert_int_equal(count_files("kept"), 1);
}

static void other_statements_before_it_are_another_cache(void **state)
{
    (void)state;
    CacheUse use;
    make_pictures();
    build_cache(DATA CACHE, plain);
    static const struct {
        const char *text;
        CacheState state;
    } cases[] = {
        {"folder \"d\" -> split validation=30%, seed=4\nresize 2x2\n" CACHE, CACHE_WHOLE},
        {"folder \"d\"\nresize 2x2 -> standardize -> augment { flip horizontal }\n" CACHE, CACHE_WHOLE},
        {"folder \"d\"\nresize 2x2 -> scale 0..1\n" CACHE, CACHE_WHOLE},
        {"folder \"./d/\"\nresize 2x2, fit=stretch\n" CACHE, CACHE_FILLING}, /* written differently */
        {"folder \"d\"\nresize 2x2, fit=crop\n" CACHE, CACHE_FILLING},
        {"folder \"d\"\nresize 2x3\n" CACHE, CACHE_FILLING},
        {"folder \"d\", channels=1\nresize 2x2\n" CACHE, CACHE_FILLING},
        {"folder \"d\"\nresize 2x2\ncache disk, folder=\"elsewhere\"", CACHE_FILLING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        close_data(open_cached(cases[i].text, cases[i].state, &use));
}

static void a_damaged_record_is_noticed_and_mended(void **state)
{
    (void)state;
    CacheUse use;
    make_pictures();
    read_plain(DATA);
    use = build_cache(DATA CACHE, cached);
    static const int records[] = {3, 11, 40};
    change_byte(use.path, RECORDS_AT + records[0] * RECORD_BYTES);              /* a value */
    change_byte(use.path, RECORDS_AT + records[1] * RECORD_BYTES + VALUES);     /* the state */
    change_byte(use.path, RECORDS_AT + records[2] * RECORD_BYTES + VALUES + 4); /* the checksum */
    for (int again = 0; again < 2; again++) {
        Opened opened = open_cached(DATA CACHE, CACHE_WHOLE, &use);
        read_all(opened.data, cached);
        assert_memory_equal(cached, plain, sizeof plain);
        if (!again) /* record 3 is the fourth picture of class 0 */
            assert_trouble(opened.data, " were damaged, and read from the source again: d/0/06.png …");
        read_all(opened.data, cached);
        assert_no_trouble(opened.data);
        close_data(opened);
    }
}

static void a_file_that_is_not_whole_is_not_believed(void **state)
{
    (void)state;
    make_pictures();
    read_plain(DATA);
    CacheUse use = build_cache(DATA CACHE, cached);
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            cut_file(use.path, RECORDS_AT + 100);
        else if (i == 1)
            write_bytes(use.path, "", 0);
        else
            change_byte(use.path, i == 2 ? 9 : 44); /* the version, the height */
        build_cache(DATA CACHE, cached);
        assert_memory_equal(cached, plain, sizeof plain);
    }
}

/* One that is cut while it is read loses records, and nothing else. */
static void a_file_that_is_cut_while_in_use_is_survived(void **state)
{
    (void)state;
    CacheUse use;
    make_pictures();
    read_plain(DATA);
    build_cache(DATA CACHE, cached);
    Opened opened = open_cached(DATA CACHE, CACHE_WHOLE, &use);
    cut_file(use.path, RECORDS_AT + 30 * RECORD_BYTES);
    read_all(opened.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    assert_trouble(opened.data, "30 samples of the cache ");
    close_data(opened);
}

static void two_that_build_at_once_do_no_harm(void **state)
{
    (void)state;
    CacheUse use, other;
    make_pictures();
    read_plain(DATA);
    Opened first = open_cached(DATA CACHE, CACHE_FILLING, &use);
    Opened second = open_cached(DATA CACHE, CACHE_OFF, &other);
    assert_true(other.busy);
    read_all(second.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(second);
    assert_true(is_there(use.path, ".part"));
    read_all(first.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    second = open_cached(DATA CACHE, CACHE_WHOLE, &other); /* while the first still reads */
    read_all(second.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(first);
    close_data(second);
    assert_int_equal(count_files("kept"), 1);
}

/* Several processes, each from the first epoch to the third. */
static void many_processes_agree(void **state)
{
    (void)state;
    enum { PROCESSES = 6 };
    make_pictures();
    read_plain(DATA);
    for (int round = 0; round < 5; round++) {
        int failed = 0;
        for (int i = 0; i < PROCESSES; i++)
            if (fork() == 0) {
                CacheUse use;
                CnnError error = {0};
                Opened opened = open_good(DATA CACHE);
                bool good = cnn_data_cache(opened.data, CACHE_FILL, &use, &error) == CNN_OK;
                for (int epoch = 0; epoch < 3 && good; epoch++) {
                    read_all(opened.data, cached);
                    good = memcmp(cached, plain, sizeof plain) == 0;
                }
                char text[8192];
                good = good && !cnn_data_cache_trouble(opened.data, text, sizeof text);
                _exit(!good);
            }
        for (int i = 0, status; i < PROCESSES; i++) {
            wait(&status);
            failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        }
        assert_int_equal(failed, 0);
        assert_int_equal(count_files("kept"), 1);
        spoil_pictures();
        make_pictures(); /* at another time */
    }
}

static void samples_that_cannot_be_read_are_still_reported(void **state)
{
    (void)state;
    CacheUse use;
    char path[32];
    make_pictures();
    picture_path(5, path);
    write_bytes(path, "no picture", 10);
    for (int again = 0; again < 2; again++) {
        Opened opened =
            open_cached("folder \"d\" -> resize 2x2\n" CACHE, again ? CACHE_WHOLE : CACHE_FILLING, &use);
        LoaderOptions options = {.batch = 7, .shuffle = true, .threads = 3, .ahead = 2};
        CnnLoader *loader = NULL;
        CnnError error = {0};
        Batch batch;
        assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &options, &loader, &error), CNN_OK);
        assert_int_equal(cnn_loader_start(loader, 0, 0, &error), CNN_OK);
        int64_t samples = 0;
        do {
            assert_int_equal(cnn_loader_next(loader, &batch, &error), CNN_OK);
            samples += batch.samples;
        } while (batch.samples > 0);
        assert_int_equal(samples, PICTURES - 1);
        assert_int_equal(cnn_loader_skipped(loader), 1);
        assert_contains(cnn_loader_skipped_reason(loader, 0), "d/1/05.png");
        assert_no_trouble(opened.data);
        cnn_loader_close(loader);
        close_data(opened);
        assert_true(is_there(use.path, ""));
    }
}

static void a_disk_without_room_is_told(void **state)
{
    (void)state;
    CacheUse use;
    CnnError error = {0};
    struct rlimit before, limit;
    make_pictures();
    Opened opened = open_good(DATA CACHE);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CnnStatus status = cnn_data_cache(opened.data, CACHE_FILL, &use, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, CNN_NO_RESOURCE);
    assert_contains(error.text, "'cache disk' needs 0.0 MiB in 'kept/', and 0.0 MiB are free there");
    assert_int_equal(use.available, 4096);
    assert_int_equal(count_files("kept"), 0);
    close_data(opened);
}

/* The disk takes no more while the file is being built: the training goes on. */
static void a_write_that_fails_ends_the_cache_and_not_the_training(void **state)
{
    (void)state;
    CacheUse use;
    struct rlimit before, limit;
    make_pictures();
    read_plain(DATA);
    Opened opened = open_cached(DATA CACHE, CACHE_FILLING, &use);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){RECORDS_AT + 30 * RECORD_BYTES + 3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int epoch = 0; epoch < 2; epoch++) {
        read_all(opened.data, cached);
        assert_memory_equal(cached, plain, sizeof plain);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_trouble(opened.data, "cannot be written: ");
    close_data(opened);
    assert_int_equal(count_files("kept"), 0);
}

static void a_file_that_is_removed_while_it_is_built_is_not_missed(void **state)
{
    (void)state;
    CacheUse use, other;
    char part[PATH_MAX + 8];
    make_pictures();
    read_plain(DATA);
    Opened first = open_cached(DATA CACHE, CACHE_FILLING, &use);
    snprintf(part, sizeof part, "%s.part", use.path);
    assert_int_equal(unlink(part), 0);
    Opened second = open_cached(DATA CACHE, CACHE_FILLING, &other);
    read_all(first.data, cached); /* what is there of the second's is not taken for the first's */
    assert_memory_equal(cached, plain, sizeof plain);
    assert_trouble(first.data, "cannot be written: No such file or directory");
    close_data(first);
    assert_true(is_there(use.path, ".part") && !is_there(use.path, ""));
    read_all(second.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(second);
    assert_true(!is_there(use.path, ".part") && is_there(use.path, ""));
}

static void a_folder_that_cannot_be_used_is_told(void **state)
{
    (void)state;
    CacheUse use;
    make_pictures();
    write_bytes("file", "", 0);
    static const struct {
        const char *text, *message;
    } cases[] = {
        {DATA "cache disk, folder=\"no/where\"", "cannot make the folder 'no/where'"},
        {DATA "cache disk, folder=\"file\"", "cannot be written: Not a directory"},
        {DATA "cache disk", "'cache disk': neither XDG_CACHE_HOME nor HOME is set: name another place"},
    };
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Opened opened = open_good(cases[i].text);
        CnnError error = {0};
        assert_int_equal(cnn_data_cache(opened.data, CACHE_FILL, &use, &error), CNN_NO_RESOURCE);
        assert_contains(error.text, cases[i].message);
        close_data(opened);
    }
    Opened without = open_good(DATA CACHE);
    CnnError error = {0};
    without.data->source->stamp = NULL; /* a source that cannot tell its files */
    assert_int_equal(cnn_data_cache(without.data, CACHE_FILL, &use, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "samples of 'folder' cannot be kept on disk: use 'cache memory'");
    close_data(without);
    assert_refused(DATA "cache memory, folder=\"kept\"", "test.cnn:4:1: 'folder' is for 'cache disk'");
    setenv("XDG_CACHE_HOME", test_folder, 1);
    Opened opened = open_cached(DATA "cache disk", CACHE_FILLING, &use);
    read_all(opened.data, cached);
    close_data(opened);
    assert_int_equal(count_files("cnnc"), 1);
}

static void arrays_of_floats_are_kept_as_floats(void **state)
{
    (void)state;
    float x[PICTURES * VALUES];
    unsigned char y[PICTURES];
    for (int i = 0; i < PICTURES * VALUES; i++)
        x[i] = (float)i / 7;
    for (int i = 0; i < PICTURES; i++)
        y[i] = (unsigned char)(i % 2);
    write_npy("x.npy", "<f4", false, "(60, 12)", x, sizeof x);
    write_npy("y.npy", "|u1", false, "(60,)", y, sizeof y);
    read_plain("arrays x=\"x.npy\", y=\"y.npy\"");
    CacheUse use = build_cache("arrays x=\"x.npy\", y=\"y.npy\"\n" CACHE, cached);
    assert_int_equal(use.bytes, RECORDS_AT + PICTURES * (4 * VALUES + 8));
    Opened opened = open_cached("arrays x=\"x.npy\", y=\"y.npy\"\n" CACHE, CACHE_WHOLE, &use);
    read_all(opened.data, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    close_data(opened);
    write_npy("x.npy", "<f4", false, "(60, 12)", x, sizeof x);
    close_data(open_cached("arrays x=\"x.npy\", y=\"y.npy\"\n" CACHE, CACHE_FILLING, &use));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_parts_are_decoded_once_and_stay_the_same),
        TEST(nothing_is_built_but_by_a_training),
        TEST(a_build_that_ended_early_is_gone_on_with),
        TEST(a_build_that_was_killed_is_gone_on_with),
        TEST(it_is_made_anew_when_a_picture_changes),
        TEST(other_statements_before_it_are_another_cache),
        TEST(a_damaged_record_is_noticed_and_mended),
        TEST(a_file_that_is_not_whole_is_not_believed),
        TEST(a_file_that_is_cut_while_in_use_is_survived),
        TEST(two_that_build_at_once_do_no_harm),
        TEST(many_processes_agree),
        TEST(samples_that_cannot_be_read_are_still_reported),
        TEST(a_disk_without_room_is_told),
        TEST(a_write_that_fails_ends_the_cache_and_not_the_training),
        TEST(a_file_that_is_removed_while_it_is_built_is_not_missed),
        TEST(a_folder_that_cannot_be_used_is_told),
        TEST(arrays_of_floats_are_kept_as_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
