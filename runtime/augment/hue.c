/* `hue 5%`. */
#include "runtime/augment/augment.h"

#include <math.h>

enum { HUE_BLOCK = 64 }; /* pixels that are turned at once */

typedef struct {
    double amount;
} HueArgs;

static const Field hue_fields[] = {
    FIELD(HueArgs, amount, FIELD_SHARE, .least = 0, .most = 0.5,
          .doc = "the most that hues are turned to either side, as a share of the whole circle of colours"),
    FIELDS_END,
};
const Schema hue_schema = {
    .word = "hue",
    .doc = "Turns the hue of all pixels by one angle that is uniform between minus and plus the given one; "
           "50% reaches every hue.",
    .source = "Smith, Color gamut transform pairs, 1978 (HSV); torchvision, ColorJitter, hue",
    .places = IN_AUGMENT,
    .fields = hue_fields,
    .args_bytes = sizeof(HueArgs),
    .example = "hue 5%",
};

/* How far red (0), green (2) or blue (4) lies below the largest of the three, as a share of the chroma. */
static inline float colour_fall(float hue, float primary)
{
    float distance = fabsf(hue - primary);
    distance = distance > 3 ? 6 - distance : distance; /* around the circle */
    distance = distance < 1 ? 1 : distance;
    return distance > 2 ? 1 : distance - 1;
}

/* Turns the hues of colours, each of them between 0 and 1: 0 … 6, red at 0, green at 2, blue at 4. */
static inline void colours_turn(float turn, float *red, float *green, float *blue)
{
    for (int i = 0; i < HUE_BLOCK; i++) {
        float r = red[i], g = green[i], b = blue[i];
        float most = r > g ? r : g, least = r < g ? r : g;
        most = most > b ? most : b;
        least = least < b ? least : b;
        float chroma = most - least,
              share = 1 / (chroma > 0 ? chroma : 1); /* the hue of grey does not matter */
        float from_red = (g - b) * share, from_green = (b - r) * share + 2, from_blue = (r - g) * share + 4;
        float hue = (most == r ? from_red : most == g ? from_green : from_blue) + turn;
        hue = hue < 0 ? hue + 6 : hue;
        hue = hue >= 6 ? hue - 6 : hue;
        red[i] = most - chroma * colour_fall(hue, 0);
        green[i] = most - chroma * colour_fall(hue, 2);
        blue[i] = most - chroma * colour_fall(hue, 4);
    }
}

/* A block of pixels at a time, its channels apart, so that compilers find vectors in it. */
PIXEL_LOOP
static void pixels_turn(const Layout *layout, float turn, int64_t pixels, float *value)
{
    float share[3][HUE_BLOCK] = {{0}};
    float extent[3], inverse[3];
    for (int c = 0; c < 3; c++) {
        extent[c] = layout->white[c] - layout->black[c];
        inverse[c] = 1 / extent[c];
    }
    for (; pixels > 0; pixels -= HUE_BLOCK, value += 3 * HUE_BLOCK) {
        int64_t block = pixels < HUE_BLOCK ? pixels : HUE_BLOCK;
        for (int64_t i = 0; i < block; i++)
            for (int c = 0; c < 3; c++)
                share[c][i] = (value[3 * i + c] - layout->black[c]) * inverse[c];
        colours_turn(turn, share[0], share[1], share[2]);
        for (int64_t i = 0; i < block; i++)
            for (int c = 0; c < 3; c++)
                value[3 * i + c] = channel_clip(layout, c, layout->black[c] + share[c][i] * extent[c]);
    }
}

static CnnStatus hue_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                            CnnError *error)
{
    (void)error;
    double amount = ((const HueArgs *)args)->amount;
    const Picture *picture = sample->now;
    pixels_turn(layout, (float)(6 * draw_between(draw, -amount, amount)), picture->height * picture->width,
                picture->data);
    return CNN_OK;
}

const AugmentKind augment_hue = {
    .schema = &hue_schema, .change = hue_change, .wants_range = true, .wants_colour = true};
