#include "compiler/commands/heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "runtime/file.h"

enum { SIDE_LEAST = 384, ROW_LEAST = 64, GAP = 8, CHANNELS = 3 };
static const double COVER_MOST = 0.7; /* of the picture, by the colour of the largest value */

typedef struct {
    int64_t height, width;
    unsigned char *pixels; /* [height, width, 3] */
} Canvas;

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double map_largest(const Heat *heat)
{
    double largest = 0;
    for (int64_t i = 0; i < heat->rows * heat->columns; i++)
        largest = larger(largest, (double)heat->map[i]);
    return largest;
}

/* The two cells around a place, and how far it is from the first to the second. */
static double around(double place, int64_t extent, int64_t *first, int64_t *second)
{
    double at = fmin(larger(place * (double)extent - 0.5, 0), (double)(extent - 1));
    *first = (int64_t)at;
    *second = *first + 1 < extent ? *first + 1 : *first;
    return at - (double)*first;
}

static double map_at(const Heat *heat, double y, double x)
{
    int64_t row[2], column[2];
    double down = around(y, heat->rows, &row[0], &row[1]),
           right = around(x, heat->columns, &column[0], &column[1]), line[2];
    for (int i = 0; i < 2; i++) {
        const float *of_row = heat->map + row[i] * heat->columns;
        line[i] = (1 - right) * (double)of_row[column[0]] + right * (double)of_row[column[1]];
    }
    return (1 - down) * line[0] + down * line[1];
}

double heat_at(const Heat *heat, double y, double x)
{
    double largest = map_largest(heat);
    return largest > 0 ? map_at(heat, y, x) / largest : 0;
}

/* The pixel of a cell under a place of what is drawn of it. */
static uint32_t pixel_at(const SheetCell *cell, int64_t y, int64_t height, int64_t x, int64_t width)
{
    return cell->pixels[y * cell->height / height * cell->width + x * cell->width / width];
}

static void put_pixel(Canvas *canvas, int64_t y, int64_t x, uint32_t pixel)
{
    unsigned char *at = canvas->pixels + CHANNELS * (y * canvas->width + x);
    for (int c = 0; c < CHANNELS; c++)
        at[c] = (unsigned char)(pixel >> (16 - 8 * c));
}

/* Yellow where the map says little, red where it says most, and more of it. */
static uint32_t warm(uint32_t pixel, double share)
{
    const double colour[CHANNELS] = {255, 255 * (1 - share), 0}, cover = COVER_MOST * share;
    uint32_t out = 0;
    for (int c = 0; c < CHANNELS; c++) {
        double of_picture = pixel >> (16 - 8 * c) & 0xFF;
        out = out << 8 | (uint32_t)lround((1 - cover) * of_picture + cover * colour[c]);
    }
    return out;
}

static void draw(const Heat *heat, int64_t height, int64_t left, int64_t right, Canvas *canvas)
{
    double largest = map_largest(heat);
    memset(canvas->pixels, 0xFF, (size_t)(canvas->height * canvas->width * CHANNELS));
    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < left; x++)
            put_pixel(canvas, y, x, pixel_at(heat->original, y, height, x, left));
        for (int64_t x = 0; x < right; x++) {
            uint32_t pixel = pixel_at(heat->seen, y, height, x, right);
            double value =
                map_at(heat, ((double)y + 0.5) / (double)height, ((double)x + 0.5) / (double)right);
            put_pixel(canvas, y, left + GAP + x, warm(pixel, largest > 0 ? value / largest : 0));
        }
    }
}

static CnnStatus write_png(const Canvas *canvas, const char *path, CnnError *error)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)canvas->width,
                       .height = (png_uint_32)canvas->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    NewFile file;
    unsigned char *memory = malloc(bytes);
    if (!memory)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a picture");
    CnnStatus status = CNN_OK;
    if (!png_image_write_to_memory(&image, memory, &bytes, 0, canvas->pixels, 0, NULL))
        status = cnn_fail(error, CNN_NO_RESOURCE, "the picture cannot be made: %s", image.message);
    if (status == CNN_OK)
        status = cnn_file_create(path, &file, error);
    if (status == CNN_OK) {
        status = cnn_file_write(&file, memory, bytes, error);
        if (status == CNN_OK)
            status = cnn_file_commit(&file, error);
        else
            cnn_file_abandon(&file);
    }
    free(memory);
    return status;
}

CnnStatus heat_write(const Heat *heat, const char *path, CnnError *error)
{
    const SheetCell *seen = heat->seen, *original = heat->original;
    int64_t longer = seen->height > seen->width ? seen->height : seen->width;
    int64_t times = (SIDE_LEAST + longer - 1) / longer;
    int64_t height = seen->height * times, right = seen->width * times;
    height = height < ROW_LEAST ? ROW_LEAST : height;
    int64_t left = original->width * height / original->height, most = 4 * (height + right);
    left = left < 1 ? 1 : left > most ? most : left;
    Canvas canvas = {.height = height, .width = left + GAP + right};
    canvas.pixels = malloc((size_t)(canvas.height * canvas.width * CHANNELS));
    if (!canvas.pixels)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a picture");
    draw(heat, height, left, right, &canvas);
    CnnStatus status = write_png(&canvas, path, error);
    free(canvas.pixels);
    return status;
}
