#include "compiler/commands/data_cell.h"

#include <math.h>

enum { LARGEST = 2 * SHEET_CELL, CURVE_POINTS = 8 * SHEET_CELL };

static float value_at(const Picture *picture, int64_t i)
{
    return picture->dtype == DTYPE_U8 ? ((const unsigned char *)picture->data)[i]
                                      : ((const float *)picture->data)[i];
}

/* What is drawn dark and bright of one channel. */
typedef struct {
    double black, white;
} Span;

static Span span_of(const Picture *picture)
{
    Span span = {INFINITY, -INFINITY};
    for (int64_t i = 0; i < picture->height * picture->width * picture->channels; i++) {
        double value = value_at(picture, i);
        span.black = fmin(span.black, value);
        span.white = fmax(span.white, value);
    }
    return span;
}

/* 0 … 1; the middle where all is the same. */
static double shade(Span span, double value)
{
    double share = span.white == span.black ? 0.5 : (value - span.black) / (span.white - span.black);
    return share > 0 ? fmin(share, 1) : 0;
}

/* The mean of a square of `step` pixels. */
static double block_mean(const Picture *picture, int64_t row, int64_t column, int64_t step, int64_t channel)
{
    double sum = 0;
    int64_t count = 0;
    for (int64_t y = row * step; y < (row + 1) * step && y < picture->height; y++)
        for (int64_t x = column * step; x < (column + 1) * step && x < picture->width; x++, count++)
            sum += value_at(picture, (y * picture->width + x) * picture->channels + channel);
    return sum / (double)count;
}

static void fill_pixels(const Picture *picture, const Span *spans, int64_t step, bool upward,
                        const SheetCell *cell, uint32_t *pixels)
{
    bool colours = picture->channels >= 3;
    for (int64_t i = 0; i < cell->height * cell->width; i++) {
        uint32_t pixel = 0;
        int64_t row = i / cell->width, column = i % cell->width;
        for (int c = 0; c < 3; c++) {
            int channel = colours ? c : 0;
            double mean = block_mean(picture, row, column, step, channel);
            pixel = pixel << 8 | (uint32_t)lround(255 * shade(spans[channel], mean));
        }
        pixels[(upward ? cell->height - 1 - row : row) * cell->width + column] = pixel;
    }
}

/* Of many values, the least and the greatest of each run of them, so that no peak is lost. */
static SheetCell curve_cell(Arena *arena, const Picture *picture, Span span)
{
    int64_t values = picture->width * picture->channels;
    int64_t step = (2 * values + CURVE_POINTS - 1) / CURVE_POINTS;
    int64_t runs = step > 2 ? (values + step - 1) / step : 0, count = runs ? 2 * runs : values;
    float *points = NEW_ARRAY(arena, float, count);
    for (int64_t i = 0; i < count; i++) {
        double point = value_at(picture, runs ? i / 2 * step : i);
        for (int64_t k = i / 2 * step; runs && k < (i / 2 + 1) * step && k < values; k++)
            point = i % 2 ? fmax(point, value_at(picture, k)) : fmin(point, value_at(picture, k));
        points[i] = (float)shade(span, point);
    }
    return (SheetCell){.height = 1, .width = count, .curve = points};
}

SheetCell data_cell(Arena *arena, const Picture *picture, const float *black, const float *white, bool upward)
{
    Span spans[3], all = span_of(picture);
    for (int c = 0; c < 3 && c < picture->channels; c++)
        spans[c] = black ? (Span){black[c], white[c]} : all;
    if (picture->height == 1)
        return curve_cell(arena, picture, spans[0]);
    int64_t longer = picture->height > picture->width ? picture->height : picture->width;
    int64_t step = (longer + LARGEST - 1) / LARGEST;
    SheetCell cell = {.height = (picture->height + step - 1) / step,
                      .width = (picture->width + step - 1) / step};
    uint32_t *pixels = NEW_ARRAY(arena, uint32_t, cell.height * cell.width);
    fill_pixels(picture, spans, step, upward, &cell, pixels);
    cell.pixels = pixels;
    return cell;
}
