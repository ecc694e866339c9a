/* `normalize`: each sample by itself. */
#include <math.h>
#include <stdlib.h>

#include "runtime/transform/transform.h"

static const Field normalize_fields[] = {FIELDS_END};
const Schema normalize_schema = {
    .word = "normalize",
    .doc = "Subtracts from each sample the mean of all its values, and divides it by their standard "
           "deviation. A "
           "sample of one value becomes 0.",
    .source = "Keras, ImageDataGenerator, samplewise_center and samplewise_std_normalization",
    .places = IN_DATA,
    .fields = normalize_fields,
    .example = "normalize",
};

static CnnStatus normalize_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    (void)transform;
    TRY(sample_to_float(sample, error));
    const Picture *picture = sample->now;
    float *value = picture->data;
    int64_t count = picture->height * picture->width * picture->channels;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        sum += value[i];
    double mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    double deviation = sqrt(squares / (double)count), factor = deviation > 0 ? 1 / deviation : 1;
    for (int64_t i = 0; i < count; i++)
        value[i] = (float)((value[i] - mean) * factor);
    return CNN_OK;
}

static void normalize_close(Transform *transform)
{
    free(transform);
}

static CnnStatus normalize_plan(const CnnStatement *statement, const Layout *in, Transform **out,
                                CnnError *error)
{
    (void)statement;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'normalize'");
    **out = (Transform){.out = *in, .apply = normalize_apply, .close = normalize_close};
    (*out)->out.ranged = false;
    return CNN_OK;
}

const TransformKind transform_normalize = {.schema = &normalize_schema, .plan = normalize_plan};
