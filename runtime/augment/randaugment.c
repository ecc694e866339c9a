/* `randaugment 2, 9`: a few changes of a list, drawn anew for each sample. The list, its strengths and their
 * definitions are torchvision's. */
#include "runtime/augment/tones.h"

#include <math.h>

enum { MAGNITUDES = 30 }; /* the largest */

typedef struct {
    int64_t count, magnitude;
} RandaugmentArgs;

static const Field randaugment_fields[] = {
    FIELD(RandaugmentArgs, count, FIELD_INTEGER, .preset = "2", .least = 1, .most = 16,
          .doc = "changes for each sample; the same one may be drawn twice"),
    FIELD(RandaugmentArgs, magnitude, FIELD_INTEGER, .preset = "9", .least = 0, .most = MAGNITUDES,
          .doc = "their strength"),
    FIELDS_END,
};
const Schema randaugment_schema = {
    .word = "randaugment",
    .doc = "Changes each sample by `count` changes that are drawn from: nothing, shear_x, shear_y (0.3 at "
           "magnitude "
           "30), translate_x, translate_y (150/331 of the side), rotate (30 degrees), brightness, colour, "
           "contrast, "
           "sharpness (factor 1.9 or 0.1), posterize (4 bits), solarize (all), autocontrast, equalize. "
           "Strengths grow "
           "with the magnitude, their directions are drawn. Changes of place come first, as always in "
           "`augment`.",
    .source =
        "Cubuk et al., RandAugment, 2020; torchvision, RandAugment (fill=0 there: write `fill constant`)",
    .places = IN_AUGMENT,
    .fields = randaugment_fields,
    .args_bytes = sizeof(RandaugmentArgs),
    .example = "randaugment 2, 9",
};

/* A change of the list. Of place, of colours, or none of both: nothing. `strength` is 0 … 1, or -1 … 1 where
 * the direction is drawn. */
typedef struct {
    void (*map)(double strength, AugmentMap *map);
    CnnStatus (*change)(double strength, const Layout *layout, Sample *sample, CnnError *error);
    bool directed;
} Option;

/* Sheared along the rows, the uppermost staying where it is; and along the columns. */
static void shear_x(double strength, AugmentMap *map)
{
    double level = 0.3 * strength;
    map_compose(map, (const double[2][3]){{1, 0, 0}, {level, 1, level * (double)map->height / 2}});
}

static void shear_y(double strength, AugmentMap *map)
{
    double level = 0.3 * strength;
    map_compose(map, (const double[2][3]){{1, level, level * (double)map->width / 2}, {0, 1, 0}});
}

static void translate_x(double strength, AugmentMap *map)
{
    map_compose(map,
                (const double[2][3]){{1, 0, 0}, {0, 1, trunc(strength * 150 / 331 * (double)map->width)}});
}

static void translate_y(double strength, AugmentMap *map)
{
    map_compose(map,
                (const double[2][3]){{1, 0, trunc(strength * 150 / 331 * (double)map->height)}, {0, 1, 0}});
}

static void turn(double strength, AugmentMap *map)
{
    double angle = 30 * strength * (3.14159265358979323846 / 180);
    map_compose(map, (const double[2][3]){{cos(angle), -sin(angle), 0}, {sin(angle), cos(angle), 0}});
}

static float factor_of(double strength)
{
    return (float)(1 + 0.9 * strength);
}

static CnnStatus brightness(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    (void)error;
    picture_stretch(layout, layout->black, factor_of(strength), sample->now);
    return CNN_OK;
}

static CnnStatus colour(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    (void)error;
    if (layout->channels == 3)
        picture_saturate(layout, factor_of(strength), sample->now);
    return CNN_OK;
}

static CnnStatus contrast(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    return tones_contrast(layout, factor_of(strength), sample, error);
}

static CnnStatus sharpness(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    return tones_sharpen(layout, factor_of(strength), sample, error);
}

static CnnStatus posterize(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    (void)error;
    tones_posterize(layout, 8 - (int)rint(4 * strength), sample->now);
    return CNN_OK;
}

static CnnStatus solarize(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    (void)error;
    tones_solarize(layout, (float)(1 - strength), sample->now);
    return CNN_OK;
}

static CnnStatus autocontrast(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    (void)strength;
    (void)error;
    tones_autocontrast(layout, sample->now);
    return CNN_OK;
}

static CnnStatus equalize(double strength, const Layout *layout, Sample *sample, CnnError *error)
{
    (void)strength;
    (void)error;
    tones_equalize(layout, sample->now);
    return CNN_OK;
}

static const Option options[] = {
    {NULL, NULL, false},         {shear_x, NULL, true},   {shear_y, NULL, true},    {translate_x, NULL, true},
    {translate_y, NULL, true},   {turn, NULL, true},      {NULL, brightness, true}, {NULL, colour, true},
    {NULL, contrast, true},      {NULL, sharpness, true}, {NULL, posterize, false}, {NULL, solarize, false},
    {NULL, autocontrast, false}, {NULL, equalize, false},
};

/* The next change and its strength. */
static const Option *option_draw(const RandaugmentArgs *args, Draw *draw, double *strength)
{
    size_t count = sizeof options / sizeof *options;
    const Option *option = &options[(size_t)(draw_unit(draw) * (double)count)];
    *strength = (double)args->magnitude / MAGNITUDES;
    if (draw_unit(draw) < 0.5 && option->directed)
        *strength = -*strength;
    return option;
}

/* Both take the same numbers, and each the changes of its kind. */
static void randaugment_map(const void *args, Draw *draw, AugmentMap *map)
{
    const RandaugmentArgs *randaugment = args;
    for (int64_t i = 0; i < randaugment->count; i++) {
        double strength;
        const Option *option = option_draw(randaugment, draw, &strength);
        if (option->map)
            option->map(strength, map);
    }
}

static CnnStatus randaugment_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                                    CnnError *error)
{
    const RandaugmentArgs *randaugment = args;
    for (int64_t i = 0; i < randaugment->count; i++) {
        double strength;
        const Option *option = option_draw(randaugment, draw, &strength);
        if (option->change)
            TRY(option->change(strength, layout, sample, error));
    }
    return CNN_OK;
}

const AugmentKind augment_randaugment = {
    .schema = &randaugment_schema, .map = randaugment_map, .change = randaugment_change, .wants_range = true};
