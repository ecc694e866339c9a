/* `noise 2%`. */
#include "runtime/augment/augment.h"
#include "runtime/augment/normal.h"

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

static CnnStatus noise_change(const void *args, Draw *draw, const Layout *layout, Sample *sample,
                              CnnError *error)
{
    Picture *picture = sample->now;
    int64_t count = normal_room(picture->height * picture->width * picture->channels);
    TRY(bytes_reserve(sample->work, (size_t)count * sizeof(float), error));
    float *share = (float *)sample->work->data;
    normal_fill(draw, share, count);
    picture_add(layout, share, (float)((const NoiseArgs *)args)->deviation, picture);
    return CNN_OK;
}

const AugmentKind augment_noise = {.schema = &noise_schema, .change = noise_change, .wants_range = true};
