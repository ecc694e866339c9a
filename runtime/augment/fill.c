/* `fill`, and sampling a picture through a map: what lies outside is made up as `fill` says. Where the map
 * moves whole pixels they are copied, so that flips and shifts by pixels lose nothing. */
#include "runtime/augment/augment.h"

#include <math.h>

#include "runtime/transform/four.h"

static const Field fill_fields[] = {
    FIELD(FillArgs, mode, FIELD_WORD, .preset = "nearest", .words = "nearest reflect wrap constant",
          .doc =
              "what lies outside: the nearest pixel, the picture mirrored, the picture again, or a constant"),
    FIELD(FillArgs, value, FIELD_REAL, .preset = "0", .named_only = true,
          .doc = "the constant, in the values that samples have at this stage"),
    FIELDS_END,
};
const Schema fill_schema = {
    .word = "fill",
    .doc = "What the changes of place find outside the picture.",
    .source = "Keras, ImageDataGenerator, fill_mode",
    .places = IN_AUGMENT,
    .fields = fill_fields,
    .args_bytes = sizeof(FillArgs),
    .example = "fill reflect",
};

const AugmentKind augment_fill = {.schema = &fill_schema};

enum { OUTSIDE = -1 };

/* The pixel of 0 … n-1 that stands for position i, or OUTSIDE. */
static int64_t fill_index(FillMode mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    switch (mode) {
    case FILL_NEAREST:
        return i < 0 ? 0 : n - 1;
    case FILL_REFLECT:
        i = (i % (2 * n) + 2 * n) % (2 * n);
        return i < n ? i : 2 * n - 1 - i;
    case FILL_WRAP:
        return (i % n + n) % n;
    case FILL_CONSTANT:
        break;
    }
    return OUTSIDE;
}

/* A row of the result is read along a line: from (row, column), by (row_step, column_step) for each pixel.
 * Fixed-point numbers, in units of 2^-32 pixels. */
typedef struct {
    int64_t row, column, row_step, column_step;
} Line;

enum { FRACTION_BITS = 32 };
static const double fixed_one = 4294967296.0;

static int64_t fixed(double value)
{
    return (int64_t)floor(value * fixed_one + 0.5);
}

static Line map_line(const AugmentMap *map, const Picture *in, int64_t y)
{
    double row = (double)y - (double)(map->height - 1) / 2, column = -(double)(map->width - 1) / 2;
    return (Line){.row = fixed(map->m[0][0] * row + map->m[0][1] * column + map->m[0][2] +
                               (double)(in->height - 1) / 2),
                  .column = fixed(map->m[1][0] * row + map->m[1][1] * column + map->m[1][2] +
                                  (double)(in->width - 1) / 2),
                  .row_step = fixed(map->m[0][1]),
                  .column_step = fixed(map->m[1][1])};
}

/* Where a pixel of the result is read: the pixel to the upper left, and how far the point is from it. */
typedef struct {
    int64_t y, x;
    float down, right; /* 0 … 1 */
} Point;

static inline Point line_point(const Line *line, int64_t x)
{
    int64_t row = line->row + x * line->row_step, column = line->column + x * line->column_step;
    return (Point){.y = row >> FRACTION_BITS,
                   .x = column >> FRACTION_BITS,
                   .down = (float)(uint32_t)row * 0x1p-32f,
                   .right = (float)(uint32_t)column * 0x1p-32f};
}

/* All four neighbours of the point lie in the picture. */
static bool line_inside(const Line *line, const Picture *in, int64_t x)
{
    Point point = line_point(line, x);
    return point.y >= 0 && point.y < in->height - 1 && point.x >= 0 && point.x < in->width - 1;
}

/* Pixels begin … end-1 of a row of three channels, all inside. */
static void sample_inside3(const Line *line, const Picture *in, int64_t begin, int64_t end, float *out)
{
    const float *pixels = in->data;
    int64_t stride = in->width * 3;
    for (int64_t x = begin; x < end; x++) {
        Point point = line_point(line, x);
        const float *at = pixels + point.y * stride + point.x * 3;
        Four top = four_load(at), bottom = four_load(at + stride);
        top += (four_load(at + 3) - top) * point.right;
        bottom += (four_load(at + stride + 3) - bottom) * point.right;
        four_store3(out + x * 3, top + (bottom - top) * point.down);
    }
}

/* The same for any number of channels. */
static void sample_inside(const Line *line, const Picture *in, int64_t begin, int64_t end, float *out)
{
    const float *pixels = in->data;
    int64_t channels = in->channels, stride = in->width * channels;
    for (int64_t x = begin; x < end; x++) {
        Point point = line_point(line, x);
        const float *at = pixels + point.y * stride + point.x * channels;
        for (int64_t c = 0; c < channels; c++, at++) {
            float top = at[0] + (at[channels] - at[0]) * point.right;
            float bottom = at[stride] + (at[stride + channels] - at[stride]) * point.right;
            out[x * channels + c] = top + (bottom - top) * point.down;
        }
    }
}

/* The pixel that stands for (y, x), or `constant`. */
static const float *fill_pixel(const FillArgs *fill, const Picture *in, int64_t y, int64_t x,
                               const float *constant)
{
    y = fill_index((FillMode)fill->mode, y, in->height);
    x = fill_index((FillMode)fill->mode, x, in->width);
    return y == OUTSIDE || x == OUTSIDE ? constant
                                        : (const float *)in->data + (y * in->width + x) * in->channels;
}

/* One pixel whose neighbours may lie outside. */
static void sample_edge(const Line *line, const FillArgs *fill, const Picture *in, int64_t x, float *out)
{
    Point point = line_point(line, x);
    const float constant = (float)fill->value;
    const float *corner[4];
    int64_t step[4]; /* 0: the constant stands for all channels */
    for (int i = 0; i < 4; i++) {
        corner[i] = fill_pixel(fill, in, point.y + i / 2, point.x + i % 2, &constant);
        step[i] = corner[i] != &constant;
    }
    for (int64_t c = 0; c < in->channels; c++) {
        float value[4];
        for (int i = 0; i < 4; i++)
            value[i] = corner[i][c * step[i]];
        float top = value[0] + (value[1] - value[0]) * point.right;
        float bottom = value[2] + (value[3] - value[2]) * point.right;
        out[c] = top + (bottom - top) * point.down;
    }
}

static void sample_row(const Line *line, const FillArgs *fill, const Picture *in, int64_t width, float *out)
{
    int64_t channels = in->channels, begin = 0, end = width;
    /* The points inside follow one another, since the line is straight. */
    for (; begin < width && !line_inside(line, in, begin); begin++)
        sample_edge(line, fill, in, begin, out + begin * channels);
    for (; end > begin && !line_inside(line, in, end - 1); end--)
        sample_edge(line, fill, in, end - 1, out + (end - 1) * channels);
    (channels == 3 ? sample_inside3 : sample_inside)(line, in, begin, end, out);
}

/* Whether the map only moves whole pixels, perhaps backwards. */
static bool map_is_whole(const AugmentMap *map, const Picture *in)
{
    Line line = map_line(map, in, 0);
    return map->m[0][1] == 0 && map->m[1][0] == 0 && fabs(map->m[0][0]) == 1 && fabs(map->m[1][1]) == 1 &&
           (uint32_t)line.row == 0 && (uint32_t)line.column == 0;
}

static void copy_row(const Line *line, const FillArgs *fill, const Picture *in, int64_t width, float *out)
{
    int64_t channels = in->channels,
            y = fill_index((FillMode)fill->mode, line->row >> FRACTION_BITS, in->height);
    const float *row = (const float *)in->data + (y == OUTSIDE ? 0 : y) * in->width * channels;
    int64_t at = line->column >> FRACTION_BITS, step = line->column_step >> FRACTION_BITS;
    for (int64_t x = 0; x < width; x++, at += step, out += channels) {
        int64_t from = fill_index((FillMode)fill->mode, at, in->width);
        if (y == OUTSIDE || from == OUTSIDE)
            for (int64_t c = 0; c < channels; c++)
                out[c] = (float)fill->value;
        else
            for (int64_t c = 0; c < channels; c++)
                out[c] = row[from * channels + c];
    }
}

void map_apply(const AugmentMap *map, const FillArgs *fill, const Picture *in, Picture *out)
{
    bool whole = map_is_whole(map, in);
    for (int64_t y = 0; y < map->height; y++) {
        Line line = map_line(map, in, y);
        float *row = (float *)out->data + y * map->width * in->channels;
        (whole ? copy_row : sample_row)(&line, fill, in, map->width, row);
    }
}
