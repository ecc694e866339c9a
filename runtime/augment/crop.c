/* `crop pad=4px`: the picture moved by whole pixels inside a margin; `crop random=64x64`: a smaller piece of
 * it; with `scale`, a piece of any size and proportions, brought to that size. */
#include "runtime/augment/augment.h"

#include <math.h>

typedef struct {
    Length pad;
    Dims random;
    Range scale, ratio;
} CropArgs;

static const Field crop_fields[] = {
    FIELD(CropArgs, pad, FIELD_LENGTH, .preset = "", .least = 0, .most = 16384, .named_only = true,
          .doc = "margin that is put around the picture before a piece of its size is cut out, filled as "
                 "`fill` says"),
    FIELD(CropArgs, random, FIELD_WINDOW, .preset = "", .least = 1, .most = 16384, .named_only = true,
          .doc = "height x width of the piece that is cut out; for validation and test it is the middle"),
    FIELD(CropArgs, scale, FIELD_RANGE, .preset = "", .least = 0.0001, .most = 1, .named_only = true,
          .doc = "range of the share of the picture's area that is cut out and then brought to the size of "
                 "random; for validation and test it is the largest middle piece of that size's proportions"),
    FIELD(CropArgs, ratio, FIELD_RANGE, .preset = "0.75..1.3333333333333333", .least = 0.01, .most = 100,
          .named_only = true, .doc = "range of that piece's width over its height, with scale"),
    FIELDS_END,
};
const Schema crop_schema = {
    .word = "crop",
    .doc = "Cuts a piece out at random, by whole pixels: with pad, of the same size out of the picture with "
           "a margin around it; with random, a smaller one. With random and scale, a piece of "
           "random area and proportions, enlarged or reduced to that size.",
    .source = "He et al., Deep residual learning, section 4.2; torchvision, RandomResizedCrop",
    .places = IN_AUGMENT,
    .fields = crop_fields,
    .args_bytes = sizeof(CropArgs),
    .example = "crop pad=4px",
};

static bool crop_scales(const CropArgs *crop)
{
    return crop->scale.high > 0;
}

static CnnStatus crop_plan(const void *args, Layout *layout, CnnError *error)
{
    const CropArgs *crop = args;
    bool piece = crop->random.count > 0;
    if (piece == (crop->pad.value > 0))
        return cnn_fail(error, CNN_BAD_INPUT, "'crop' needs either pad= or random=");
    if (!piece && crop_scales(crop))
        return cnn_fail(error, CNN_BAD_INPUT, "'crop' takes scale= only with random=");
    if (!piece)
        return CNN_OK;
    int64_t height = crop->random.value[0], width = crop->random.value[1];
    if (!crop_scales(crop) && (height > layout->height || width > layout->width))
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

/* The part of a picture that is cut out: whole pixels from (top, left). */
typedef struct {
    double top, left, height, width;
} Piece;

/* The largest piece of the proportions `ratio`, width over height, in the middle. */
static Piece piece_middle(double height, double width, double ratio)
{
    Piece piece = {.height = height, .width = width};
    if (width / height < ratio)
        piece.height = fmax(round(width / ratio), 1);
    else
        piece.width = fmax(round(height * ratio), 1);
    piece.top = floor((height - piece.height) / 2);
    piece.left = floor((width - piece.width) / 2);
    return piece;
}

/* As torchvision's RandomResizedCrop.get_params: ten tries, then the middle. */
static Piece piece_draw(const CropArgs *crop, Draw *draw, double height, double width)
{
    enum { TRIES = 10 };
    for (int i = 0; i < TRIES; i++) {
        double area = height * width * draw_between(draw, crop->scale.low, crop->scale.high);
        double ratio = exp(draw_between(draw, log(crop->ratio.low), log(crop->ratio.high)));
        Piece piece = {.height = round(sqrt(area / ratio)), .width = round(sqrt(area * ratio))};
        if (piece.height < 1 || piece.width < 1 || piece.height > height || piece.width > width)
            continue;
        piece.top = floor(draw_unit(draw) * (height - piece.height + 1));
        piece.left = floor(draw_unit(draw) * (width - piece.width + 1));
        return piece;
    }
    return piece_middle(height, width, fmin(fmax(width / height, crop->ratio.low), crop->ratio.high));
}

static void crop_map_scaled(const CropArgs *crop, Draw *draw, AugmentMap *map)
{
    double height = (double)map->height, width = (double)map->width;
    double out_height = (double)crop->random.value[0], out_width = (double)crop->random.value[1];
    Piece piece =
        draw ? piece_draw(crop, draw, height, width) : piece_middle(height, width, out_width / out_height);
    map_compose(map,
                (const double[2][3]){{piece.height / out_height, 0, piece.top + (piece.height - height) / 2},
                                     {0, piece.width / out_width, piece.left + (piece.width - width) / 2}});
    map->height = crop->random.value[0];
    map->width = crop->random.value[1];
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
    if (crop_scales(crop)) {
        crop_map_scaled(crop, draw, map);
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
