/* Pictures in files: every kind gives the right values, and what is damaged is refused whole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/decode_test.h"

static const unsigned char rgb_2x2[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};

static void a_png_in_rgb_gives_its_values_and_its_grey(void **state)
{
    (void)state;
    Picture picture = {0};
    write_png("a.png", 2, 2, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rgb_2x2);
    decode("a.png", 3, &picture);
    assert_memory_equal(picture.data, rgb_2x2, sizeof rgb_2x2);
    decode("a.png", 1, &picture);
    assert_pixel(&picture, 0, 0, (int[]){76}, 0); /* 0.299 * 255 */
    assert_pixel(&picture, 0, 1, (int[]){150}, 0);
    assert_pixel(&picture, 1, 0, (int[]){29}, 0);
    decode("a.png", 4, &picture);
    assert_pixel(&picture, 1, 1, (int[]){10, 20, 30, 255}, 0);
    picture_free(&picture);
}

static void an_interlaced_png_gives_the_same(void **state)
{
    (void)state;
    Picture picture = {0};
    write_png("a.png", 2, 2, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, rgb_2x2);
    decode("a.png", 3, &picture);
    assert_memory_equal(picture.data, rgb_2x2, sizeof rgb_2x2);
    picture_free(&picture);
}

static void sixteen_bits_are_reduced_to_the_upper_eight(void **state)
{
    (void)state;
    Picture picture = {0};
    write_png("a.png", 2, 1, PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_NONE,
              (unsigned char[]){0x12, 0xff, 0xfe, 0});
    decode("a.png", 1, &picture);
    assert_pixel(&picture, 0, 0, (int[]){0x12}, 0);
    assert_pixel(&picture, 0, 1, (int[]){0xfe}, 0);
    picture_free(&picture);
}

static void one_bit_grey_becomes_black_and_white(void **state)
{
    (void)state;
    Picture picture = {0};
    write_png("a.png", 3, 1, PNG_COLOR_TYPE_GRAY, 1, PNG_INTERLACE_NONE, (unsigned char[]){0x40});
    decode("a.png", 3, &picture);
    assert_pixel(&picture, 0, 0, (int[]){0, 0, 0}, 0);
    assert_pixel(&picture, 0, 1, (int[]){255, 255, 255}, 0);
    picture_free(&picture);
}

static void a_palette_is_looked_up(void **state)
{
    (void)state;
    Picture picture = {0};
    write_png("a.png", 2, 1, PNG_COLOR_TYPE_PALETTE, 4, PNG_INTERLACE_NONE, (unsigned char[]){0x3f});
    decode("a.png", 3, &picture);
    assert_pixel(&picture, 0, 0, (int[]){3, 252, 1}, 0);
    assert_pixel(&picture, 0, 1, (int[]){15, 240, 7}, 0);
    picture_free(&picture);
}

static void alpha_is_dropped_unless_four_channels_are_asked_for(void **state)
{
    (void)state;
    Picture picture = {0};
    write_png("a.png", 1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, PNG_INTERLACE_NONE, (unsigned char[]){1, 2, 3, 4});
    decode("a.png", 3, &picture);
    assert_pixel(&picture, 0, 0, (int[]){1, 2, 3}, 0);
    decode("a.png", 4, &picture);
    assert_pixel(&picture, 0, 0, (int[]){1, 2, 3, 4}, 0);
    write_png("b.png", 1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, PNG_INTERLACE_NONE, (unsigned char[]){7, 9});
    decode("b.png", 1, &picture);
    assert_pixel(&picture, 0, 0, (int[]){7}, 0);
    decode("b.png", 4, &picture);
    assert_pixel(&picture, 0, 0, (int[]){7, 7, 7, 9}, 0);
    picture_free(&picture);
}

/* 16x16 in four plain quarters: red, green, blue, white. */
static void quarters(unsigned char *rows, int channels)
{
    static const unsigned char colours[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    static const unsigned char inks[4][4] = {
        {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}; /* inverted */
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) {
            int quarter = y / 8 * 2 + x / 8;
            memcpy(rows + (y * 16 + x) * channels, channels == 3 ? colours[quarter] : inks[quarter],
                   (size_t)channels);
        }
}

static void a_jpeg_gives_its_colours_in_every_number_of_channels(void **state)
{
    (void)state;
    Picture picture = {0};
    unsigned char rows[16 * 16 * 4];
    quarters(rows, 3);
    write_jpeg("a.png", 16, 16, 3, 0, rows); /* the name does not matter */
    decode("a.png", 3, &picture);
    assert_pixel(&picture, 3, 3, (int[]){255, 0, 0}, 3);
    assert_pixel(&picture, 3, 12, (int[]){0, 255, 0}, 3);
    assert_pixel(&picture, 12, 3, (int[]){0, 0, 255}, 3);
    decode("a.png", 1, &picture);
    assert_pixel(&picture, 3, 3, (int[]){76}, 2);
    decode("a.png", 4, &picture);
    assert_pixel(&picture, 12, 12, (int[]){255, 255, 255, 255}, 3);
    quarters(rows, 4);
    write_jpeg("cmyk.jpg", 16, 16, 4, 0, rows);
    decode("cmyk.jpg", 3, &picture);
    assert_pixel(&picture, 3, 3, (int[]){255, 0, 0}, 3);
    assert_pixel(&picture, 3, 12, (int[]){0, 255, 0}, 3);
    assert_pixel(&picture, 12, 12, (int[]){255, 255, 255}, 3);
    decode("cmyk.jpg", 1, &picture);
    assert_pixel(&picture, 12, 3, (int[]){29}, 3);
    picture_free(&picture);
}

/* For each orientation the colours of the quarters as they are to be seen: top left, top right, bottom left,
 * bottom right, by number. */
static void every_exif_orientation_is_applied(void **state)
{
    (void)state;
    static const int seen[9][4] = {{0},          {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1},
                                   {0, 2, 1, 3}, {2, 0, 3, 1}, {3, 1, 2, 0}, {1, 3, 0, 2}};
    static const int colours[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    Picture picture = {0};
    unsigned char rows[16 * 16 * 3];
    quarters(rows, 3);
    for (int orientation = 1; orientation <= 8; orientation++) {
        write_jpeg("a.jpg", 16, 16, 3, orientation, rows);
        decode("a.jpg", 3, &picture);
        for (int quarter = 0; quarter < 4; quarter++)
            assert_pixel(&picture, quarter / 2 * 8 + 3, quarter % 2 * 8 + 3,
                         colours[seen[orientation][quarter]], 3);
    }
    picture_free(&picture);
}

static void an_orientation_exchanges_height_and_width(void **state)
{
    (void)state;
    Picture picture = {0};
    unsigned char *rows = calloc(32 * 8, 3);
    DecodeOptions options = {.channels = 3, .want_height = 16, .want_width = 4};
    CnnError error = {0};
    write_jpeg("a.jpg", 32, 8, 3, 6, rows);
    decode("a.jpg", 3, &picture);
    assert_int_equal(picture.height, 32);
    assert_int_equal(picture.width, 8);
    assert_int_equal(decode_file("a.jpg", &options, &picture, &error), CNN_OK);
    assert_int_equal(picture.height, 16);
    assert_int_equal(picture.width, 4);
    picture_free(&picture);
    free(rows);
}

static void a_jpeg_is_reduced_but_not_below_the_wanted_size(void **state)
{
    (void)state;
    Picture picture = {0};
    CnnError error = {0};
    unsigned char *rows = calloc(100 * 80, 3);
    write_jpeg("a.jpg", 100, 80, 3, 0, rows);
    static const int cases[][4] = {
        {40, 50, 40, 50}, {41, 50, 80, 100}, {10, 10, 10, 13}, {11, 13, 20, 25}, {81, 1, 80, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DecodeOptions options = {.channels = 3, .want_height = cases[i][0], .want_width = cases[i][1]};
        assert_int_equal(decode_file("a.jpg", &options, &picture, &error), CNN_OK);
        assert_int_equal(picture.height, cases[i][2]);
        assert_int_equal(picture.width, cases[i][3]);
    }
    picture_free(&picture);
    free(rows);
}

static void a_jpeg_cut_anywhere_is_refused(void **state)
{
    (void)state;
    unsigned char *rows = noise(64 * 64 * 3);
    write_jpeg("a.jpg", 64, 64, 3, 0, rows);
    long size = file_size("a.jpg");
    for (long cut = size - 1; cut > 3; cut -= size / 40) {
        cut_file("a.jpg", cut);
        assert_not_decoded("a.jpg", "JPEG");
    }
    write_jpeg("a.jpg", 64, 64, 3, 0, rows);
    cut_file("a.jpg", size / 2);
    assert_not_decoded("a.jpg", "truncated JPEG");
    free(rows);
}

static void a_png_cut_anywhere_is_refused(void **state)
{
    (void)state;
    unsigned char *rows = noise(32 * 32 * 3);
    write_png("a.png", 32, 32, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rows);
    long size = file_size("a.png");
    for (long cut = size - 1; cut > 8; cut -= size / 40) {
        cut_file("a.png", cut);
        assert_not_decoded("a.png", "truncated PNG");
    }
    free(rows);
}

static void a_png_with_a_wrong_checksum_or_damaged_data_is_refused(void **state)
{
    (void)state;
    unsigned char *rows = noise(16 * 16 * 3), bytes[4096];
    write_png("a.png", 16, 16, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rows);
    size_t size = read_bytes("a.png", bytes, sizeof bytes);
    bytes[size / 2] ^= 1;
    write_bytes("a.png", bytes, size);
    assert_not_decoded("a.png", "damaged PNG");
    bytes[size / 2] ^= 1;
    bytes[20] ^= 1; /* in the header */
    write_bytes("a.png", bytes, size);
    assert_not_decoded("a.png", "damaged PNG");
    free(rows);
}

static void a_jpeg_with_damaged_data_is_refused(void **state)
{
    (void)state;
    unsigned char *rows = noise(32 * 32 * 3), bytes[16384];
    write_jpeg("a.jpg", 32, 32, 3, 0, rows);
    size_t size = read_bytes("a.jpg", bytes, sizeof bytes);
    memcpy(bytes + size / 2, "\xff\xd9", 2); /* an end in the middle */
    write_bytes("a.jpg", bytes, size);
    assert_not_decoded("a.jpg", "truncated JPEG");
    free(rows);
}

static void trailing_bytes_do_no_harm(void **state)
{
    (void)state;
    unsigned char bytes[4096] = {0};
    Picture picture = {0};
    write_png("a.png", 2, 2, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rgb_2x2);
    size_t size = read_bytes("a.png", bytes, sizeof bytes);
    write_bytes("a.png", bytes, size + 100);
    decode("a.png", 3, &picture);
    assert_memory_equal(picture.data, rgb_2x2, sizeof rgb_2x2);
    picture_free(&picture);
}

static void a_size_beyond_the_limit_is_refused_before_memory_is_taken(void **state)
{
    (void)state;
    unsigned char bytes[4096], *rows = calloc(8 * 8, 3);
    write_png("a.png", 2, 2, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, rgb_2x2);
    size_t size = read_bytes("a.png", bytes, sizeof bytes);
    memcpy(bytes + 16, "\0\0\x80\0\0\0\x80\0", 8); /* 32768 x 32768 */
    uLong sum = crc32(0, bytes + 12, 17);
    for (int i = 0; i < 4; i++)
        bytes[29 + i] = (unsigned char)(sum >> (24 - 8 * i));
    write_bytes("a.png", bytes, size);
    assert_not_decoded("a.png", "larger than the limit: 32768 x 32768");
    write_jpeg("a.jpg", 8, 8, 3, 0, rows);
    size = read_bytes("a.jpg", bytes, sizeof bytes);
    for (size_t i = 0; i + 8 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0)
            memcpy(bytes + i + 5, "\xff\xdc\xff\xdc", 4); /* 65500, JPEG's most */
    write_bytes("a.jpg", bytes, size);
    assert_not_decoded("a.jpg", "larger than the limit: 65500 x 65500");
    free(rows);
}

static void files_that_are_no_pictures_are_called_by_their_kind(void **state)
{
    (void)state;
    write_bytes("a.jpg", "", 0);
    assert_not_decoded("a.jpg", "an empty file");
    write_bytes("a.jpg", "<html><body>not found", 20);
    assert_not_decoded("a.jpg", "a web page");
    write_bytes("a.jpg", "....ftypheic", 12);
    assert_not_decoded("a.jpg",
                       "a.jpg: a HEIC or AVIF picture, which is not read: convert it to PNG or JPEG");
    write_bytes("a.jpg", "\xff\xd8\xff", 3);
    assert_not_decoded("a.jpg", "JPEG");
    write_bytes("a.jpg", "some words", 10);
    assert_not_decoded("a.jpg", "of an unknown kind");
}

static void only_regular_files_are_read(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("a.png", 0600), 0);
    assert_not_decoded("a.png", "not a regular file");
    assert_int_equal(symlink("/dev/zero", "b.png"), 0);
    assert_not_decoded("b.png", "not a regular file");
    assert_int_equal(symlink("c.png", "c.png"), 0);
    assert_not_decoded("c.png", "cannot open");
    mkdir("d.png", 0777);
    assert_not_decoded("d.png", "d.png: a folder, not a file");
}

/* Another program's writes, from a thread: the file has all its bytes, some or none. */
typedef struct {
    atomic_bool stop;
    unsigned char bytes[8192];
    size_t size;
} Writing;

static void *write_again(void *context)
{
    Writing *writing = context;
    int file = open("a.png", O_WRONLY);
    for (size_t i = 0; !atomic_load(&writing->stop); i++) {
        if (ftruncate(file, (off_t)(i * 37 % writing->size)) != 0 ||
            pwrite(file, writing->bytes, writing->size, 0) != (ssize_t)writing->size)
            break;
    }
    close(file);
    return NULL;
}

static void a_file_that_changes_while_it_is_read_gives_a_picture_or_an_error(void **state)
{
    (void)state;
    enum { READS = 3000 };
    Writing writing = {0};
    Picture picture = {0};
    DecodeOptions options = {.channels = 3};
    pthread_t thread;
    write_plain_png("a.png", 60, 50, 10, 20, 30);
    writing.size = read_bytes("a.png", writing.bytes, sizeof writing.bytes);
    assert_int_equal(pthread_create(&thread, NULL, write_again, &writing), 0);
    for (int i = 0; i < READS; i++) {
        CnnError error = {0};
        CnnStatus status = decode_file("a.png", &options, &picture, &error);
        assert_true(status == CNN_OK || (status == CNN_BAD_INPUT && error.text[0]));
        assert_true(status != CNN_OK || (picture.width == 60 && ((unsigned char *)picture.data)[2] == 30));
    }
    atomic_store(&writing.stop, true);
    pthread_join(thread, NULL);
    picture_free(&picture);
}

static void an_exif_block_that_breaks_the_rules_says_nothing(void **state)
{
    (void)state;
    unsigned char block[32] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6";
    assert_int_equal(exif_orientation(block, 26), 6);
    for (size_t size = 0; size < 22; size++)
        assert_int_equal(exif_orientation(block, size), 1);
    block[19] = 9;
    assert_int_equal(exif_orientation(block, 26), 1);
    block[7] = 255;
    assert_int_equal(exif_orientation(block, 26), 1);
    unsigned char little[32] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\10";
    assert_int_equal(exif_orientation(little, 26), 8);
}

/* Whatever stands in a file, it is a picture or an error. */
static void changed_bytes_give_a_picture_or_an_error(void **state)
{
    (void)state;
    unsigned char bytes[8192], changed[8192], *rows = noise(24 * 24 * 3);
    Picture picture = {0};
    int decoded[2] = {0};
    for (int kind = 0; kind < 2; kind++) {
        if (kind)
            write_jpeg("a", 24, 24, 3, 6, rows);
        else
            write_png("a", 24, 24, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, rows);
        size_t size = read_bytes("a", bytes, sizeof bytes);
        for (uint32_t seed = 0; seed < 1000; seed++) {
            CnnError error = {0};
            DecodeOptions options = {.channels = (int[]){1, 3, 4}[seed % 3]};
            memcpy(changed, bytes, size);
            mutate(changed, seed % 2 ? size : size / 4, seed); /* every other time near the beginning */
            write_bytes("a", changed, size);
            CnnStatus status = decode_file("a", &options, &picture, &error);
            assert_true(status == CNN_OK || (status == CNN_BAD_INPUT && *error.text));
            decoded[kind] += status == CNN_OK;
        }
    }
    assert_true(decoded[0] < 100 && decoded[1] < 990); /* PNG has checksums, JPEG has none */
    picture_free(&picture);
    free(rows);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_png_in_rgb_gives_its_values_and_its_grey),
        TEST(an_interlaced_png_gives_the_same),
        TEST(sixteen_bits_are_reduced_to_the_upper_eight),
        TEST(one_bit_grey_becomes_black_and_white),
        TEST(a_palette_is_looked_up),
        TEST(alpha_is_dropped_unless_four_channels_are_asked_for),
        TEST(a_jpeg_gives_its_colours_in_every_number_of_channels),
        TEST(every_exif_orientation_is_applied),
        TEST(an_orientation_exchanges_height_and_width),
        TEST(a_jpeg_is_reduced_but_not_below_the_wanted_size),
        TEST(a_jpeg_cut_anywhere_is_refused),
        TEST(a_png_cut_anywhere_is_refused),
        TEST(a_png_with_a_wrong_checksum_or_damaged_data_is_refused),
        TEST(a_jpeg_with_damaged_data_is_refused),
        TEST(trailing_bytes_do_no_harm),
        TEST(a_size_beyond_the_limit_is_refused_before_memory_is_taken),
        TEST(files_that_are_no_pictures_are_called_by_their_kind),
        TEST(only_regular_files_are_read),
        TEST(a_file_that_changes_while_it_is_read_gives_a_picture_or_an_error),
        TEST(changed_bytes_give_a_picture_or_an_error),
        TEST(an_exif_block_that_breaks_the_rules_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
