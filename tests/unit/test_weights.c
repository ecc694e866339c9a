/* Weight files: what is written is read back; every kind of damage is refused with its reason, and loses no
 * old file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/weights.h"

static char folder[] = "/tmp/test_weights.XXXXXX";
static char path[64];

static float kernel[6] = {1, -2, 3.5f, 1e-30f, 5, 6};
static uint16_t half[3] = {0x3F80, 0x4000, 0};
static NamedTensor tensors[] = {
    {"conv1.kernel", DTYPE_F32, 2, {2, 3}, kernel},
    {"half \"x\"\xC3\xA4", DTYPE_BF16, 1, {3}, half},
    {"empty", DTYPE_F32, 2, {0, 4}, kernel},
    {"one", DTYPE_F32, 0, {0}, kernel},
};

static void save(void)
{
    CnnError error = {0};
    static const char *const metadata[] = {"model", "Fashion\n\"1\"", "epoch", "3", NULL};
    assert_int_equal(cnn_weights_save(path, tensors, 4, metadata, &error), CNN_OK);
}

/* Writes a file of this header and `bytes` zero bytes of data. */
static void write_raw(const char *header, size_t length, size_t bytes)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    for (int i = 0; i < 8; i++)
        putc((int)(length >> (8 * i) & 0xFF), out);
    fputs(header, out);
    for (size_t i = 0; i < bytes; i++)
        putc(0, out);
    fclose(out);
}

static void assert_refused(const char *reason)
{
    WeightFile *file = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_weights_open(path, &file, &error), CNN_BAD_INPUT);
    assert_null(file);
    if (!strstr(error.text, reason))
        fail_msg("'%s' does not say '%s'", error.text, reason);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    save();
    WeightFile *file = NULL;
    CnnError error = {0};
    assert_int_equal(cnn_weights_open(path, &file, &error), CNN_OK);
    assert_int_equal(cnn_weights_count(file), 4);
    for (int i = 0; i < 4; i++) {
        const NamedTensor *read = cnn_weights_find(file, tensors[i].name);
        assert_ptr_equal(read, cnn_weights_tensor(file, i));
        assert_int_equal(read->dtype, tensors[i].dtype);
        assert_int_equal(read->rank, tensors[i].rank);
        assert_memory_equal(read->dim, tensors[i].dim, sizeof read->dim);
    }
    assert_memory_equal(cnn_weights_find(file, "conv1.kernel")->data, kernel, sizeof kernel);
    assert_memory_equal(cnn_weights_tensor(file, 1)->data, half, sizeof half);
    assert_string_equal(cnn_weights_metadata(file, "model"), "Fashion\n\"1\"");
    assert_null(cnn_weights_metadata(file, "nothing"));
    assert_null(cnn_weights_find(file, "conv2.kernel"));
    cnn_weights_close(file);
}

static void a_flipped_bit_in_the_data_is_found(void **state)
{
    (void)state;
    save();
    FILE *file = fopen(path, "r+b");
    fseek(file, -3, SEEK_END);
    putc(1, file);
    fclose(file);
    assert_refused("is damaged: the checksum");
}

/* Reads the file, and says what its header's checksum is worth. */
static CnnStatus check_header(CnnError *error)
{
    WeightFile *file = NULL;
    *error = (CnnError){0};
    CnnStatus status = cnn_weights_open(path, &file, error);
    if (status == CNN_OK)
        status = cnn_weights_check_header(file, "w", error);
    cnn_weights_close(file);
    return status;
}

static void a_flipped_bit_in_the_header_is_found_where_one_asks_for_it(void **state)
{
    (void)state;
    CnnError error;
    unsigned char length[8];
    save();
    assert_int_equal(check_header(&error), CNN_OK);
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fread(length, 1, 8, file), 8);
    for (long bit = 64; bit < 64 + 8L * (length[0] | length[1] << 8); bit++) {
        fseek(file, bit / 8, SEEK_SET);
        int was = getc(file);
        fseek(file, bit / 8, SEEK_SET);
        putc(was ^ 1 << bit % 8, file);
        fflush(file);
        if (check_header(&error) != CNN_BAD_INPUT)
            fail_msg("bit %ld is not missed", bit);
        fseek(file, bit / 8, SEEK_SET);
        putc(was, file);
        fflush(file);
    }
    fclose(file);
    assert_int_equal(check_header(&error), CNN_OK);
    static const char header[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    write_raw(header, sizeof header - 1, 4);
    assert_int_equal(check_header(&error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "'w' is damaged: there is no checksum of its header in it");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    save();
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    for (off_t size = info.st_size - 1; size >= 0; size--) {
        assert_int_equal(truncate(path, size), 0);
        assert_refused("");
    }
}

static void a_header_that_lies_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *reason;
    } cases[] = {
        {"", 0, "header is no object"},
        {"[]", 0, "header is no object"},
        {"{} x", 0, "text behind the header"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}", 8, "header does not end"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
         "said to end at byte 8 of the data, of 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "said to end"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
         "has 8 bytes, which its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
         "which its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9,
         "1 bytes behind the last tensor"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "leaves a hole"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":["
         "2],\"data_"
         "offsets\":[1,3]}}",
         3, "'b' overlaps"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"a\":{\"dtype\":\"U8\",\"shape\":["
         "2],\"data_"
         "offsets\":[2,4]}}",
         4, "'a' stands there twice"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "has type F64"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}", 4, "whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4,
         "too large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "too long"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "twice"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "lacks"},
        {"{\"a\":{\"dtype\":\"F32\",\"extra\":[1]}}", 4, "only"},
        {"{\"a\\u000a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "control character in a name"},
        {"{\"a\\ud800\":{}}", 0, "surrogate"},
        {"{\"a\\x\":{}}", 0, "escape"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "string is missing"},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_raw(cases[i].header, strlen(cases[i].header), cases[i].data);
        assert_refused(cases[i].reason);
    }
    write_raw("{}", SIZE_MAX, 0);
    assert_refused("its header is said to have 18446744073709551615 bytes, the file has 10");
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    CnnError error = {0};
    WeightFile *file;
    assert_int_equal(cnn_weights_open("/dev/zero", &file, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "'/dev/zero' is not a regular file");
    error = (CnnError){0};
    assert_int_equal(cnn_weights_open("/nowhere/w", &file, &error), CNN_BAD_INPUT);
    assert_string_equal(error.text, "cannot open '/nowhere/w': No such file or directory");
}

static void a_failed_save_leaves_the_old_file_and_no_new_one(void **state)
{
    (void)state;
    CnnError error = {0};
    assert_int_equal(cnn_weights_save("/dev/full", tensors, 1, NULL, &error), CNN_NO_RESOURCE);
    error = (CnnError){0};
    assert_int_equal(cnn_weights_save("/nowhere/w", tensors, 1, NULL, &error), CNN_NO_RESOURCE);
    save();
    char temporary[80];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_int_equal(mkdir(temporary, 0777), 0); /* cannot be unlinked nor opened for writing */
    error = (CnnError){0};
    assert_int_equal(cnn_weights_save(path, tensors, 1, NULL, &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(rmdir(temporary), 0);
    WeightFile *file;
    error = (CnnError){0};
    assert_int_equal(cnn_weights_open(path, &file, &error), CNN_OK);
    assert_int_equal(cnn_weights_count(file), 4);
    cnn_weights_close(file);
    assert_int_equal(access(temporary, F_OK), -1);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_flipped_bit_in_the_data_is_found),
        cmocka_unit_test(a_flipped_bit_in_the_header_is_found_where_one_asks_for_it),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_header_that_lies_is_refused_with_the_reason),
        cmocka_unit_test(what_is_no_regular_file_is_refused),
        cmocka_unit_test(a_failed_save_leaves_the_old_file_and_no_new_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
