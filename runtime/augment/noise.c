/* `noise 2%`. */
#include "runtime/augment/augment.h"

#include <math.h>

typedef struct {
    double deviation;
} NoiseArgs;

static const Field noise_fields[] = {
    FIELD(NoiseArgs, deviation, FIELD_SHARE, .least = 0, .most = 1,
          .doc = "standard deviation, as a share of the way from black to white"),
    FIELDS_END,
};
const Schema noise_schema = {
    .word = "noise",
    .doc = "Adds a normally distributed number to each value; no value gets beyond black or white.",
    .source = "Box and Muller, A note on the generation of random normal deviates, 1958",
    .places = IN_AUGMENT,
    .fields = noise_fields,
    .args_bytes = sizeof(NoiseArgs),
    .example = "noise 2%",
};

static void noise_change(const void *args, Draw *draw, const Layout *layout, Picture *picture)
{
    float deviation = (float)((const NoiseArgs *)args)->deviation, *value = picture->data, pair[2] = {0};
    int64_t channels = picture->channels, count = picture->height * picture->width * channels;
    for (int64_t i = 0, c = 0; i < count; i++, c = c + 1 == channels ? 0 : c + 1) {
        if (i % 2 == 0) { /* 1 - u is never 0 */
            float length = sqrtf(-2 * logf((float)(1 - draw_unit(draw))));
            float angle = (float)(draw_unit(draw) * (2 * 3.14159265358979323846));
            pair[0] = length * cosf(angle);
            pair[1] = length * sinf(angle);
        }
        float extent = layout->white[c] - layout->black[c];
        value[i] = channel_clip(layout, c, value[i] + pair[i % 2] * deviation * extent);
    }
}

const AugmentKind augment_noise = {.schema = &noise_schema, .change = noise_change, .wants_range = true};
