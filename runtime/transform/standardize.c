/* `standardize`: each channel gets mean 0 and deviation 1 over the training part. Means and sums of squared
 * differences are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979. */
#include <math.h>
#include <stdlib.h>

#include "runtime/transform/transform.h"

static const Field standardize_fields[] = {FIELDS_END};
const Schema standardize_schema = {
    .word = "standardize",
    .doc = "Subtracts from each channel its mean, and divides it by its standard deviation. Both are "
           "measured once, on the "
           "training part without augmentation, and kept with the weights. A channel that never changes "
           "becomes 0.",
    .places = IN_DATA,
    .fields = standardize_fields,
    .example = "standardize",
};

enum { MEASURED_MEAN, MEASURED_DEVIATION, MEASURED_COUNT };

typedef struct {
    Transform transform;
    Layout in;
    Pointwise pointwise;
    Measured measured[MEASURED_COUNT];
    float *black, *white;
} Standardize;

/* Of one channel: how many values, their mean, the sum of the squared differences from it. */
typedef struct {
    double count, mean, squares;
} Moments;

static size_t standardize_bytes(const Transform *transform)
{
    return (size_t)transform->out.channels * sizeof(Moments);
}

static void moments_merge(Moments *into, const Moments *later)
{
    if (later->count == 0)
        return;
    double count = into->count + later->count, difference = later->mean - into->mean;
    into->squares += later->squares + difference * difference * into->count * later->count / count;
    into->mean += difference * later->count / count;
    into->count = count;
}

static void standardize_merge(const Transform *transform, void *state, const void *later)
{
    for (int64_t c = 0; c < transform->out.channels; c++)
        moments_merge((Moments *)state + c, (const Moments *)later + c);
}

static void standardize_add(const Transform *transform, void *state, const Picture *sample)
{
    int64_t channels = transform->out.channels, pixels = sample->height * sample->width;
    const unsigned char *bytes = sample->dtype == DTYPE_U8 ? sample->data : NULL;
    const float *floats = sample->data;
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0, squares = 0,
               offset = bytes ? bytes[c] : floats[c]; /* keeps the sums of squares small */
        for (int64_t i = c; i < pixels * channels; i += channels) {
            double value = (bytes ? bytes[i] : floats[i]) - offset;
            sum += value;
            squares += value * value;
        }
        double mean = sum / (double)pixels;
        Moments moments = {
            .count = (double)pixels, .mean = mean + offset, .squares = fmax(squares - sum * mean, 0)};
        moments_merge((Moments *)state + c, &moments);
    }
}

static void standardize_ready(Transform *transform)
{
    Standardize *standardize = (Standardize *)transform;
    const Layout *in = &standardize->in;
    for (int64_t c = 0; c < in->channels; c++) {
        double mean = standardize->measured[MEASURED_MEAN].value[c];
        double deviation = standardize->measured[MEASURED_DEVIATION].value[c],
               factor = deviation > 0 ? 1 / deviation : 1;
        pointwise_set(&standardize->pointwise, c, factor, -mean * factor);
        if (in->ranged) {
            standardize->black[c] = (float)((in->black[c] - mean) * factor);
            standardize->white[c] = (float)((in->white[c] - mean) * factor);
        }
    }
}

static void standardize_finish(Transform *transform, const void *state)
{
    Standardize *standardize = (Standardize *)transform;
    const Moments *moments = state;
    for (int64_t c = 0; c < transform->out.channels; c++) {
        standardize->measured[MEASURED_MEAN].value[c] = (float)moments[c].mean;
        standardize->measured[MEASURED_DEVIATION].value[c] =
            (float)sqrt(moments[c].squares / moments[c].count);
    }
}

static Measured *standardize_measured(Transform *transform, int index)
{
    return &((Standardize *)transform)->measured[index];
}

static void standardize_close(Transform *transform)
{
    Standardize *standardize = (Standardize *)transform;
    pointwise_close(&standardize->pointwise);
    for (int i = 0; i < MEASURED_COUNT; i++)
        free(standardize->measured[i].value);
    free(standardize->black);
    free(standardize->white);
    free(standardize);
}

static CnnStatus standardize_fill(Standardize *standardize, CnnError *error)
{
    size_t channels = (size_t)standardize->in.channels;
    bool taken = true;
    for (int i = 0; i < MEASURED_COUNT; i++) {
        float *value = calloc(channels, sizeof *value);
        standardize->measured[i] =
            (Measured){i == MEASURED_MEAN ? "data.mean" : "data.deviation", (int64_t)channels, value};
        taken = taken && value;
    }
    standardize->black = calloc(channels, sizeof(float));
    standardize->white = calloc(channels, sizeof(float));
    if (!taken || !standardize->black || !standardize->white)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu channels", channels);
    return pointwise_open(&standardize->pointwise, (int64_t)channels, error);
}

static CnnStatus standardize_plan(const CnnStatement *statement, const Layout *in, Transform **out,
                                  CnnError *error)
{
    (void)statement;
    static const Fit fit = {.state_bytes = standardize_bytes,
                            .add = standardize_add,
                            .merge = standardize_merge,
                            .finish = standardize_finish,
                            .count = MEASURED_COUNT,
                            .measured = standardize_measured,
                            .ready = standardize_ready};
    Standardize *standardize = calloc(1, sizeof *standardize);
    if (!standardize)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'standardize'");
    standardize->in = *in;
    standardize->transform = (Transform){.out = *in, .fit = &fit, .close = standardize_close};
    CnnStatus status = standardize_fill(standardize, error);
    standardize->transform.pointwise = &standardize->pointwise;
    standardize->transform.out.black = standardize->black;
    standardize->transform.out.white = standardize->white;
    if (status == CNN_OK)
        *out = &standardize->transform;
    else
        standardize_close(&standardize->transform);
    return status;
}

const TransformKind transform_standardize = {.schema = &standardize_schema, .plan = standardize_plan};
