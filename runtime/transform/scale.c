/* `scale a..b`: what the stored type can hold, 0 to 255 for pictures, is mapped linearly to a … b. */
#include <stdlib.h>

#include "runtime/transform/transform.h"

typedef struct {
    Range to;
} ScaleArgs;

static const Field scale_fields[] = {
    FIELD(ScaleArgs, to, FIELD_RANGE, .doc = "what black and white become"),
    FIELDS_END,
};
const Schema scale_schema = {
    .word = "scale",
    .doc = "Maps the values linearly: 0 and 255 of a picture, or the least and the largest value that the "
           "integers of an "
           "array can hold, become the ends of the range.",
    .places = IN_DATA,
    .fields = scale_fields,
    .args_bytes = sizeof(ScaleArgs),
    .example = "scale 0..1",
};

typedef struct {
    Transform transform;
    Pointwise pointwise;
    float *black, *white;
} Scale;

static void scale_close(Transform *transform)
{
    Scale *scale = (Scale *)transform;
    pointwise_close(&scale->pointwise);
    free(scale->black);
    free(scale->white);
    free(scale);
}

static CnnStatus scale_fill(Scale *scale, const Layout *in, Range to, CnnError *error)
{
    size_t channels = (size_t)in->channels;
    scale->black = calloc(channels, sizeof(float));
    scale->white = calloc(channels, sizeof(float));
    if (!scale->black || !scale->white)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu channels", channels);
    TRY(pointwise_open(&scale->pointwise, in->channels, error));
    for (size_t c = 0; c < channels; c++) {
        double factor = (to.high - to.low) / ((double)in->white[c] - in->black[c]);
        pointwise_set(&scale->pointwise, (int64_t)c, factor, to.low - in->black[c] * factor);
        scale->black[c] = (float)to.low;
        scale->white[c] = (float)to.high;
    }
    scale->transform.pointwise = &scale->pointwise;
    scale->transform.out.black = scale->black;
    scale->transform.out.white = scale->white;
    return CNN_OK;
}

static CnnStatus scale_plan(const CnnStatement *statement, const Layout *in, Transform **out, CnnError *error)
{
    Range to = ((const ScaleArgs *)statement->args)->to;
    if (!in->ranged)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'scale' must know between which values the samples lie, which is not known of "
                        "spectrograms, nor of arrays of this type: leave it out, or use 'standardize'");
    if (!(to.low < to.high))
        return cnn_fail(error, CNN_BAD_INPUT, "'scale' needs a range that is not empty");
    Scale *scale = calloc(1, sizeof *scale);
    if (!scale)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'scale'");
    scale->transform = (Transform){.out = *in, .close = scale_close};
    CnnStatus status = scale_fill(scale, in, to, error);
    if (status == CNN_OK)
        *out = &scale->transform;
    else
        scale_close(&scale->transform);
    return status;
}

const TransformKind transform_scale = {.schema = &scale_schema, .plan = scale_plan};
