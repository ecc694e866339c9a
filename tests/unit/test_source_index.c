/* The file of names: the same samples as without it, and not believed once anything has changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <limits.h>

#include "runtime/data/look.h"
#include "runtime/data/source_index.h"
#include "tests/unit/data_test.h"

enum { GROUPS = 10, EACH = INDEX_LEAST / (2 * GROUPS) };

#define DATA "folder \"d\" -> split validation=20%, test=10%\nresize 2x2"

/* Since when a folder has not changed is what decides: this one's last change is an hour ago. */
static void make_old(const char *path)
{
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= 3600;
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_folders_old(void)
{
    char path[32];
    make_old("d");
    for (int class = 0; class < 2; class ++) {
        snprintf(path, sizeof path, "d/%c", 'a' + class);
        make_old(path);
        for (int group = 0; group < GROUPS; group++) {
            snprintf(path, sizeof path, "d/%c/%d", 'a' + class, group);
            make_old(path);
        }
    }
}

/* As many samples as are worth an index: d/CLASS/GROUP/NUMBER.png, links to one picture for each class. */
static int many_setup(void **state)
{
    char path[32], first[32], cache[128];
    if (folder_setup(state))
        return -1;
    snprintf(cache, sizeof cache, "%s/cache", test_folder);
    setenv("XDG_CACHE_HOME", cache, 1);
    for (int class = 0; class < 2; class ++) {
        snprintf(first, sizeof first, "d/%c/0/000.png", 'a' + class);
        write_plain_png(first, 2, 2, 100 * class, 0, 0);
        for (int i = 1; i < GROUPS * EACH; i++) {
            snprintf(path, sizeof path, "d/%c/%d/%03d.png", 'a' + class, i / EACH, i % EACH);
            make_folders(path);
            if (link(first, path))
                return -1;
        }
    }
    make_folders_old();
    return 0;
}

/* The one index in the cache folder; false: there is none. */
static bool find_index(char path[PATH_MAX])
{
    DIR *cache = opendir("cache/cnnc");
    bool found = false;
    for (struct dirent *entry; cache && (entry = readdir(cache));)
        if (strncmp(entry->d_name, "names-", 6) == 0) {
            assert_false(found);
            found = snprintf(path, PATH_MAX, "cache/cnnc/%s", entry->d_name) > 0;
        }
    if (cache)
        closedir(cache);
    return found;
}

static ino_t index_inode(void)
{
    char path[PATH_MAX];
    struct stat info;
    assert_true(find_index(path));
    assert_int_equal(stat(path, &info), 0);
    return info.st_ino;
}

static bool has_index(const CnnData *data)
{
    uint64_t bytes;
    return cnn_data_index(data, &bytes) != NULL;
}

static void assert_same_data(const CnnData *a, const CnnData *b)
{
    assert_int_equal(cnn_data_classes(a), cnn_data_classes(b));
    for (int64_t c = 0; c < cnn_data_classes(a); c++)
        assert_string_equal(cnn_data_class_name(a, c), cnn_data_class_name(b, c));
    for (int part = 0; part < PART_COUNT; part++) {
        assert_int_equal(cnn_data_count(a, (Part)part), cnn_data_count(b, (Part)part));
        for (int64_t i = 0; i < cnn_data_count(a, (Part)part); i++) {
            PartSample sample = {(Part)part, i};
            char of_a[NAME_BYTES], of_b[NAME_BYTES];
            cnn_data_name(a, sample.part, i, of_a, sizeof of_a);
            cnn_data_name(b, sample.part, i, of_b, sizeof of_b);
            assert_string_equal(of_a, of_b);
            assert_true(cnn_data_label(a, sample) == cnn_data_label(b, sample));
        }
    }
}

/* Opened three times (without a cache, with one that is not there yet, with one that is), `text` gives the
 * same samples, and the index is written once. */
static void check_same(const char *text)
{
    char path[PATH_MAX], cache[128];
    snprintf(cache, sizeof cache, "%s/cache", test_folder);
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    Opened without = open_good(text);
    assert_false(has_index(without.data));
    setenv("XDG_CACHE_HOME", cache, 1);
    Opened first = open_good(text);
    assert_true(has_index(first.data));
    ino_t inode = index_inode();
    Opened again = open_good(text);
    assert_true(has_index(again.data));
    assert_int_equal(index_inode(), inode);
    assert_same_data(without.data, first.data);
    assert_same_data(without.data, again.data);
    close_data(without);
    close_data(first);
    close_data(again);
    assert_true(find_index(path) && remove(path) == 0);
}

static void test_folders_are_the_same(void **state)
{
    (void)state;
    float values[2 * 2 * 3];
    CnnError error = {0};
    check_same(DATA);
    check_same("folder \"d\" -> split validation=20%, by=folder\nresize 2x2");
    assert_int_equal(rename("d", "whole"), 0);
    mkdir("d", 0777);
    assert_int_equal(rename("whole", "d/train"), 0);
    write_plain_png("d/val/b/1.png", 2, 2, 3, 0, 0);
    for (int i = 0; i < 4; i++)
        make_old(((const char *const[]){"d", "d/train", "d/val", "d/val/b"})[i]);
    check_same("folder \"d\"\nresize 2x2");
    Opened opened = open_good("folder \"d\"\nresize 2x2");
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 1);
    assert_int_equal(get_sample(opened.data, PART_VALIDATION, 0, 0, values, &error), CNN_OK);
    assert_true(values[0] == 3);
    close_data(opened);
}

static void test_few_samples_are_not_worth_it(void **state)
{
    (void)state;
    char path[PATH_MAX];
    assert_int_equal(remove("d/a/3/007.png"), 0);
    make_folders_old();
    Opened opened = open_good(DATA);
    assert_false(has_index(opened.data) || find_index(path));
    close_data(opened);
}

/* A change within the step that a file system counts time in would not show. */
static void test_what_has_just_changed_is_not_kept(void **state)
{
    (void)state;
    assert_int_equal(link("d/a/0/000.png", "d/a/3/new.png"), 0);
    Opened opened = open_good(DATA);
    assert_false(has_index(opened.data));
    close_data(opened);
}

/* Opens after a change: the index is another one, and as many samples are found. */
static void check_changed(ino_t *before, int64_t samples)
{
    make_folders_old();
    Opened opened = open_good(DATA);
    int64_t count = 0;
    for (int part = 0; part < PART_COUNT; part++)
        count += cnn_data_count(opened.data, (Part)part);
    assert_int_equal(count, samples);
    assert_true(has_index(opened.data) && index_inode() != *before);
    *before = index_inode();
    close_data(opened);
}

static void test_changes_are_seen(void **state)
{
    (void)state;
    ino_t inode = 0;
    PartSample found;
    CnnError error = {0};
    check_changed(&inode, INDEX_LEAST);
    assert_int_equal(link("d/a/0/000.png", "d/b/9/new.png"), 0);
    check_changed(&inode, INDEX_LEAST + 1);
    assert_int_equal(link("d/a/0/000.png", "d/b/new.png"), 0);
    check_changed(&inode, INDEX_LEAST + 2);
    assert_int_equal(remove("d/b/9/new.png"), 0);
    check_changed(&inode, INDEX_LEAST + 1);
    assert_int_equal(rename("d/b/9/000.png", "d/b/9/other.png"), 0);
    check_changed(&inode, INDEX_LEAST + 1);
    Opened opened = open_good(DATA);
    assert_int_equal(cnn_data_find(opened.data, "d/b/9/other.png", &found, &error), CNN_OK);
    close_data(opened);
    assert_int_equal(rename("d/b", "d/c"), 0); /* the folder below keeps its time */
    opened = open_good(DATA);
    assert_string_equal(cnn_data_class_name(opened.data, 1), "c");
    close_data(opened);
}

static void write_file(const char *path, const unsigned char *bytes, size_t count)
{
    remove(path); /* an index is replaced, never written to */
    write_bytes(path, bytes, count);
}

/* Whatever a byte of it becomes, and wherever it ends, it is not believed, and made anew. */
static void test_damage_is_seen(void **state)
{
    (void)state;
    static unsigned char bytes[1 << 20], damaged[1 << 20];
    char path[PATH_MAX];
    Opened whole = open_good(DATA);
    assert_true(find_index(path));
    size_t count = read_bytes(path, bytes, sizeof bytes);
    assert_true(count > 1000 && count < sizeof bytes);
    for (uint32_t seed = 0; seed < 24; seed++) {
        size_t length = seed % 3 == 2 ? count * seed / 24 : count;
        memcpy(damaged, bytes, count);
        if (seed % 3 == 0)
            damaged[seed * 4] ^= 1u << seed % 8; /* in the header */
        else if (seed % 3 == 1)
            mutate(damaged, count, seed);
        write_file(path, damaged, length);
        ino_t inode = index_inode();
        Opened opened = open_good(DATA);
        assert_same_data(whole.data, opened.data);
        assert_true(index_inode() != inode || memcmp(bytes, damaged, count) == 0);
        close_data(opened);
    }
    close_data(whole);
}

static void test_cut_while_in_use(void **state)
{
    (void)state;
    float values[2 * 2 * 3];
    char path[PATH_MAX], name[NAME_BYTES];
    CnnError error = {0};
    Opened opened = open_good(DATA);
    assert_true(find_index(path));
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 5, 0, values, &error), CNN_OK);
    cut_file(path, 200);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 5, 0, values, &error), CNN_NO_RESOURCE);
    assert_contains(error.text, "was changed while it was in use");
    cnn_data_name(opened.data, PART_TEST, 0, name, sizeof name);
    assert_contains(name, "sample ");
    close_data(opened);
}

/* A table of all files, with labels of three kinds and parts. */
static void write_table(const char *extra)
{
    FILE *file = fopen("t.csv", "w");
    assert_non_null(file);
    fprintf(file, "file,kind,size,part\n");
    for (int i = 0; i < INDEX_LEAST; i++)
        fprintf(file, "d/%c/%d/%03d.png,%d,%d.5,%s\n", 'a' + i % 2, i / 2 / EACH, i / 2 % EACH, 2 + i % 9, i,
                i % 7 ? "train" : "val");
    fprintf(file, "%s", extra);
    fclose(file);
    make_old("t.csv");
}

static void test_lists_are_the_same(void **state)
{
    (void)state;
    write_table("");
    check_same("list \"t.csv\", image=\"file\", label=\"kind\"\nsplit validation=20%\nresize 2x2");
    check_same("list \"t.csv\", image=\"file\", label=\"kind\", part=\"part\"\nresize 2x2");
    check_same("list \"t.csv\", image=\"file\", label=\"size\", values=numbers\nresize 2x2");
    const char *text = "list \"t.csv\", image=\"file\", label=\"kind\"\nresize 2x2";
    Opened opened = open_good(text);
    close_data(opened);
    opened = open_good("list \"t.csv\", image=\"file\", label=\"part\"\nresize 2x2"); /* not the same index */
    assert_int_equal(cnn_data_classes(opened.data), 2);
    close_data(opened);
    write_table("d/a/0/000.png,77,1,train\n");
    opened = open_good(text);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), INDEX_LEAST + 1);
    assert_string_equal(cnn_data_class_name(opened.data, 9), "77");
    close_data(opened);
    assert_int_equal(remove("d/a/0/000.png"), 0); /* the first and the last row's: others are there */
    close_data(open_good(text));
    assert_int_equal(rename("d", "e"), 0);
    assert_refused(text, "t.csv: none of its pictures is found");
}

int main(void)
{
#define MANY(test) cmocka_unit_test_setup_teardown(test, many_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        MANY(test_folders_are_the_same),
        MANY(test_few_samples_are_not_worth_it),
        MANY(test_what_has_just_changed_is_not_kept),
        MANY(test_changes_are_seen),
        MANY(test_damage_is_seen),
        MANY(test_cut_while_in_use),
        MANY(test_lists_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
