/* The squares of a scene, which `split by=square` gives to one part each. Tiles of neighbouring pixels
 * overlap, so those that lie in squares of several parts are in none: no pixel is in two parts. */
#include <stdlib.h>
#include <string.h>

#include "runtime/data/data.h"
#include "runtime/data/multiband.h"

static int64_t squares_across(const Scene *scene, int64_t side)
{
    return (scene->width + side - 1) / side;
}

static int64_t squares_count(const Scene *scene, int64_t side)
{
    return (scene->height + side - 1) / side * squares_across(scene, side);
}

static int64_t square_of(const MultibandSource *multiband, int64_t side, int64_t sample)
{
    const Scene *scene = multiband->scene;
    int64_t row = multiband->centre[sample] / scene->width, column = multiband->centre[sample] % scene->width;
    return row / side * squares_across(scene, side) + column / side;
}

CnnStatus multiband_square(Source *source, int64_t side, int64_t *group, int64_t *groups, CnnError *error)
{
    const MultibandSource *multiband = (const MultibandSource *)source;
    int64_t count = squares_count(multiband->scene, side);
    int64_t *number =
        malloc((size_t)count * sizeof *number); /* of each square that has samples; -1: none yet */
    if (!number)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld squares", (long long)count);
    memset(number, -1, (size_t)count * sizeof *number);
    *groups = 0;
    for (int64_t i = 0; i < source->info.count; i++) {
        int64_t square = square_of(multiband, side, i);
        if (number[square] < 0)
            number[square] = (*groups)++;
        group[i] = number[square];
    }
    free(number);
    return CNN_OK;
}

/* Whether all squares that a tile has pixels of are in one part. */
static bool tile_in_part(const MultibandSource *multiband, int64_t side, int64_t sample,
                         const unsigned char *part_of, unsigned char part)
{
    const Scene *scene = multiband->scene;
    int64_t row = multiband->centre[sample] / scene->width, column = multiband->centre[sample] % scene->width;
    SceneWindow tile = multiband_clip(scene, multiband_tile(multiband, row, column));
    for (int64_t y = tile.top / side; y <= (tile.top + tile.height - 1) / side; y++)
        for (int64_t x = tile.left / side; x <= (tile.left + tile.width - 1) / side; x++)
            if (part_of[y * squares_across(scene, side) + x] != part)
                return false;
    return true;
}

CnnStatus multiband_part_squares(Source *source, int64_t side, unsigned char *part, CnnError *error)
{
    const MultibandSource *multiband = (const MultibandSource *)source;
    int64_t count = squares_count(multiband->scene, side);
    unsigned char *part_of = malloc((size_t)count); /* each square */
    if (!part_of)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld squares", (long long)count);
    memset(part_of, PART_COUNT, (size_t)count);
    for (int64_t i = 0; i < source->info.count; i++)
        part_of[square_of(multiband, side, i)] = part[i];
    for (int64_t i = 0; i < source->info.count; i++)
        if (!tile_in_part(multiband, side, i, part_of, part[i]))
            part[i] = PART_COUNT;
    free(part_of);
    return CNN_OK;
}
