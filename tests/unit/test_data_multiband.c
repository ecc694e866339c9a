/* Scenes of many bands: whatever way they lie in a file, a tile has the values of its place, and mistakes get
 * their reason. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_test.h"
#include "tests/unit/zip_test.h"
#include "runtime/data/pipeline.h"
#include "runtime/data/stamp.h"

#ifdef CNN_WITH_TIFF
#include <tiffio.h>
#endif

enum { HEIGHT = 21, WIDTH = 35, BANDS = 3, TILE_HEIGHT = 3, TILE_WIDTH = 4 };

static int value_at(int y, int x, int band)
{
    return (y * 7 + x * 3 + band * 50) % 120;
}

/* The labelled pixels: at two corners of what tiles of 3x4 can have as their middle, and elsewhere. */
static const struct {
    int y, x, label;
} points[] = {{1, 2, 5}, {7, 16, 9}, {16, 31, 5}, {19, 33, 9}};
enum { POINTS = sizeof points / sizeof *points };

static void write_mask(const char *path, int background)
{
    unsigned char mask[HEIGHT * WIDTH];
    memset(mask, background, sizeof mask);
    for (int i = 0; i < POINTS; i++)
        mask[points[i].y * WIDTH + points[i].x] = (unsigned char)points[i].label;
    write_npy(path, "|u1", false, "(21, 35)", mask, sizeof mask);
}

/* All samples of a data section have the values of their places. */
static void assert_tiles(const char *text)
{
    Opened opened = open_good(text);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), POINTS);
    assert_int_equal(cnn_data_classes(opened.data), 2);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "5");
    assert_string_equal(cnn_data_class_name(opened.data, 1), "9");
    for (int i = 0; i < POINTS; i++) {
        float expected[TILE_HEIGHT * TILE_WIDTH * BANDS], *to = expected;
        for (int y = 0; y < TILE_HEIGHT; y++)
            for (int x = 0; x < TILE_WIDTH; x++)
                for (int b = 0; b < BANDS; b++)
                    *to++ = (float)value_at(points[i].y - TILE_HEIGHT / 2 + y,
                                            points[i].x - TILE_WIDTH / 2 + x, b);
        assert_sample(opened.data, i, TILE_HEIGHT * TILE_WIDTH * BANDS, expected, 0);
        DataScratch *scratch = NULL;
        float values[TILE_HEIGHT * TILE_WIDTH * BANDS];
        int32_t label;
        CnnError error = {0};
        cnn_data_sample(opened.data, PART_TRAIN, i, 0, &scratch, values, &label, &error);
        cnn_data_scratch_free(scratch);
        assert_int_equal(label, points[i].label == 9);
    }
    close_data(opened);
}

static void arrays_are_read_in_every_order_of_their_dimensions(void **state)
{
    (void)state;
    unsigned short last[HEIGHT * WIDTH * BANDS];
    signed char first[BANDS * HEIGHT * WIDTH], fortran[2][WIDTH * HEIGHT * BANDS];
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int b = 0; b < BANDS; b++) {
                int value = value_at(y, x, b);
                last[(y * WIDTH + x) * BANDS + b] = (unsigned short)(value << 8 | value >> 8);
                first[(b * HEIGHT + y) * WIDTH + x] = (signed char)value;
                fortran[0][(b * WIDTH + x) * HEIGHT + y] = (signed char)value;
                fortran[1][(x * HEIGHT + y) * BANDS + b] = (signed char)value;
            }
    write_mask("m.npy", 0);
    unsigned char *large = malloc(128 + sizeof last);
    write_npy("s.npy", ">u2", false, "(21, 35, 3)", "", 0);
    assert_int_equal(read_bytes("s.npy", large, 128), 128);
    memcpy(large + 128, last, sizeof last);
    write_bytes("s.npy", large, 128 + sizeof last);
    free(large);
    assert_tiles("multiband \"s.npy\", tile=3x4, mask=\"m.npy\"");
    write_npy("f.npy", "|i1", false, "(3, 21, 35)", first, sizeof first);
    assert_tiles("multiband \"f.npy\", tile=3x4, mask=\"m.npy\", bands=first");
    write_npy("f.npy", "|i1", true, "(21, 35, 3)", fortran[0], sizeof fortran[0]);
    assert_tiles("multiband \"f.npy\", tile=3x4, mask=\"m.npy\"");
    write_npy("f.npy", "|i1", true, "(3, 21, 35)", fortran[1], sizeof fortran[1]);
    assert_tiles("multiband \"f.npy\", tile=3x4, mask=\"m.npy\", bands=first");
}

#ifdef CNN_WITH_TIFF
typedef struct {
    const char *mode;                          /* of TIFFOpen */
    int bits, format, plan, compression, tile; /* tile 0: strips of 5 rows */
} Kind;

/* One value of a scene's type. */
static void put_value(unsigned char *at, const Kind *kind, int value)
{
    if (kind->format == SAMPLEFORMAT_IEEEFP && kind->bits == 32)
        memcpy(at, &(float){(float)value}, 4);
    else if (kind->format == SAMPLEFORMAT_IEEEFP)
        memcpy(at, &(double){value}, 8);
    else if (kind->bits == 32)
        memcpy(at, &(int32_t){value}, 4);
    else if (kind->bits == 16)
        memcpy(at, &(uint16_t){(uint16_t)value}, 2);
    else
        *at = (unsigned char)value;
}

static void set_tags(TIFF *tiff, const Kind *kind, int bands)
{
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, kind->format);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, bands);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    if (bands > 1)
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, bands - 1, (uint16_t[BANDS]){0});
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind->plan);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind->compression);
    if (kind->tile) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, kind->tile);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, kind->tile);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 5);
    }
}

static void write_scene(const char *path, const Kind *kind)
{
    TIFF *tiff = TIFFOpen(path, kind->mode);
    assert_non_null(tiff);
    set_tags(tiff, kind, BANDS);
    bool separate = kind->plan == PLANARCONFIG_SEPARATE;
    int bytes = kind->bits / 8, planes = separate ? BANDS : 1, in_plane = BANDS / planes;
    int height = kind->tile ? kind->tile : 5, width = kind->tile ? kind->tile : WIDTH;
    unsigned char *block = malloc((size_t)(height * width * in_plane * bytes));
    for (int plane = 0; plane < planes; plane++)
        for (int top = 0; top < HEIGHT; top += height)
            for (int left = 0; left < WIDTH; left += width) {
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        for (int b = 0; b < in_plane; b++)
                            put_value(block + ((y * width + x) * in_plane + b) * bytes, kind,
                                      value_at(top + y, left + x, separate ? plane : b));
                int rows = !kind->tile && HEIGHT - top < height ? HEIGHT - top : height;
                tmsize_t size = (tmsize_t)rows * width * in_plane * bytes;
                uint16_t sample = (uint16_t)plane;
                uint32_t number = kind->tile ? TIFFComputeTile(tiff, (uint32_t)left, (uint32_t)top, 0, sample)
                                             : TIFFComputeStrip(tiff, (uint32_t)top, sample);
                assert_int_equal(kind->tile ? TIFFWriteEncodedTile(tiff, number, block, size)
                                            : TIFFWriteEncodedStrip(tiff, number, block, size),
                                 size);
            }
    TIFFClose(tiff);
    free(block);
}

static void every_layout_of_a_tiff_gives_the_same_tiles(void **state)
{
    (void)state;
    static const int types[][2] = {
        {8, SAMPLEFORMAT_UINT},    {16, SAMPLEFORMAT_UINT}, {32, SAMPLEFORMAT_INT}, {32, SAMPLEFORMAT_IEEEFP},
        {64, SAMPLEFORMAT_IEEEFP}, {8, SAMPLEFORMAT_INT},   {16, SAMPLEFORMAT_INT}};
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_PACKBITS};
    static const char *const modes[] = {"wl", "wb", "w8"};
    write_mask("m.npy", 0);
    int number = 0;
    for (int plan = PLANARCONFIG_CONTIG; plan <= PLANARCONFIG_SEPARATE; plan++)
        for (int tile = 0; tile <= 16; tile += 16)
            for (int c = 0; c < 3; c++)
                for (int t = 0; t < 7; t++, number++) {
                    Kind kind = {modes[number % 3], types[t][0], types[t][1], plan, compressions[c], tile};
                    write_scene("s.tif", &kind);
                    assert_tiles("multiband \"s.tif\", tile=3x4, mask=\"m.npy\"");
                }
}

static void a_tiff_is_read_from_its_place_in_an_archive(void **state)
{
    (void)state;
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW};
    static unsigned char bytes[65536];
    write_mask("m.npy", 0);
    for (int i = 0; i < 4; i++) {
        Kind kind = {"wb", 16, SAMPLEFORMAT_UINT, PLANARCONFIG_CONTIG, compressions[i % 2], 0};
        Writer writer = {0};
        write_scene("s.tif", &kind);
        add_member(&writer, "s.tif", bytes, read_bytes("s.tif", bytes, sizeof bytes),
                   (MemberOptions){.deflated = i >= 2});
        add_member(&writer, "m.npy", bytes, read_bytes("m.npy", bytes, sizeof bytes), (MemberOptions){0});
        write_zip(&writer, "p.zip");
        assert_tiles("archive \"p.zip\" { multiband \"s.tif\", tile=3x4, mask=\"m.npy\" }");
    }
}

static void a_compressed_scene_is_read_by_several_threads(void **state)
{
    (void)state;
    Kind kind = {"w", 16, SAMPLEFORMAT_UINT, PLANARCONFIG_SEPARATE, COMPRESSION_LZW, 16};
    float means[2][BANDS];
    unsigned char mask[HEIGHT * WIDTH];
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        mask[i] = (unsigned char)(i % 3);
    write_npy("m.npy", "|u1", false, "(21, 35)", mask, sizeof mask);
    write_scene("s.tif", &kind);
    for (int i = 0; i < 2; i++) {
        Opened opened = open_good("multiband \"s.tif\", tile=3, mask=\"m.npy\"\nstandardize");
        CnnError error = {0};
        assert_int_equal(cnn_data_prepare(opened.data, i ? 4 : 1, &error), CNN_OK);
        memcpy(means[i], cnn_data_measured(opened.data, 0)->value, sizeof means[i]);
        close_data(opened);
    }
    assert_memory_equal(means[0], means[1], sizeof means[0]);
}

static void a_scene_cut_while_in_use_is_an_error(void **state)
{
    (void)state;
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW};
    write_mask("m.npy", 0);
    for (int i = 0; i < 3; i++) {
        static const unsigned char zeros[HEIGHT * WIDTH];
        bool array = i == 2;
        if (array)
            write_npy("s.npy", "|u1", false, "(21, 35)", zeros, sizeof zeros);
        else
            write_scene("s.tif",
                        &(Kind){"w", 16, SAMPLEFORMAT_UINT, PLANARCONFIG_CONTIG, compressions[i], 0});
        Opened opened = open_good(array ? "multiband \"s.npy\", tile=3x4, mask=\"m.npy\""
                                        : "multiband \"s.tif\", tile=3x4, mask=\"m.npy\"");
        cut_file(array ? "s.npy" : "s.tif", 20);
        assert_unreadable(opened.data, POINTS - 1, array ? "s.npy" : "s.tif");
        close_data(opened);
    }
}

static void a_damaged_or_strange_tiff_is_refused(void **state)
{
    (void)state;
    write_mask("m.npy", 0);
    Kind kind = {"w", 8, SAMPLEFORMAT_UINT, PLANARCONFIG_CONTIG, COMPRESSION_LZW, 0};
    const char *text = "multiband \"s.tif\", tile=3x4, mask=\"m.npy\"";
    write_scene("s.tif", &kind);
    unsigned char bytes[8192];
    size_t size = read_bytes("s.tif", bytes, sizeof bytes);
    memset(bytes + 8, 0xff, 200); /* in the first strips */
    write_bytes("s.tif", bytes, size);
    Opened opened = open_good(text);
    assert_unreadable(opened.data, 0, "s.tif: damaged or unsupported TIFF (");
    close_data(opened);
    cut_file("s.tif", (long)size / 2); /* the directory stands at the end */
    assert_refused(text, "s.tif: truncated TIFF");
    Kind complex = {"w", 32, SAMPLEFORMAT_COMPLEXINT, PLANARCONFIG_CONTIG, COMPRESSION_NONE, 0};
    write_scene("s.tif", &complex);
    assert_refused(text, "s.tif: values of 32 bits, of a kind that is not read");
    TIFF *tiff = TIFFOpen("s.tif", "w");
    for (int page = 0; page < 2; page++) {
        unsigned char row[WIDTH] = {0};
        set_tags(tiff, &(Kind){"w", 8, SAMPLEFORMAT_UINT, PLANARCONFIG_CONTIG, COMPRESSION_NONE, 0}, 1);
        for (uint32_t y = 0; y < HEIGHT; y++)
            TIFFWriteScanline(tiff, row, y, 0);
        TIFFWriteDirectory(tiff);
    }
    TIFFClose(tiff);
    assert_refused(text, "its bands are pages of their own");
    Kind plain = {"w", 8, SAMPLEFORMAT_UINT, PLANARCONFIG_CONTIG, COMPRESSION_NONE, 0};
    write_scene("s.tif", &plain);
    write_scene("classes.tif", &plain);
    assert_refused("multiband \"s.tif\", tile=3x4, mask=\"classes.tif\"", "this has several bands");
}
#else
static void without_libtiff_a_tiff_is_refused(void **state)
{
    (void)state;
    write_mask("m.npy", 0);
    write_bytes("s.tif", "II*\0....", 8);
    assert_refused("multiband \"s.tif\", tile=3x4, mask=\"m.npy\"",
                   "s.tif: a TIFF picture, but cnnc was built");
}
#endif

/* A scene of one band, 3 x 4, and a label for each pixel. */
static void write_small(void)
{
    static const unsigned char scene[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                               mask[12] = {1, 2, 1, 2, 2, 0, 2, 1, 2, 2, 1, 7};
    write_npy("s.npy", "|u1", false, "(3, 4)", scene, sizeof scene);
    write_npy("m.npy", "|u1", false, "(3, 4)", mask, sizeof mask);
    write_png("m.png", 4, 3, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, mask);
}

static void what_lies_outside_is_mirrored(void **state)
{
    (void)state;
    write_small();
    Opened opened = open_good("multiband \"s.npy\", tile=3, mask=\"m.png\", edge=reflect");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 11);
    assert_int_equal(cnn_data_classes(opened.data), 3);
    assert_sample(opened.data, 0, 9, (float[]){0, 0, 1, 0, 0, 1, 4, 4, 5}, 0);
    assert_sample(opened.data, 10, 9, (float[]){6, 7, 7, 10, 11, 11, 10, 11, 11}, 0);
    close_data(opened);
}

static void steps_begin_at_the_corner_and_unlabelled_pixels_are_left_out(void **state)
{
    (void)state;
    write_small();
    char name[256];
    Opened opened = open_good("multiband \"s.npy\", tile=1, mask=\"m.npy\", step=2, unlabelled=7");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 4); /* rows 0 and 2, columns 0 and 2 */
    cnn_data_name(opened.data, PART_TRAIN, 3, name, sizeof name);
    assert_contains(name, "s.npy[2, 2]");
    close_data(opened);
    opened = open_good("multiband \"s.npy\", tile=1, mask=\"m.npy\", unlabelled=2");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 6);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "0");
    close_data(opened);
}

static void points_are_tiles_too(void **state)
{
    (void)state;
    static const char good[] = "label;row;column\n30;1;1\n-2;1;2\n";
    write_small();
    write_bytes("p.csv", good, sizeof good - 1);
    Opened opened = open_good("multiband \"s.npy\", tile=3, points=\"p.csv\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 2);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "-2");
    assert_sample(opened.data, 1, 9, (float[]){1, 2, 3, 5, 6, 7, 9, 10, 11}, 0);
    close_data(opened);
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"row,column\n1,1\n", "p.csv: has no column 'label'; row, column and label are needed"},
        {"row,column,label\n1,1,1\n1,x,2\n", "p.csv:3: the column 'x' is not a whole number"},
        {"row,column,label\n1,1,1\n3,1,2\n", "p.csv:3: row 3, column 1 lies outside the scene of 3 x 4"},
        {"row,column,label\n0,1,2\n",
         "p.csv:2: the tile around row 0, column 1 goes beyond the scene; edge=refl"},
        {"row,column,label\n1,1,2\n1,2,2\n", "p.csv: all 2 labels are 2: at least two classes are needed"},
        {"row,column,label\n", "p.csv: labels no tile of the scene"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_bytes("p.csv", cases[i].text, strlen(cases[i].text));
        assert_refused("multiband \"s.npy\", tile=3, points=\"p.csv\"", cases[i].reason);
    }
}

static void every_mistake_of_a_mask_has_its_reason(void **state)
{
    (void)state;
    write_small();
    assert_refused("multiband \"s.npy\", tile=3", "'multiband' needs labels: mask=");
    assert_refused("multiband \"s.npy\", tile=3, mask=\"m.npy\", points=\"p.csv\"", "one of them is needed");
    assert_refused("multiband \"s.npy\", tile=4x4, mask=\"m.npy\"",
                   "s.npy: a scene of 3 x 4 holds no tile of 4 x 4");
    assert_refused("multiband \"m.png\", tile=1, mask=\"m.npy\"", "m.png: neither a TIFF nor a .npy file");
    assert_refused("multiband \"s.npy\", tile=1, mask=\"none.npy\"", "'none.npy' is neither in");
    write_npy("line.npy", "|u1", false, "(12,)", "............", 12);
    assert_refused("multiband \"line.npy\", tile=1, mask=\"m.npy\"", "line.npy: has 1 dimensions");
    write_npy("turned.npy", "|u1", false, "(4, 3)", "............", 12);
    assert_refused("multiband \"s.npy\", tile=1, mask=\"turned.npy\"",
                   "turned.npy is 4 x 3, but the scene s.npy is 3 x 4");
    write_plain_png("colour.png", 4, 3, 1, 2, 3);
    assert_refused("multiband \"s.npy\", tile=1, mask=\"colour.png\"", "this picture has colours");
    write_npy("all.npy", "|u1", false, "(3, 4)", "............", 12);
    assert_refused("multiband \"s.npy\", tile=1, mask=\"all.npy\"", "all 12 labels are 46");
    assert_refused("multiband \"s.npy\", tile=1, mask=\"all.npy\", unlabelled=46", "labels no tile");
    float real[12] = {1, 2, 0, 1.5f};
    write_npy("real.npy", "<f4", false, "(3, 4)", real, sizeof real);
    assert_refused("multiband \"s.npy\", tile=1, mask=\"real.npy\"",
                   "real.npy: row 0, column 3 is 1.5; classes are whole numbers");
    real[3] = 0.0f / 0.0f;
    real[5] = 3;
    write_npy("real.npy", "<f4", false, "(3, 4)", real, sizeof real);
    Opened opened = open_good("multiband \"s.npy\", tile=1x2, mask=\"real.npy\"");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 2); /* column 0 is no middle of a tile */
    close_data(opened);
}

static void a_value_that_is_no_number_is_named(void **state)
{
    (void)state;
    write_small();
    float real[12] = {0, 0, 0, 0.0f / 0.0f};
    write_npy("real.npy", "<f4", false, "(3, 4)", real, sizeof real);
    Opened opened = open_good("multiband \"real.npy\", tile=1, mask=\"m.npy\"");
    assert_unreadable(opened.data, 3, "real.npy: a value of band 0 near row 0, column 3 is ");
    close_data(opened);
}

static void samples_kept_on_disk_follow_the_labels(void **state)
{
    (void)state;
    Stamp stamps[3];
    write_small();
    for (int i = 0; i < 3; i++) {
        CnnError error = {0};
        if (i == 2) { /* another size, since times of files may be coarse */
            unsigned char bytes[256] = {0};
            size_t size = read_bytes("m.png", bytes, sizeof bytes);
            write_bytes("m.png", bytes, size + 1);
        }
        Opened opened = open_good("multiband \"s.npy\", tile=1, mask=\"m.png\"");
        assert_int_equal(data_stamp(opened.data, &stamps[i], &error), CNN_OK);
        close_data(opened);
    }
    assert_memory_equal(&stamps[0], &stamps[1], sizeof stamps[0]);
    assert_memory_equal(&stamps[0].place, &stamps[2].place, sizeof stamps[0].place);
    assert_memory_not_equal(&stamps[0].content, &stamps[2].content, sizeof stamps[0].content);
}

/* A scene of 40 x 60 of which each pixel is the number of its square of 10; nearly all are labelled. */
static void write_squares(void)
{
    enum { ROWS = 40, COLUMNS = 60 };
    static unsigned char scene[ROWS * COLUMNS], mask[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        scene[i] = (unsigned char)(i / COLUMNS / 10 * 6 + i % COLUMNS / 10);
        mask[i] = (unsigned char)(i % 7 == 0 ? 0 : 1 + i % 2);
    }
    write_npy("s.npy", "|u1", false, "(40, 60)", scene, sizeof scene);
    write_npy("m.npy", "|u1", false, "(40, 60)", mask, sizeof mask);
}

static bool is_in_a_part(CnnData *data, const char *tile)
{
    char name[NAME_BYTES];
    for (int part = 0; part < PART_COUNT; part++)
        for (int64_t i = 0; i < cnn_data_count(data, (Part)part); i++) {
            cnn_data_name(data, (Part)part, i, name, sizeof name);
            if (strcmp(name, tile) == 0)
                return true;
        }
    return false;
}

/* The user is told how many tiles are in no part, and which of them is the first. */
static void assert_left_out(CnnData *data, const char *edge)
{
    char text[200], name[NAME_BYTES], line[NAME_BYTES + 256], expected[NAME_BYTES + 256];
    snprintf(text, sizeof text, "multiband \"s.npy\", tile=5x5, mask=\"m.npy\", edge=%s", edge);
    Opened all = open_good(text);
    int64_t count = cnn_data_count(all.data, PART_TRAIN), left = count, first = 0;
    for (int part = 0; part < PART_COUNT; part++)
        left -= cnn_data_count(data, (Part)part);
    do
        cnn_data_name(all.data, PART_TRAIN, first++, name, sizeof name);
    while (is_in_a_part(data, name));
    close_data(all);
    snprintf(expected, sizeof expected,
             "split by=square leaves out %lld of %lld tiles, which have pixels of a square of another part "
             "or of one without labels; the first is %s",
             (long long)left, (long long)count, name);
    assert_true(cnn_data_split_text(data, line, sizeof line));
    assert_string_equal(line, expected);
}

static void squares_of_a_scene_stay_in_one_part_with_all_their_pixels(void **state)
{
    (void)state;
    static const char *const edges[] = {"inside", "reflect"};
    write_squares();
    for (int e = 0; e < 2; e++) {
        int part_of[24], counts[PART_COUNT] = {0};
        char text[200];
        memset(part_of, -1, sizeof part_of);
        snprintf(text, sizeof text,
                 "multiband \"s.npy\", tile=5x5, mask=\"m.npy\", edge=%s\nsplit validation=25%%, test=25%%, "
                 "by=square, side=10",
                 edges[e]);
        Opened opened = open_good(text);
        for (int part = 0; part < PART_COUNT; part++)
            for (int64_t i = 0; i < cnn_data_count(opened.data, (Part)part); i++) {
                float values[25];
                CnnError error = {0};
                assert_int_equal(get_sample(opened.data, (Part)part, i, EPOCH_NONE, values, &error), CNN_OK);
                for (int j = 0; j < 25; j++) {
                    int *of = &part_of[(int)values[j]];
                    assert_true(*of < 0 || *of == part);
                    *of = part;
                }
            }
        for (int b = 0; b < 24; b++) {
            assert_true(part_of[b] >= 0);
            counts[part_of[b]]++;
        }
        assert_true(counts[PART_TRAIN] >= 10 && counts[PART_VALIDATION] >= 4 && counts[PART_TEST] >= 4);
        assert_left_out(opened.data, edges[e]);
        close_data(opened);
    }
    /* tiles beside each other, along the squares: none is lost */
    Opened opened = open_good("multiband \"s.npy\", tile=5x5, mask=\"m.npy\", step=5\n"
                              "split validation=25%, by=square, side=10");
    int64_t kept = cnn_data_count(opened.data, PART_TRAIN) + cnn_data_count(opened.data, PART_VALIDATION);
    char line[512];
    assert_false(cnn_data_split_text(opened.data, line, sizeof line));
    close_data(opened);
    opened = open_good("multiband \"s.npy\", tile=5x5, mask=\"m.npy\", step=5");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), kept);
    close_data(opened);
}

static void squares_that_cannot_be_are_refused(void **state)
{
    (void)state;
    write_squares();
    assert_refused("multiband \"s.npy\", tile=5, mask=\"m.npy\"\nsplit test=25%, by=square",
                   "scenes have by=square, side=64");
    assert_refused("multiband \"s.npy\", tile=5, mask=\"m.npy\"\nsplit test=25%, side=10",
                   "test.cnn:3:1: 'side=' is the side of the squares of by=square");
    assert_refused("multiband \"s.npy\", tile=5, mask=\"m.npy\"\nsplit test=25%, by=square, side=100",
                   "'split' leaves no sample for the test part");
    write_npy("y.npy", "|u1", false, "(2,)", "\0\1", 2);
    write_npy("x.npy", "|u1", false, "(2, 1)", "\0\1", 2);
    assert_refused("arrays x=\"x.npy\", y=\"y.npy\"\nsplit test=50%, by=square, side=10",
                   "by=square is for scenes: this source is none");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arrays_are_read_in_every_order_of_their_dimensions),
#ifdef CNN_WITH_TIFF
        TEST(every_layout_of_a_tiff_gives_the_same_tiles),
        TEST(a_tiff_is_read_from_its_place_in_an_archive),
        TEST(a_compressed_scene_is_read_by_several_threads),
        TEST(a_damaged_or_strange_tiff_is_refused),
        TEST(a_scene_cut_while_in_use_is_an_error),
#else
        TEST(without_libtiff_a_tiff_is_refused),
#endif
        TEST(what_lies_outside_is_mirrored),
        TEST(steps_begin_at_the_corner_and_unlabelled_pixels_are_left_out),
        TEST(points_are_tiles_too),
        TEST(every_mistake_of_a_mask_has_its_reason),
        TEST(a_value_that_is_no_number_is_named),
        TEST(samples_kept_on_disk_follow_the_labels),
        TEST(squares_of_a_scene_stay_in_one_part_with_all_their_pixels),
        TEST(squares_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
