/* `crop pad=4px`: the picture moved by whole pixels inside a margin; `crop random=64x64`: a smaller piece of
 * it. */
#include "runtime/augment/augment.h"

#include <math.h>

typedef struct {
    Length pad;
    Dims random;
} CropArgs;

static const Field crop_fields[] = {
    FIELD(CropArgs, pad, FIELD_LENGTH, .preset = "", .least = 0, .most = 16384, .named_only = true,
          .doc = "margin that is put around the picture before a piece of its size is cut out, filled as "
                 "`fill` says"),
    FIELD(CropArgs, random, FIELD_WINDOW, .preset = "", .least = 1, .most = 16384, .named_only = true,
          .doc = "height x width of the piece that is cut out; for validation and test it is the middle"),
    FIELDS_END,
};
const Schema crop_schema = {
    .word = "crop",
    .doc = "Cuts a piece out at random, by whole pixels: with pad, of the same size out of the picture with "
           "a margin around it; with random, a smaller one.",
    .source = "He et al., Deep residual learning, section 4.2",
    .places = IN_AUGMENT,
    .fields = crop_fields,
    .args_bytes = sizeof(CropArgs),
    .example = "crop pad=4px",
};

static CnnStatus crop_plan(const void *args, Layout *layout, CnnError *error)
{
    const CropArgs *crop = args;
    bool piece = crop->random.count > 0;
    if (piece == (crop->pad.value > 0))
        return cnn_fail(error, CNN_BAD_INPUT, "'crop' needs either pad= or random=");
    if (!piece)
        return CNN_OK;
    int64_t height = crop->random.value[0], width = crop->random.value[1];
    if (height > layout->height || width > layout->width)
        return cnn_fail(error, CNN_BAD_INPUT, "'crop' cannot cut %lld x %lld out of samples of %lld x %lld",
                        (long long)height, (long long)width, (long long)layout->height,
                        (long long)layout->width);
    layout->height = height;
    layout->width = width;
    return CNN_OK;
}

/* A whole number of 0 … most, or the middle. */
static double crop_offset(Draw *draw, int64_t most)
{
    return draw ? floor(draw_unit(draw) * (double)(most + 1)) : (double)(most / 2);
}

static int64_t crop_margin(const Length *pad, int64_t extent)
{
    return (int64_t)round(pad->share ? pad->value * (double)extent : pad->value);
}

static void crop_map(const void *args, Draw *draw, AugmentMap *map)
{
    const CropArgs *crop = args;
    if (crop->random.count == 0) {
        int64_t down = crop_margin(&crop->pad, map->height), across = crop_margin(&crop->pad, map->width);
        double rows = crop_offset(draw, 2 * down) - (double)down,
               columns = crop_offset(draw, 2 * across) - (double)across;
        map_compose(map, (const double[2][3]){{1, 0, rows}, {0, 1, columns}});
        return;
    }
    int64_t height = crop->random.value[0], width = crop->random.value[1];
    double rows = crop_offset(draw, map->height - height) - (double)(map->height - height) / 2;
    double columns = crop_offset(draw, map->width - width) - (double)(map->width - width) / 2;
    map_compose(map, (const double[2][3]){{1, 0, rows}, {0, 1, columns}});
    map->height = height;
    map->width = width;
}

const AugmentKind augment_crop = {.schema = &crop_schema, .plan = crop_plan, .map = crop_map, .always = true};
