/* `hue 5%`. */
#include "runtime/augment/augment.h"

#include <math.h>

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

/* The hue of a colour that is not grey: 0 … 6, red at 0, green at 2, blue at 4. */
static float colour_hue(const float *share, float most, float chroma)
{
    if (most == share[0])
        return (share[1] - share[2]) / chroma + (share[1] < share[2] ? 6 : 0);
    if (most == share[1])
        return (share[2] - share[0]) / chroma + 2;
    return (share[0] - share[1]) / chroma + 4;
}

/* How far red (0), green (2) or blue (4) lies below the largest of the three, as a share of the chroma. */
static float colour_fall(float hue, float primary)
{
    float distance = fabsf(hue - primary);
    distance = distance > 3 ? 6 - distance : distance; /* around the circle */
    return distance < 1 ? 0 : distance < 2 ? distance - 1 : 1;
}

static void pixel_turn(const Layout *layout, float turn, float *value)
{
    float extent[3], share[3];
    for (int c = 0; c < 3; c++) {
        extent[c] = layout->white[c] - layout->black[c];
        share[c] = (value[c] - layout->black[c]) / extent[c];
    }
    float most = fmaxf(share[0], fmaxf(share[1], share[2]));
    float chroma = most - fminf(share[0], fminf(share[1], share[2]));
    if (chroma == 0)
        return;
    float hue = colour_hue(share, most, chroma) + turn;
    hue -= 6 * floorf(hue / 6);
    for (int c = 0; c < 3; c++)
        value[c] = channel_clip(
            layout, c, layout->black[c] + (most - chroma * colour_fall(hue, (float)(2 * c))) * extent[c]);
}

static void hue_change(const void *args, Draw *draw, const Layout *layout, Picture *picture)
{
    double amount = ((const HueArgs *)args)->amount;
    float turn = (float)(6 * draw_between(draw, -amount, amount)), *value = picture->data;
    for (int64_t i = 0; i < picture->height * picture->width; i++)
        pixel_turn(layout, turn, value + 3 * i);
}

const AugmentKind augment_hue = {
    .schema = &hue_schema, .change = hue_change, .wants_range = true, .wants_colour = true};
