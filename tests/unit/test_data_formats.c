/* The formats beyond PNG and JPEG: what is damaged or too large is refused, with the reason; what lies in no
 * library's tests is right. The pixels of whole pictures: tests/reference/test_pictures.sh. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/decode_test.h"

#ifdef CNN_WITH_TIFF
#include <tiffio.h>
#endif
#ifdef CNN_WITH_WEBP
#include <webp/encode.h>
#endif
#ifdef CNN_WITH_GIF
#include <gif_lib.h>
#endif

/* The number of `count` bytes at `at`, the lowest first. */
static void put(unsigned char *at, int count, uint32_t value)
{
    for (int i = 0; i < count; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* A BMP with Windows' header of 40 bytes, colours (b g r 0) and pixels. Returns its size. */
static size_t make_bmp(unsigned char *out, int width, int height, int bits, int compression,
                       const void *colors, size_t color_bytes, const void *pixels, size_t pixel_bytes)
{
    size_t start = 54 + color_bytes;
    memset(out, 0, start);
    memcpy(out, "BM", 2);
    put(out + 10, 4, (uint32_t)start);
    put(out + 14, 4, 40);
    put(out + 18, 4, (uint32_t)width);
    put(out + 22, 4, (uint32_t)height);
    put(out + 26, 2, 1);
    put(out + 28, 2, (uint32_t)bits);
    put(out + 30, 4, (uint32_t)compression);
    put(out + 46, 4, (uint32_t)color_bytes / 4);
    if (color_bytes)
        memcpy(out + 54, colors, color_bytes);
    memcpy(out + start, pixels, pixel_bytes);
    return start + pixel_bytes;
}

static const unsigned char four_colors[] = {0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3, 0};

static void runs_of_a_bmp_may_skip_and_end_early(void **state)
{
    (void)state;
    /* the lowest row: 1 1; then one row up and two to the right: 2 and, apart, 3; the end */
    static const unsigned char runs[] = {2, 1, 0, 2, 0, 1, 1, 2, 0, 2, 1, 0, 0, 0, 1, 3, 0, 1};
    static const unsigned char rows[3][4] = {{3, 0, 0, 0}, {0, 0, 2, 0}, {1, 1, 0, 0}};
    unsigned char bytes[256];
    Picture picture = {0};
    write_bytes("a.bmp", bytes,
                make_bmp(bytes, 4, 3, 8, 1, four_colors, sizeof four_colors, runs, sizeof runs));
    decode("a.bmp", 1, &picture);
    assert_memory_equal(picture.data, rows, sizeof rows);
    int channels;
    CnnError error = {0};
    assert_int_equal(decode_channels(&file_tree, "a.bmp", &picture, &channels, &error), CNN_OK);
    assert_int_equal(channels, 1); /* all colours are grey */
    picture_free(&picture);
}

static void a_wrong_bmp_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const unsigned char row[16] = {0};
    unsigned char bytes[256];
    size_t size = make_bmp(bytes, 4, 1, 32, 0, NULL, 0, row, sizeof row);
    for (size_t cut = size - 1; cut > 2; cut--) {
        write_bytes("a.bmp", bytes, cut);
        assert_not_decoded("a.bmp", "BMP");
    }
    static const struct {
        int at, count;
        uint32_t value;
        const char *reason;
    } cases[] = {
        {14, 4, 39, "a header of 39 bytes is not known"},
        {18, 4, 0, "it has no pixels"},
        {18, 4, 0x80000000, "it has no pixels"},
        {18, 4, 0x7fffffff, "larger than the limit: 1 x 2147483647"},
        {22, 4, 0x80000000, "larger than the limit: 2147483648 x 4"},
        {22, 4, 1000, "truncated BMP"},
        {28, 2, 7, "a kind that is not supported (7 bits, compression 0)"},
        {30, 4, 4, "a kind that is not supported (32 bits, compression 4)"},
        {10, 4, 20, "its pixels would begin at byte 20"},
        {10, 4, 0xffffffff, "its pixels would begin at byte 4294967295"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_bmp(bytes, 4, 1, 32, 0, NULL, 0, row, sizeof row);
        put(bytes + cases[i].at, cases[i].count, cases[i].value);
        write_bytes("a.bmp", bytes, size);
        assert_not_decoded("a.bmp", cases[i].reason);
    }
    size = make_bmp(bytes, 4, 1, 8, 1, four_colors, sizeof four_colors, (unsigned char[]){3, 1, 0}, 3);
    write_bytes("a.bmp", bytes, size);
    assert_not_decoded("a.bmp", "truncated BMP");
    size = make_bmp(bytes, 8000, 8000, 8, 1, four_colors, sizeof four_colors, (unsigned char[]){0, 1}, 2);
    write_bytes("a.bmp", bytes, size);
    assert_not_decoded("a.bmp", "fewer runs than its size asks for");
    size = make_bmp(bytes, 4, 1, 8, 0, four_colors, sizeof four_colors, row, 4);
    put(bytes + 46, 4, 200);
    write_bytes("a.bmp", bytes, size);
    assert_not_decoded("a.bmp", "its colours do not lie before its pixels");
}

/* The writers of the other formats: 24 x 24 noise. They return whether the format is built in. */
enum { SIDE = 24 };

static bool write_bmp(const char *path)
{
    unsigned char *rows = noise(SIDE * SIDE * 3), bytes[54 + SIDE * SIDE * 3];
    write_bytes(path, bytes, make_bmp(bytes, SIDE, SIDE, 24, 0, NULL, 0, rows, SIDE * SIDE * 3));
    free(rows);
    return true;
}

static bool write_webp(const char *path)
{
#ifdef CNN_WITH_WEBP
    unsigned char *rows = noise(SIDE * SIDE * 3);
    uint8_t *out;
    size_t size = WebPEncodeLosslessRGB(rows, SIDE, SIDE, 3 * SIDE, &out);
    write_bytes(path, out, size);
    WebPFree(out);
    free(rows);
    return true;
#else
    write_bytes(path, "RIFF....WEBPVP8 ", 16);
    assert_not_decoded(path,
                       "a WebP picture, but this program was built without libwebp (Debian: libwebp-dev)");
    return false;
#endif
}

static bool write_gif(const char *path)
{
#ifdef CNN_WITH_GIF
    unsigned char *rows = noise(SIDE * SIDE);
    GifColorType colors[256];
    for (int i = 0; i < 256; i++)
        colors[i] = (GifColorType){(GifByteType)i, (GifByteType)(255 - i), (GifByteType)(i / 2)};
    ColorMapObject *map = GifMakeMapObject(256, colors);
    GifFileType *gif = EGifOpenFileName(path, false, NULL);
    assert_non_null(gif);
    EGifPutScreenDesc(gif, SIDE, SIDE, 8, 0, map);
    EGifPutImageDesc(gif, 0, 0, SIDE, SIDE, false, NULL);
    for (int y = 0; y < SIDE; y++)
        EGifPutLine(gif, rows + y * SIDE, SIDE);
    EGifCloseFile(gif, NULL);
    GifFreeMapObject(map);
    free(rows);
    return true;
#else
    write_bytes(path, "GIF89a......", 12);
    assert_not_decoded(path, "a GIF picture, but this program was built without giflib (Debian: libgif-dev)");
    return false;
#endif
}

#ifdef CNN_WITH_TIFF
static void write_tiff_of(const char *path, int side, int compression, int bits, int format)
{
    unsigned char *rows = noise((size_t)side * (size_t)side * 3 * (size_t)(bits / 8));
    TIFF *tiff = TIFFOpen(path, "w");
    assert_non_null(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, side);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, side);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, format);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 8);
    for (int y = 0; y < side; y++)
        assert_int_equal(TIFFWriteScanline(tiff, rows + y * side * 3 * (bits / 8), (uint32_t)y, 0), 1);
    TIFFClose(tiff);
    free(rows);
}
#endif

static bool write_tiff(const char *path)
{
#ifdef CNN_WITH_TIFF
    write_tiff_of(path, SIDE, COMPRESSION_LZW, 8, SAMPLEFORMAT_UINT);
    return true;
#else
    write_bytes(path, "II*\0....", 8);
    assert_not_decoded(path,
                       "a TIFF picture, but this program was built without libtiff (Debian: libtiff-dev)");
    return false;
#endif
}

static const struct {
    const char *path, *name;
    bool (*write)(const char *path);
} formats[] = {{"a.bmp", "BMP", write_bmp},
               {"a.webp", "WebP", write_webp},
               {"a.gif", "GIF", write_gif},
               {"a.tif", "TIFF", write_tiff}};
enum { FORMATS = sizeof formats / sizeof *formats };

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < FORMATS; i++) {
        if (!formats[i].write(formats[i].path))
            continue;
        Picture picture = {0};
        decode(formats[i].path, 3, &picture);
        assert_true(picture.height == SIDE && picture.width == SIDE);
        picture_free(&picture);
        long size = file_size(formats[i].path);
        for (long cut = size - 2; cut > 16; cut -= size / 40) {
            cut_file(formats[i].path, cut);
            assert_not_decoded(formats[i].path, formats[i].name);
        }
    }
}

/* Whatever stands in a file, it is a picture or an error. */
static void changed_bytes_give_a_picture_or_an_error(void **state)
{
    (void)state;
    unsigned char bytes[8192], changed[8192];
    Picture picture = {0};
    for (int i = 0; i < FORMATS; i++) {
        if (!formats[i].write("a"))
            continue;
        size_t size = read_bytes("a", bytes, sizeof bytes);
        int decoded = 0;
        for (uint32_t seed = 0; seed < 600; seed++) {
            CnnError error = {0};
            DecodeOptions options = {.channels = (int[]){1, 3, 4}[seed % 3]};
            memcpy(changed, bytes, size);
            mutate(changed, seed % 2 ? size : 64, seed);
            write_bytes("a", changed, size);
            CnnStatus status = decode_file("a", &options, &picture, &error);
            if (status != CNN_OK && !(status == CNN_BAD_INPUT && *error.text))
                fail_msg("%s, seed %u: status %d, '%s'", formats[i].name, seed, (int)status, error.text);
            decoded += status == CNN_OK;
        }
        assert_true(decoded > 0 && decoded < 600);
    }
    picture_free(&picture);
}

static void a_size_beyond_the_limit_is_refused_before_memory_is_taken(void **state)
{
    (void)state;
    unsigned char bytes[8192];
    size_t size;
    if (write_gif("a.gif")) {
        size = read_bytes("a.gif", bytes, sizeof bytes);
        memcpy(bytes + 6, "\xff\xff\xff\xff", 4);
        write_bytes("a.gif", bytes, size);
        assert_not_decoded("a.gif", "larger than the limit: 65535 x 65535");
    }
    if (write_webp("a.webp")) {
        size = read_bytes("a.webp", bytes, sizeof bytes);
        put(bytes + 21, 4, 0x0fffffff); /* two times 14 bits: 16384 x 16384 */
        write_bytes("a.webp", bytes, size);
        assert_not_decoded("a.webp", "larger than the limit: 16384 x 16384");
    }
#ifdef CNN_WITH_TIFF
    TIFF *tiff = TIFFOpen("a.tif", "w");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 1 << 20);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1 << 20);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 8);
    unsigned char *row = calloc(1, 1 << 20);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_PACKBITS);
    TIFFWriteScanline(tiff, row, 0, 0);
    TIFFClose(tiff);
    free(row);
    assert_not_decoded("a.tif", "larger than the limit: 1048576 x 1048576");
#endif
}

#ifdef CNN_WITH_TIFF
/* libtiff only warns when the JPEG data of a strip end too early, and goes on with grey. */
static void a_tiff_that_libtiff_only_warns_of_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[32768];
    write_tiff_of("a.tif", 64, COMPRESSION_JPEG, 8, SAMPLEFORMAT_UINT);
    size_t size = read_bytes("a.tif", bytes, sizeof bytes);
    assert_true(size < sizeof bytes);
    memcpy(bytes + size / 2, "\xff\xd9", 2);
    write_bytes("a.tif", bytes, size);
    assert_not_decoded("a.tif", "TIFF");
}

static void a_tiff_whose_values_are_no_bytes_is_no_picture(void **state)
{
    (void)state;
    write_tiff_of("a.tif", SIDE, COMPRESSION_NONE, 32, SAMPLEFORMAT_IEEEFP);
    assert_not_decoded("a.tif", "a.tif: a TIFF of a kind that is not supported");
}
#endif

static void every_format_says_what_decodes_it(void **state)
{
    (void)state;
    char version[32];
    for (const PictureFormat *format = picture_formats; format->name; format++) {
        if (!format->codec)
            continue;
        picture_library_version(format, version);
        assert_int_equal(*version != '\0', format->library != NULL);
    }
    assert_true(decode_is_picture_name("a.TIFF") && decode_is_picture_name("b.c.webp"));
    assert_false(decode_is_picture_name("tiff") || decode_is_picture_name("a.tiffs") ||
                 decode_is_picture_name("a."));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_of_a_bmp_may_skip_and_end_early),
        TEST(a_wrong_bmp_is_refused_with_the_reason),
        TEST(a_file_cut_anywhere_is_refused),
        TEST(changed_bytes_give_a_picture_or_an_error),
        TEST(a_size_beyond_the_limit_is_refused_before_memory_is_taken),
#ifdef CNN_WITH_TIFF
        TEST(a_tiff_that_libtiff_only_warns_of_is_refused),
        TEST(a_tiff_whose_values_are_no_bytes_is_no_picture),
#endif
        TEST(every_format_says_what_decodes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
