/* `fill`, and sampling a picture through a map: what lies outside is made up as `fill` says. Where the map
 * moves whole pixels they are copied, so that flips and shifts by pixels lose nothing. */
#include "runtime/augment/augment.h"

#include <math.h>
#include <string.h>

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

/* A row of the result is read along a line: from (row, column), by (row_step, column_step) for each pixel. */
typedef struct {
    double row, column, row_step, column_step;
} Line;

static Line map_line(const AugmentMap *map, const Picture *in, int64_t y)
{
    double row = (double)y - (double)(map->height - 1) / 2, column = -(double)(map->width - 1) / 2;
    return (Line){
        .row = map->m[0][0] * row + map->m[0][1] * column + map->m[0][2] + (double)(in->height - 1) / 2,
        .column = map->m[1][0] * row + map->m[1][1] * column + map->m[1][2] + (double)(in->width - 1) / 2,
        .row_step = map->m[0][1],
        .column_step = map->m[1][1]};
}

/* All four neighbours of the point lie in the picture. */
static bool line_inside(const Line *line, const Picture *in, int64_t x)
{
    double row = line->row + (double)x * line->row_step,
           column = line->column + (double)x * line->column_step;
    return row >= 0 && row < (double)(in->height - 1) && column >= 0 && column < (double)(in->width - 1);
}

/* Pixels begin … end-1 of a row, all inside. The number of channels is a constant for the compiler where it
 * is a usual one. */
static inline void sample_inside(const Line *line, const Picture *in, int64_t channels, int64_t begin,
                                 int64_t end, float *out)
{
    const float *pixels = in->data;
    int64_t stride = in->width * channels;
    for (int64_t x = begin; x < end; x++) {
        double row = line->row + (double)x * line->row_step,
               column = line->column + (double)x * line->column_step;
        int64_t y0 = (int64_t)row, x0 = (int64_t)column;
        float down = (float)(row - (double)y0), right = (float)(column - (double)x0);
        float w11 = down * right, w10 = down - w11, w01 = right - w11, w00 = 1 - down - w01;
        const float *at = pixels + y0 * stride + x0 * channels;
        for (int64_t c = 0; c < channels; c++)
            out[x * channels + c] =
                w00 * at[c] + w01 * at[c + channels] + w10 * at[c + stride] + w11 * at[c + stride + channels];
    }
}

/* One pixel whose neighbours may lie outside. */
static void sample_edge(const Line *line, const FillArgs *fill, const Picture *in, int64_t x, float *out)
{
    const float *pixels = in->data;
    int64_t channels = in->channels;
    double row = line->row + (double)x * line->row_step,
           column = line->column + (double)x * line->column_step;
    double y0 = floor(row), x0 = floor(column), down = row - y0, right = column - x0;
    for (int64_t c = 0; c < channels; c++)
        out[c] = 0;
    for (int neighbour = 0; neighbour < 4; neighbour++) {
        int dy = neighbour >> 1, dx = neighbour & 1;
        int64_t y = fill_index((FillMode)fill->mode, (int64_t)y0 + dy, in->height);
        int64_t at = fill_index((FillMode)fill->mode, (int64_t)x0 + dx, in->width);
        float weight = (float)((dy ? down : 1 - down) * (dx ? right : 1 - right));
        for (int64_t c = 0; c < channels; c++)
            out[c] += weight * (y == OUTSIDE || at == OUTSIDE ? (float)fill->value
                                                              : pixels[(y * in->width + at) * channels + c]);
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
    if (channels == 3)
        sample_inside(line, in, 3, begin, end, out);
    else if (channels == 1)
        sample_inside(line, in, 1, begin, end, out);
    else
        sample_inside(line, in, channels, begin, end, out);
}

/* Whether the map only moves whole pixels, perhaps backwards. */
static bool map_is_whole(const AugmentMap *map, const Picture *in)
{
    Line line = map_line(map, in, 0);
    return map->m[0][1] == 0 && map->m[1][0] == 0 && fabs(map->m[0][0]) == 1 && fabs(map->m[1][1]) == 1 &&
           line.row == floor(line.row) && line.column == floor(line.column);
}

static void copy_row(const Line *line, const FillArgs *fill, const Picture *in, int64_t width, float *out)
{
    int64_t channels = in->channels, y = fill_index((FillMode)fill->mode, (int64_t)line->row, in->height);
    const float *row = (const float *)in->data + (y == OUTSIDE ? 0 : y) * in->width * channels;
    int64_t at = (int64_t)line->column, step = (int64_t)line->column_step;
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
