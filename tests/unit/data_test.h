/* What the tests of data share: a temporary folder, writers of small files, and opening a `data` section that
 * is given as text of the language. Included after cmocka.h. */
#ifndef DATA_TEST_H
#define DATA_TEST_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "compiler/check/program.h"
#include "runtime/data/loader.h"

static char test_folder[64];

static inline int test_remove(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* Set-up and tear-down of one test: an empty folder, which is then the current one. */
static inline int folder_setup(void **state)
{
    (void)state;
    strcpy(test_folder, "/tmp/cnn_data_XXXXXX");
    return mkdtemp(test_folder) ? chdir(test_folder) : -1;
}

static inline int folder_teardown(void **state)
{
    (void)state;
    return chdir("/") || nftw(test_folder, test_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes the folders that a path goes through. */
static inline void make_folders(const char *path)
{
    char part[512];
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (*part)
            mkdir(part, 0777);
    }
}

static inline void write_bytes(const char *path, const void *bytes, size_t count)
{
    make_folders(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static inline void write_gzip(const char *path, const void *bytes, size_t count)
{
    make_folders(path);
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, bytes, (unsigned)count), count);
    gzclose(file);
}

static inline size_t read_bytes(const char *path, unsigned char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, room, file);
    fclose(file);
    return count;
}

/* Leaves the first `count` bytes of a file. */
static inline void cut_file(const char *path, long count)
{
    assert_int_equal(truncate(path, count), 0);
}

static inline long file_size(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* Changes up to four bytes of a copy, in a way that `seed` decides. */
static inline void mutate(unsigned char *bytes, size_t count, uint32_t seed)
{
    uint32_t random = seed * 2654435761u + 1;
    for (uint32_t i = 0; i < 1 + seed % 4; i++) {
        random = random * 1664525 + 1013904223;
        unsigned char *at = bytes + (random >> 8) % count;
        *at = (unsigned char)(seed & 16 ? random >> 24 : *at ^ 1u << random % 8);
    }
}

/* type: PNG_COLOR_TYPE_*; rows are packed as PNG has them. */
static inline void write_png(const char *path, int width, int height, int type, int depth, int interlace,
                             const unsigned char *rows)
{
    static png_color palette[256];
    make_folders(path);
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(file);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, type, interlace, 0, 0);
    for (int i = 0; i < 256; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(i / 2)};
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 1 << depth);
    png_write_info(png, info);
    size_t row_bytes = png_get_rowbytes(png, info);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++)
            png_write_row(png, rows + (size_t)y * row_bytes);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

/* An RGB picture all of one colour. */
static inline void write_plain_png(const char *path, int width, int height, int red, int green, int blue)
{
    unsigned char *rows = malloc((size_t)width * (size_t)height * 3);
    for (int i = 0; i < width * height; i++) {
        rows[3 * i] = (unsigned char)red;
        rows[3 * i + 1] = (unsigned char)green;
        rows[3 * i + 2] = (unsigned char)blue;
    }
    write_png(path, width, height, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rows);
    free(rows);
}

/* channels 1: grey, 3: RGB, 4: CMYK, inverted with Adobe's marker. orientation 0: no EXIF block. */
static inline void write_jpeg(const char *path, int width, int height, int channels, int orientation,
                              const unsigned char *rows)
{
    unsigned char exif[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\0\0\0\0\0\0\0";
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    make_folders(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = channels;
    info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    if (channels == 3)
        info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1; /* colours as sharp as grey */
    jpeg_start_compress(&info, TRUE);
    exif[25] = (unsigned char)orientation;
    if (orientation)
        jpeg_write_marker(&info, JPEG_APP0 + 1, exif, sizeof exif - 1);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(rows + (size_t)y * (size_t)(width * channels));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    fclose(file);
}

enum { NPY_ROOM = 4096 };

/* A .npy file in memory, of at most NPY_ROOM bytes. shape: as Python writes it, "(3, 2)". Returns its size.
 */
static inline size_t make_npy(unsigned char *out, const char *descr, bool fortran, const char *shape,
                              const void *data, size_t count)
{
    char header[128];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
                          fortran ? "True" : "False", shape);
    assert_true(128 + count <= NPY_ROOM && length < 118);
    memcpy(out, "\x93NUMPY\1\0\166", 10); /* 118: the header fills 128 bytes */
    memset(out + 10, ' ', 118);
    memcpy(out + 10, header, (size_t)length);
    out[127] = '\n';
    memcpy(out + 128, data, count);
    return 128 + count;
}

static inline void write_npy(const char *path, const char *descr, bool fortran, const char *shape,
                             const void *data, size_t count)
{
    unsigned char bytes[NPY_ROOM];
    write_bytes(path, bytes, make_npy(bytes, descr, fortran, shape, data, count));
}

/* An IDX file in memory: unsigned bytes with these dimensions, and data that counts up. Returns its size. */
static inline size_t make_idx(unsigned char *out, int rank, const int *dim)
{
    size_t at = 4, count = 1;
    memcpy(out, "\0\0\x08", 3);
    out[3] = (unsigned char)rank;
    for (int i = 0; i < rank; i++) {
        memcpy(out + at, (unsigned char[]){0, 0, (unsigned char)(dim[i] >> 8), (unsigned char)dim[i]}, 4);
        at += 4;
        count *= (size_t)dim[i];
    }
    for (size_t i = 0; i < count; i++)
        out[at++] = (unsigned char)i;
    return at;
}

typedef struct {
    Arena *arena;
    Program *program;
    CnnData *data; /* NULL after an error */
    CnnError error;
} Opened;

/* Opens `data { TEXT }` of a model file in the current folder. */
static inline Opened open_data(const char *text)
{
    Opened opened = {.arena = arena_new()};
    Diag *diag = diag_new(opened.arena);
    const char *model =
        arena_printf(opened.arena,
                     "data {\n%s\n}\nmodel T { input 2x2x1 -> flatten -> dense 2 -> softmax }\n"
                     "train { loss cross_entropy -> optimizer sgd, rate=0.1 }\n",
                     text);
    CheckOptions options = {.without_data = true};
    opened.program = program_check_text(opened.arena, diag, "test.cnn", model, &options);
    if (diag_errors(diag)) {
        diag_print(diag, stderr);
        fail_msg("not accepted: %s", text);
    }
    cnn_data_open(&opened.program->recipe, &opened.data, &opened.error);
    return opened;
}

static inline Opened open_good(const char *text)
{
    Opened opened = open_data(text);
    if (!opened.data)
        fail_msg("%s", opened.error.text);
    return opened;
}

static inline void close_data(Opened opened)
{
    cnn_data_close(opened.data);
    arena_free(opened.arena);
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' does not contain '%s'", text, part);
}

/* Opening `text` fails, and the error contains `part`. */
static inline void assert_refused(const char *text, const char *part)
{
    Opened opened = open_data(text);
    if (opened.data)
        fail_msg("accepted: %s", text);
    assert_int_equal(opened.error.status, CNN_BAD_INPUT);
    assert_contains(opened.error.text, part);
    close_data(opened);
}

/* Sample `index` of a part, in memory for at most `room` values. */
static inline CnnStatus get_sample(CnnData *data, Part part, int64_t index, int64_t epoch, float *out,
                                   CnnError *error)
{
    DataScratch *scratch = NULL;
    MixedLabel label; /* the largest kind */
    CnnStatus status = cnn_data_sample(data, part, index, epoch, &scratch, out, &label, error);
    cnn_data_scratch_free(scratch);
    return status;
}

/* Checks the values of a training sample. */
static inline void assert_sample(CnnData *data, int64_t index, int count, const float *expected,
                                 float tolerance)
{
    float values[4096];
    CnnError error = {0};
    Dims shape = cnn_data_shape(data);
    assert_true(shape.value[0] * shape.value[1] * shape.value[2] == count && count <= 4096);
    if (get_sample(data, PART_TRAIN, index, 0, values, &error) != CNN_OK)
        fail_msg("%s", error.text);
    for (int i = 0; i < count; i++)
        if (!(values[i] >= expected[i] - tolerance && values[i] <= expected[i] + tolerance))
            fail_msg("value %d is %g, not %g", i, values[i], expected[i]);
}

/* All samples of all parts, in order, `room` values at most. Returns how many values they are. */
static inline size_t get_all_samples(CnnData *data, float *out, size_t room)
{
    size_t used = 0;
    Dims shape = cnn_data_shape(data);
    size_t count = (size_t)(shape.value[0] * shape.value[1] * shape.value[2]);
    for (int part = 0; part < PART_COUNT; part++)
        for (int64_t i = 0; i < cnn_data_count(data, (Part)part); i++, used += count) {
            CnnError error = {0};
            assert_true(used + count <= room);
            if (get_sample(data, (Part)part, i, 0, out + used, &error) != CNN_OK)
                fail_msg("%s", error.text);
        }
    return used;
}

/* With `cache disk` behind `text` samples are the same as without, first and when they come from the file,
 * which is no longer believed when `changed`, one of the source's files, is another. */
static inline void assert_cached(const char *text, const char *changed)
{
    enum { ROOM = 65536 };
    static float plain[ROOM], cached[ROOM];
    static const CacheState states[] = {CACHE_FILLING, CACHE_WHOLE, CACHE_OFF};
    char with[512];
    struct stat info;
    Opened opened = open_good(text);
    size_t count = get_all_samples(opened.data, plain, ROOM);
    close_data(opened);
    snprintf(with, sizeof with, "%s\ncache disk, folder=\"kept\"", text);
    for (int i = 0; i < 3; i++) {
        CacheUse use;
        CnnError error = {0};
        opened = open_good(with);
        if (cnn_data_cache(opened.data, i == 0 ? CACHE_FILL : CACHE_READ, &use, &error) != CNN_OK)
            fail_msg("%s", error.text);
        assert_int_equal(use.state, states[i]);
        assert_int_equal(get_all_samples(opened.data, cached, ROOM), count);
        assert_memory_equal(cached, plain, count * sizeof *plain);
        close_data(opened);
        assert_int_equal(stat(changed, &info), 0);
        info.st_mtim.tv_sec += i == 1;
        assert_int_equal(utimensat(AT_FDCWD, changed, (struct timespec[]){info.st_atim, info.st_mtim}, 0), 0);
    }
}

/* Reading a training sample fails, and the error contains `part`. */
static inline void assert_unreadable(CnnData *data, int64_t index, const char *part)
{
    float *values = malloc(1 << 20);
    CnnError error = {0};
    assert_int_equal(get_sample(data, PART_TRAIN, index, 0, values, &error), CNN_BAD_INPUT);
    assert_contains(error.text, part);
    free(values);
}

/* A grey picture of height x width floats as sample 0, its copy as sample 1. */
static inline void make_floats(const float *values, int height, int width)
{
    char shape[64];
    float both[512];
    memcpy(both, values, sizeof *values * (size_t)(height * width));
    memcpy(both + height * width, values, sizeof *values * (size_t)(height * width));
    snprintf(shape, sizeof shape, "(2, %d, %d)", height, width);
    write_npy("x.npy", "<f4", false, shape, both, sizeof *both * 2 * (size_t)(height * width));
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
}

/* What a sample of these arrays is behind some stages. */
static inline void assert_staged(const char *stage, int count, const float *expected, float tolerance)
{
    char text[128];
    snprintf(text, sizeof text, "arrays x=\"x.npy\", y=\"y.npy\"\n%s", stage);
    Opened opened = open_good(text);
    assert_sample(opened.data, 0, count, expected, tolerance);
    close_data(opened);
}

#endif
