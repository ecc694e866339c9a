/* Sampling a picture through a map: what lies outside is made up as `fill` says. Where the map moves whole
 * pixels they are copied, so that flips and shifts by pixels lose nothing. Everything is written once for any
 * number of channels, and compiled for those that matter. Pictures are of floats: converting bytes first
 * costs less than converting the four neighbours of each pixel. */
#include "runtime/augment/augment.h"

#include <math.h>

#include "runtime/transform/four.h"

#define SPECIALISED static inline __attribute__((always_inline))

enum {
    OUTSIDE = -1,
    BLOCK = 32,         /* pixels that are looked for at once */
    FARTHEST = 1 << 30, /* what lies farther away, in pixels, is read there */
};

/* The pixel of 0 … n-1 that stands for position i, or OUTSIDE. */
static int64_t fill_index(FillMode mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    switch (mode) {
    case FILL_NEAREST:
        return i < 0 ? 0 : n - 1;
    case FILL_REFLECT:
        i = i < 0 ? -1 - i : i; /* the picture mirrored at its first pixel, so what follows is for i >= 0 */
        i = i < 2 * n ? i : i % (2 * n);
        return i < n ? i : 2 * n - 1 - i;
    case FILL_WRAP:
        return (i % n + n) % n;
    case FILL_CONSTANT:
        break;
    }
    return OUTSIDE;
}

/* A row of the result is read along a line: pixel x at (row + x * row_step, column + x * column_step). */
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

/* All four neighbours of where pixel x is read lie in the picture. */
static inline bool line_inside(const Line *line, const Picture *in, int64_t x)
{
    double row = line->row + (double)x * line->row_step,
           column = line->column + (double)x * line->column_step;
    return row >= 0 && row < (double)(in->height - 1) && column >= 0 && column < (double)(in->width - 1);
}

/* Where a pixel of the result is read: how far from the pixel to the upper left. */
typedef struct {
    float down, right; /* 0 … 1 */
} Point;

/* One pixel, between four others in memory: upper left, upper right, lower left, lower right. `constant` is
 * what those that are OUTSIDE have, or NULL where none is. `wide`: three channels may be stored as four. */
SPECIALISED void pixel_sample(const float *pixels, const int64_t corner[4], Point point,
                              const float *constant, float *out, bool wide, int64_t channels)
{
    if (channels == 3 || channels == 4) {
        Four value[4];
        for (int i = 0; i < 4; i++)
            value[i] = constant && corner[i] == OUTSIDE ? (Four){*constant, *constant, *constant, *constant}
                                                        : four_load(pixels + corner[i]);
        Four upper = value[0] + (value[1] - value[0]) * point.right;
        Four lower = value[2] + (value[3] - value[2]) * point.right;
        Four between = upper + (lower - upper) * point.down;
        if (channels == 4 || wide)
            four_store(out, between);
        else
            four_store3(out, between);
        return;
    }
    for (int64_t c = 0; c < channels; c++) {
        float value[4];
        for (int i = 0; i < 4; i++)
            value[i] = constant && corner[i] == OUTSIDE ? *constant : pixels[corner[i] + c];
        float upper = value[0] + (value[1] - value[0]) * point.right;
        float lower = value[2] + (value[3] - value[2]) * point.right;
        out[c] = upper + (lower - upper) * point.down;
    }
}

/* `count` pixels of a row, from pixel x on, all neighbours inside. First where they are read, in vectors. */
SPECIALISED void block_inside(const Line *line, const Picture *in, int64_t x, int32_t count, float *out,
                              int64_t channels)
{
    const float *const pixels = in->data;
    const int64_t stride = in->width * channels;
    int32_t y_of[BLOCK], x_of[BLOCK];
    float down[BLOCK], right[BLOCK];
    for (int32_t i = 0; i < count; i++) {
        double at = (double)((int32_t)x + i), row = line->row + at * line->row_step,
               column = line->column + at * line->column_step;
        y_of[i] = (int32_t)row;
        x_of[i] = (int32_t)column;
        down[i] = (float)(row - y_of[i]);
        right[i] = (float)(column - x_of[i]);
    }
    for (int32_t i = 0; i < count; i++, out += channels) {
        int64_t at = y_of[i] * stride + x_of[i] * channels;
        const int64_t corner[4] = {at, at + channels, at + stride, at + stride + channels};
        /* The next pixel overwrites what is too much. */
        pixel_sample(pixels, corner, (Point){down[i], right[i]}, NULL, out, i < count - 1, channels);
    }
}

/* One pixel whose neighbours may lie outside. */
SPECIALISED void pixel_edge(const Line *line, const FillArgs *fill, const Picture *in, int64_t x, float *out,
                            int64_t channels)
{
    double at[2] = {line->row + (double)x * line->row_step, line->column + (double)x * line->column_step};
    int64_t row[2], column[2], corner[4];
    const float constant = (float)fill->value;
    for (int i = 0; i < 2; i++)
        at[i] = at[i] > FARTHEST ? FARTHEST : at[i] < -FARTHEST ? -FARTHEST : at[i];
    int64_t top = (int64_t)at[0], left = (int64_t)at[1];
    top -= at[0] < (double)top;
    left -= at[1] < (double)left;
    for (int i = 0; i < 2; i++) {
        row[i] = fill_index((FillMode)fill->mode, top + i, in->height);
        column[i] = fill_index((FillMode)fill->mode, left + i, in->width);
    }
    for (int i = 0; i < 4; i++)
        corner[i] = row[i / 2] == OUTSIDE || column[i % 2] == OUTSIDE
                        ? OUTSIDE
                        : (row[i / 2] * in->width + column[i % 2]) * channels;
    pixel_sample(in->data, corner, (Point){(float)(at[0] - (double)top), (float)(at[1] - (double)left)},
                 &constant, out + x * channels, false, channels);
}

/* Whether the map only moves whole pixels, perhaps backwards. */
static bool map_is_whole(const AugmentMap *map, const Picture *in)
{
    Line line = map_line(map, in, 0);
    return map->m[0][1] == 0 && map->m[1][0] == 0 && fabs(map->m[0][0]) == 1 && fabs(map->m[1][1]) == 1 &&
           line.row == floor(line.row) && line.column == floor(line.column) && fabs(line.row) < FARTHEST &&
           fabs(line.column) < FARTHEST;
}

/* Pixels begin … end-1 of a row that is copied, from row y, if that is not OUTSIDE. */
SPECIALISED void row_copy_edge(const FillArgs *fill, const Picture *in, int64_t y, int64_t from, int64_t step,
                               int64_t count, float *out, int64_t channels)
{
    const float *const pixels = in->data;
    for (; count > 0; count--, from += step, out += channels) {
        int64_t x = fill_index((FillMode)fill->mode, from, in->width), at = (y * in->width + x) * channels;
        for (int64_t c = 0; c < channels; c++)
            out[c] = y == OUTSIDE || x == OUTSIDE ? (float)fill->value : pixels[at + c];
    }
}

SPECIALISED void row_copy(const Line *line, const FillArgs *fill, const Picture *in, int64_t width,
                          float *out, int64_t channels)
{
    const float *const pixels = in->data;
    int64_t y = fill_index((FillMode)fill->mode, (int64_t)line->row, in->height);
    int64_t from = (int64_t)line->column, step = (int64_t)line->column_step;
    /* Pixels begin … end-1 come from inside, where the row does. */
    int64_t begin = step > 0 ? -from : from - (in->width - 1), end = begin + in->width;
    begin = y == OUTSIDE || begin > width ? width : begin < 0 ? 0 : begin;
    end = end > width ? width : end < begin ? begin : end;
    row_copy_edge(fill, in, y, from, step, begin, out, channels);
    int64_t at = (y * in->width + from) * channels;
    if (step > 0)
        for (int64_t i = begin * channels; i < end * channels; i++)
            out[i] = pixels[at + i];
    else
        for (int64_t x = begin; x < end; x++)
            for (int64_t c = 0; c < channels; c++)
                out[x * channels + c] = pixels[at - x * channels + c];
    row_copy_edge(fill, in, y, from + end * step, step, width - end, out + end * channels, channels);
}

SPECIALISED void rows_sample(const AugmentMap *map, const FillArgs *fill, const Picture *in, float *out,
                             int64_t channels)
{
    bool whole = map_is_whole(map, in);
    for (int64_t y = 0; y < map->height; y++, out += map->width * channels) {
        Line line = map_line(map, in, y);
        int64_t begin = 0, end = map->width;
        if (whole) {
            row_copy(&line, fill, in, map->width, out, channels);
            continue;
        }
        /* The points inside follow one another, since the line is straight. */
        for (; begin < map->width && !line_inside(&line, in, begin); begin++)
            pixel_edge(&line, fill, in, begin, out, channels);
        while (end > begin && !line_inside(&line, in, end - 1))
            end--;
        for (; begin < end; begin += BLOCK)
            block_inside(&line, in, begin, (int32_t)(end - begin < BLOCK ? end - begin : BLOCK),
                         out + begin * channels, channels);
        for (; end < map->width; end++)
            pixel_edge(&line, fill, in, end, out, channels);
    }
}

/* rows_sample for one number of channels, in->channels where it is 0. */
#define ROWS_SAMPLE(name, count)                                                                             \
    PIXEL_LOOP static void name(const AugmentMap *map, const FillArgs *fill, const Picture *in, float *out)  \
    {                                                                                                        \
        rows_sample(map, fill, in, out, (count) ? (count) : in->channels);                                   \
    }
ROWS_SAMPLE(rows_sample1, 1)
ROWS_SAMPLE(rows_sample3, 3)
ROWS_SAMPLE(rows_sample4, 4)
ROWS_SAMPLE(rows_sample_any, 0)

void map_apply(const AugmentMap *map, const FillArgs *fill, const Picture *in, Picture *out)
{
    switch (in->channels) {
    case 1:
        rows_sample1(map, fill, in, out->data);
        break;
    case 3:
        rows_sample3(map, fill, in, out->data);
        break;
    case 4:
        rows_sample4(map, fill, in, out->data);
        break;
    default:
        rows_sample_any(map, fill, in, out->data);
    }
}
