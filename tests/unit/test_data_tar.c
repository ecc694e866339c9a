/* Sources inside tar archives, plain and compressed: the same samples as unpacked, what each wrong thing is
 * told, and the file that a compressed archive becomes in the cache folder. */
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

#include "runtime/data/tar.h"
#include "tests/unit/data_test.h"

/* An archive while it is written. */
typedef struct {
    unsigned char bytes[1 << 17];
    size_t used;
} Writer;

typedef struct {
    char type;          /* '0' where it is not told */
    const char *link;   /* target */
    const char *magic;  /* "ustar" of POSIX where it is not told */
    const char *prefix; /* of the name */
    size_t claimed;     /* size that is claimed; 0: the true one */
    bool binary;        /* the size as a binary number */
    bool wrong_sum, signed_sum;
} Options;

static void add(Writer *writer, const char *name, const void *bytes, size_t size, Options options)
{
    unsigned char *block = writer->bytes + writer->used;
    assert_true(writer->used + size + 4096 < sizeof writer->bytes);
    memset(block, 0, TAR_BLOCK);
    memcpy(block, name, strnlen(name, 100));
    memcpy(block + 100, "0000644", 7);
    size_t claimed = options.claimed ? options.claimed : size;
    if (options.binary)
        for (int i = 0; i < 12; i++)
            block[124 + i] = (unsigned char)(i == 0 ? 0x80 : i < 4 ? 0 : claimed >> (8 * (11 - i)));
    else
        snprintf((char *)block + 124, 12, "%011zo", claimed);
    block[156] = (unsigned char)(options.type ? options.type : '0');
    if (options.link)
        memcpy(block + 157, options.link, strlen(options.link));
    memcpy(block + 257, options.magic ? options.magic : "ustar\00000", 8);
    if (options.prefix)
        memcpy(block + 345, options.prefix, strlen(options.prefix));
    memset(block + 148, ' ', 8);
    int sum = 0;
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += options.signed_sum ? (signed char)block[i] : block[i];
    snprintf((char *)block + 148, 8, "%06o", (unsigned)(sum + options.wrong_sum));
    memcpy(block + TAR_BLOCK, bytes, size);
    writer->used += TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static void add_picture(Writer *writer, const char *name, int grey, Options options)
{
    unsigned char bytes[4096];
    write_plain_png("scratch.png", 4, 4, grey, grey, grey);
    add(writer, name, bytes, read_bytes("scratch.png", bytes, sizeof bytes), options);
}

/* A pax header of one record before the next member. */
static void add_pax(Writer *writer, const char *key, const char *value)
{
    char record[4096];
    int length = (int)(strlen(key) + strlen(value)) + 3, digits = length > 97 ? length > 996 ? 4 : 3 : 2;
    snprintf(record, sizeof record, "%d %s=%s\n", length + digits, key, value);
    add(writer, "pax", record, strlen(record), (Options){.type = 'x'});
}

static void write_tar(Writer *writer, const char *path)
{
    write_bytes(path, writer->bytes, writer->used + 2 * TAR_BLOCK); /* zeros at the end */
}

/* Two classes of two pictures each, out of order, with things that are to be left out. */
static void add_classes(Writer *writer)
{
    add(writer, "plants/", "", 0, (Options){.type = '5'});
    add_picture(writer, "plants/oak/b.png", 40, (Options){.magic = "ustar  "});
    add_picture(writer, "./plants/ash/1.png", 20, (Options){.binary = true});
    add(writer, "plants/oak/.b.png", "x", 1, (Options){0});
    add(writer, "plants/oak/readme.txt", "x", 1, (Options){.type = '7'});
    add(writer, "plants/old/", "", 0, (Options){.type = '0'});
    add_picture(writer, "0.png", 10, (Options){.prefix = "plants/ash"});
    add_picture(writer, "plants/oak/a/a.png", 30, (Options){0});
}

static const char *const plants = "archive \"p.tar\" { folder \"plants\" }";
static const char *const packed = "archive \"p.tar.gz\" { folder \"plants\" }";

static void assert_grey(Opened opened, int64_t index, float grey, const char *name)
{
    char has[NAME_BYTES];
    float expected[48];
    for (int j = 0; j < 48; j++)
        expected[j] = grey;
    assert_sample(opened.data, index, 48, expected, 0);
    cnn_data_name(opened.data, PART_TRAIN, index, has, sizeof has);
    assert_string_equal(has, name);
}

static void samples_are_those_of_the_folder(void **state)
{
    (void)state;
    Writer *writer = calloc(1, sizeof *writer);
    add_classes(writer);
    write_tar(writer, "p.tar");
    Opened opened = open_good(plants);
    assert_int_equal(cnn_data_classes(opened.data), 2);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 4);
    assert_grey(opened, 0, 10, "p.tar/plants/ash/0.png");
    assert_grey(opened, 1, 20, "p.tar/plants/ash/1.png");
    assert_grey(opened, 2, 30, "p.tar/plants/oak/a/a.png");
    assert_grey(opened, 3, 40, "p.tar/plants/oak/b.png");
    close_data(opened);
    free(writer);
}

static void long_names_of_every_format_are_read(void **state)
{
    (void)state;
    char name[256] = "d/a/", expected[300];
    memset(name + 4, 'n', 200);
    strcpy(name + 204, ".png");
    for (int format = 0; format < 2; format++) {
        Writer *writer = calloc(1, sizeof *writer);
        add(writer, "pax_global_header", "30 comment=0123456789abcdefgh\n", 30, (Options){.type = 'g'});
        if (format)
            add_pax(writer, "path", name);
        else
            add(writer, "././@LongLink", name, strlen(name) + 1, (Options){.type = 'L', .magic = "ustar  "});
        add_picture(writer, "d/a/nnn", 10, (Options){0});
        add_picture(writer, "d/b/1.png", 20, (Options){.signed_sum = true});
        add_pax(writer, "linkpath", name);
        add(writer, "d/b/2.png", "", 0, (Options){.type = '1', .link = "cut"});
        add(writer, "d/b/3.png", "", 0, (Options){.type = '1', .link = "./d/b/1.png"});
        write_tar(writer, "p.tar");
        Opened opened = open_good("archive \"p.tar\" { folder \"d\" }");
        assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 4);
        snprintf(expected, sizeof expected, "p.tar/%s", name);
        assert_grey(opened, 0, 10, expected);
        assert_grey(opened, 1, 20, "p.tar/d/b/1.png");
        assert_grey(opened, 2, 10, "p.tar/d/b/2.png"); /* hard links are other names */
        assert_grey(opened, 3, 20, "p.tar/d/b/3.png");
        close_data(opened);
        free(writer);
    }
}

static void names_need_not_be_utf8(void **state)
{
    (void)state;
    Writer *writer = calloc(1, sizeof *writer);
    add_picture(writer, "d/b\xe4ume/\xff.png", 10, (Options){0});
    add_picture(writer, "d/gr\xc3\xa4ser/1.png", 20, (Options){0});
    write_tar(writer, "p.tar");
    Opened opened = open_good("archive \"p.tar\" { folder \"d\" }");
    assert_grey(opened, 0, 10, "p.tar/d/b\\xe4ume/\\xff.png");
    assert_grey(opened, 1, 20, "p.tar/d/gr\xc3\xa4ser/1.png");
    close_data(opened);
    free(writer);
}

static void archives_that_cannot_be_trusted_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"../a.png", "/etc/a.png", "plants/../../a.png", "plants\\a.png",
                                        "plants/.."};
    char expected[128];
    Writer *writer = calloc(1, sizeof *writer);
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        const char *name = names[i / 2];
        memset(writer, 0, sizeof *writer);
        add_classes(writer);
        if (i % 2)
            add_pax(writer, "path", name);
        add(writer, i % 2 ? "plants/ash/2.png" : name, "x", 1, (Options){0});
        write_tar(writer, "p.tar");
        snprintf(expected, sizeof expected, "p.tar/%s: a name that leads out of the archive, or is none",
                 name);
        assert_refused(plants, expected);
    }
    memset(writer, 0, sizeof *writer);
    add_classes(writer);
    add_picture(writer, "plants/ash/0.png", 1, (Options){0});
    write_tar(writer, "p.tar");
    assert_refused(plants, "p.tar/plants/ash/0.png: the archive holds this name twice");
    free(writer);
}

static void damaged_archives_are_refused(void **state)
{
    (void)state;
    Writer *writer = calloc(1, sizeof *writer);
    add_classes(writer);
    size_t used = writer->used;
    write_tar(writer, "p.tar");
    cut_file("p.tar", (long)used); /* between two members */
    assert_refused(plants, "p.tar: damaged tar archive: cut short: the mark of its end is missing");
    cut_file("p.tar", (long)used - TAR_BLOCK + 1);
    assert_refused(plants, "cut short: a file in it would end behind its end");
    cut_file("p.tar", 700);
    assert_refused(plants, "cut short");
    cut_file("p.tar", 511);
    assert_refused(plants, "cut short");
    static const struct {
        Options options;
        const char *name, *bytes, *expected;
    } cases[] = {
        {{.wrong_sum = true}, "plants/x.png", "x", "the sum of a header is wrong"},
        {{.claimed = 1 << 20}, "plants/x.png", "x", "cut short: a file in it would end behind its end"},
        {{.claimed = SIZE_MAX >> 1, .binary = true},
         "plants/x.png",
         "x",
         "cut short: a file in it would end behind"},
        {{.type = 'x'}, "pax", "12 path=a", "a pax header is not of its form"},
        {{.type = 'x'}, "pax", "9 path=a", "a pax header is not of its form"},
        {{.type = 'x'}, "pax", "-3 path=a\n", "a pax header is not of its form"},
        {{.type = 'x'}, "pax", "8 path-\n", "a pax header is not of its form"},
        {{.type = 'x'}, "pax", "10 size=x\n", "a pax header is not of its form"},
        {{.type = 'x', .claimed = 2 << 20}, "pax", "x", "cut short"},
        {{0}, "./", "x", "a file has no name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(writer, 0, sizeof *writer);
        add_classes(writer);
        add(writer, cases[i].name, cases[i].bytes, strlen(cases[i].bytes), cases[i].options);
        write_tar(writer, "p.tar");
        assert_refused(plants, cases[i].expected);
    }
    free(writer);
}

static void members_that_cannot_be_read_are_told_of(void **state)
{
    (void)state;
    static const struct {
        Options options;
        const char *expected;
    } cases[] = {
        {{.type = '2', .link = "x.png"},
         "p.tar/plants/ash/x.png: a symbolic link, which is not followed"}, /* to itself */
        {{.type = '2', .link = "/etc/passwd"}, "a symbolic link, which is not followed"},
        {{.type = '1', .link = "plants/ash/x.png"}, "a hard link to no file of the archive"},
        {{.type = '1', .link = "../../etc/passwd"}, "a hard link to no file of the archive"},
        {{.type = '3'}, "a device or a pipe"},
        {{.type = '4'}, "a device or a pipe"},
        {{.type = '6'}, "a device or a pipe"},
        {{.type = 'S', .magic = "ustar  "}, "a sparse file, which is not read"},
        {{.type = 'Q'}, "of a kind that is not read"},
    };
    Writer *writer = calloc(1, sizeof *writer);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(writer, 0, sizeof *writer);
        add_classes(writer);
        add(writer, "plants/ash/x.png", "", 0, cases[i].options);
        write_tar(writer, "p.tar");
        Opened opened = open_good(plants);
        assert_unreadable(opened.data, 2, cases[i].expected);
        close_data(opened);
    }
    memset(writer, 0, sizeof *writer);
    add_classes(writer);
    add_pax(writer, "GNU.sparse.name", "plants/ash/x.png"); /* the sparse files of pax */
    add(writer, "plants/ash/GNUSparseFile.1/x.png", "1\n0\n", 4, (Options){0});
    write_tar(writer, "p.tar");
    Opened opened = open_good(plants);
    assert_unreadable(opened.data, 2, "p.tar/plants/ash/x.png: a sparse file, which is not read");
    cut_file("p.tar", 2000); /* while in use */
    assert_unreadable(opened.data, 3, "p.tar: cut short while in use");
    close_data(opened);
    free(writer);
}

/* A GNU sparse file's map may go on in further blocks, and members follow. */
static void members_behind_a_sparse_map_are_found(void **state)
{
    (void)state;
    Writer *writer = calloc(1, sizeof *writer);
    add(writer, "d/a/1.png", "", 0, (Options){.type = 'S', .magic = "ustar  "});
    unsigned char *header = writer->bytes;
    unsigned sum = (unsigned)strtoul((const char *)header + 148, NULL, 8) + 1;
    header[482] = 1;
    snprintf((char *)header + 148, 8, "%06o", sum);
    writer->bytes[writer->used + 504] = 1;
    writer->used += (size_t)2 * TAR_BLOCK; /* two blocks of map */
    add_picture(writer, "d/b/1.png", 20, (Options){0});
    write_tar(writer, "p.tar");
    Opened opened = open_data("archive \"p.tar\" { folder \"d\", channels=1 } -> resize 4x4");
    assert_non_null(opened.data);
    assert_unreadable(opened.data, 0, "a sparse file");
    float values[16];
    CnnError error = {0};
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 1, 0, values, &error), CNN_OK);
    close_data(opened);
    free(writer);
}

/* Whatever the bytes are, an archive is read or refused with a message. */
static void changed_bytes_never_crash(void **state)
{
    (void)state;
    Writer *writer = calloc(1, sizeof *writer);
    add_pax(writer, "path", "plants/ash/9.png");
    add_classes(writer);
    for (uint32_t seed = 0; seed < 1500; seed++) {
        Bytes copy = {0}, out = {0};
        Extent file;
        Tar tar;
        CnnError error = {0};
        size_t size = writer->used + 2 * TAR_BLOCK;
        assert_int_equal(bytes_reserve(&copy, size, &error), CNN_OK);
        unsigned char *bytes = memcpy(copy.data, writer->bytes, size);
        mutate(bytes, size, seed);
        for (size_t at = 0; at + TAR_BLOCK <= size;
             at += TAR_BLOCK) { /* else hardly more than sums is tested */
            unsigned sum = 0;
            memset(bytes + at + 148, ' ', memcmp(bytes + at + 257, "ustar", 5) == 0 ? 8 : 0);
            for (int i = 0; i < TAR_BLOCK; i++)
                sum += bytes[at + (size_t)i];
            if (bytes[at + 148] == ' ')
                snprintf((char *)bytes + at + 148, 8, "%06o", sum);
        }
        copy.size -= seed % 7 == 0 ? seed % size : 0;
        assert_int_equal(extent_hold("m.tar", &copy, &file, &error), CNN_OK);
        CnnStatus status = tar_open(&file, "m.tar", &tar, &error);
        for (size_t i = 0; status == CNN_OK && i < tar.count; i++) {
            CnnError cause = {0};
            if (tar_load(&tar, &tar.members[i], &out, &cause) != CNN_OK)
                assert_true(cause.text[0]);
        }
        if (status == CNN_OK)
            tar_close(&tar);
        else
            assert_true(status == CNN_BAD_INPUT && error.text[0]);
        bytes_free(&out);
    }
    free(writer);
}

/* ---- Compressed archives ---- */

static int cache_setup(void **state)
{
    if (folder_setup(state))
        return -1;
    char path[128];
    snprintf(path, sizeof path, "%s/cache", test_folder);
    return setenv("XDG_CACHE_HOME", path, 1);
}

/* The only file in the cache folder, "" where there is none; its inode. */
static ino_t cached_file(char *path, size_t bytes)
{
    ino_t inode = 0;
    DIR *folder = opendir("cache/cnnc");
    *path = '\0';
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(*path, '\0');
        snprintf(path, bytes, "cache/cnnc/%s", entry->d_name);
        inode = entry->d_ino;
    }
    if (folder)
        closedir(folder);
    return inode;
}

static void write_packed(int grey)
{
    Writer *writer = calloc(1, sizeof *writer);
    add_classes(writer);
    add_picture(writer, "plants/ash/2.png", grey, (Options){0});
    write_gzip("p.tar.gz", writer->bytes, writer->used + 2 * TAR_BLOCK);
    free(writer);
}

static void a_compressed_archive_is_unpacked_once(void **state)
{
    (void)state;
    char path[512];
    uint64_t bytes;
    write_packed(50);
    Opened opened = open_good(packed);
    ino_t first = cached_file(path, sizeof path), again;
    assert_contains(path, "cache/cnnc/p.tar.gz-");
    assert_contains(cnn_data_unpacked(opened.data, &bytes), path);
    assert_int_equal(bytes + 8192, file_size(path));
    assert_grey(opened, 2, 50, "p.tar.gz/plants/ash/2.png");
    assert_grey(opened, 4, 40, "p.tar.gz/plants/oak/b.png");
    close_data(opened);
    opened = open_good(packed); /* from the cache */
    again = cached_file(path, sizeof path);
    assert_int_equal(first, again);
    write_packed(60); /* changed while the old one is in use */
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, "p.tar.gz", times, 0), 0);
    Opened changed = open_good(packed);
    assert_grey(changed, 2, 60, "p.tar.gz/plants/ash/2.png");
    assert_grey(opened, 2, 50, "p.tar.gz/plants/ash/2.png");
    close_data(changed);
    close_data(opened);
    cached_file(path, sizeof path);
    cut_file(path, file_size(path) - 1); /* it cannot be trusted, and is made anew */
    opened = open_good(packed);
    assert_grey(opened, 2, 60, "p.tar.gz/plants/ash/2.png");
    cut_file(path, 8192 + 600); /* while in use */
    assert_unreadable(opened.data, 2, "cut short while in use");
    close_data(opened);
}

static void a_plain_archive_leaves_nothing_in_the_cache(void **state)
{
    (void)state;
    char path[512];
    uint64_t bytes;
    Writer *writer = calloc(1, sizeof *writer);
    add_classes(writer);
    write_tar(writer, "p.tar");
    Opened opened = open_good(plants);
    assert_null(cnn_data_unpacked(opened.data, &bytes));
    cached_file(path, sizeof path);
    assert_string_equal(path, "");
    close_data(opened);
    free(writer);
}

static void what_cannot_be_unpacked_leaves_nothing(void **state)
{
    (void)state;
    char path[512];
    unsigned char bytes[4096];
    write_packed(50);
    long size = file_size("p.tar.gz");
    read_bytes("p.tar.gz", bytes, sizeof bytes);
    cut_file("p.tar.gz", size - 20);
    assert_refused(packed, "p.tar.gz: gzip file cut short");
    bytes[size - 6] ^= 1; /* of the check sum */
    write_bytes("p.tar.gz", bytes, (size_t)size);
    assert_refused(packed, "p.tar.gz: damaged gzip file");
    memset(bytes, 'x', sizeof bytes);
    write_gzip("p.tar.gz", bytes, sizeof bytes);
    assert_refused(packed, "p.tar.gz: a compressed file, but no tar archive");
    write_gzip("p.tar.gz", bytes, 100);
    assert_refused(packed, "p.tar.gz");
    cached_file(path, sizeof path);
    assert_string_equal(path, "");
}

/* As on a full disk: here the limit of a file's size is met. */
static void a_disk_without_room_is_told_of(void **state)
{
    (void)state;
    char path[512];
    struct rlimit before, small = {.rlim_cur = 10000};
    write_packed(50);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    Opened opened = open_data(packed);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_null(opened.data);
    assert_int_equal(opened.error.status, CNN_NO_RESOURCE);
    assert_contains(opened.error.text, "p.tar.gz: cannot be unpacked to '");
    close_data(opened);
    cached_file(path, sizeof path);
    assert_string_equal(path, "");
}

static void without_a_cache_folder_it_is_told(void **state)
{
    (void)state;
    write_packed(50);
    mkdir("cache", 0777);
    write_bytes("cache/cnnc", "x", 1);
    Opened opened = open_data(packed);
    assert_null(opened.data);
    assert_int_equal(opened.error.status, CNN_NO_RESOURCE);
    assert_contains(opened.error.text, "a compressed archive is unpacked to the cache folder");
    close_data(opened);
}

/* Of several processes one unpacks it, and all read it. */
static void several_processes_share_it(void **state)
{
    (void)state;
    enum { PROCESSES = 6 };
    char path[512];
    pid_t child[PROCESSES];
    write_packed(50);
    for (int i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            Opened opened = open_good(packed);
            assert_grey(opened, 2, 50, "p.tar.gz/plants/ash/2.png");
            close_data(opened);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    cached_file(path, sizeof path); /* and no part is left */
    assert_contains(path, ".tar");
    assert_null(strstr(path, ".part"));
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_are_those_of_the_folder, folder_setup),
        TEST(long_names_of_every_format_are_read, folder_setup),
        TEST(names_need_not_be_utf8, folder_setup),
        TEST(archives_that_cannot_be_trusted_are_refused, folder_setup),
        TEST(damaged_archives_are_refused, folder_setup),
        TEST(members_that_cannot_be_read_are_told_of, folder_setup),
        TEST(members_behind_a_sparse_map_are_found, folder_setup),
        TEST(changed_bytes_never_crash, folder_setup),
        TEST(a_compressed_archive_is_unpacked_once, cache_setup),
        TEST(a_plain_archive_leaves_nothing_in_the_cache, cache_setup),
        TEST(what_cannot_be_unpacked_leaves_nothing, cache_setup),
        TEST(a_disk_without_room_is_told_of, cache_setup),
        TEST(without_a_cache_folder_it_is_told, cache_setup),
        TEST(several_processes_share_it, cache_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
