/* `standardize`: each channel, or each value of a sample, gets mean 0 and deviation 1 over the training part.
 * Means and sums of squared differences are merged as in Chan, Golub and LeVeque, "Updating formulae and a
 * pairwise algorithm for computing sample variances", 1979. */
#include <math.h>
#include <stdlib.h>

#include "runtime/transform/transform.h"

typedef struct {
    int per; /* StandardizePer */
} StandardizeArgs;
typedef enum { PER_CHANNEL, PER_PIXEL } StandardizePer; /* the order of the words */

static const Field standardize_fields[] = {
    FIELD(StandardizeArgs, per, FIELD_WORD, .preset = "channel", .words = "channel pixel", .named_only = true,
          .doc = "channel: one mean and deviation for all pixels; pixel: those of each pixel and channel"),
    FIELDS_END,
};
const Schema standardize_schema = {
    .word = "standardize",
    .doc = "Subtracts from each channel its mean, and divides it by its standard deviation. Both are "
           "measured once, on the "
           "training part without augmentation, and kept with the weights. What never changes becomes 0.",
    .places = IN_DATA,
    .fields = standardize_fields,
    .args_bytes = sizeof(StandardizeArgs),
    .example = "standardize",
};

enum { MEASURED_MEAN, MEASURED_DEVIATION, MEASURED_COUNT };

typedef struct {
    Transform transform;
    Layout in;
    int64_t values; /* that have moments of their own: channels, or values of a sample */
    Pointwise pointwise;
    Measured measured[MEASURED_COUNT];
    float *black, *white;
} Standardize;

/* Of one channel, or one value of a sample: how many values, their mean, the sum of the squared differences
 * from it. */
typedef struct {
    double count, mean, squares;
} Moments;

static size_t standardize_bytes(const Transform *transform)
{
    return (size_t)((const Standardize *)transform)->values * sizeof(Moments);
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
    for (int64_t c = 0; c < ((const Standardize *)transform)->values; c++)
        moments_merge((Moments *)state + c, (const Moments *)later + c);
}

static void add_channels(int64_t channels, Moments *state, const Picture *sample)
{
    int64_t pixels = sample->height * sample->width;
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
        moments_merge(state + c, &moments);
    }
}

/* One value of each (Welford's update). */
static void add_pixels(int64_t values, Moments *state, const Picture *sample)
{
    const unsigned char *bytes = sample->dtype == DTYPE_U8 ? sample->data : NULL;
    const float *floats = sample->data;
    double share = 1 / (state->count + 1);
    for (int64_t i = 0; i < values; i++) {
        double value = bytes ? bytes[i] : floats[i], difference = value - state[i].mean;
        state[i].count++;
        state[i].mean += difference * share;
        state[i].squares += difference * (value - state[i].mean);
    }
}

static void standardize_add(const Transform *transform, void *state, const Picture *sample)
{
    const Standardize *standardize = (const Standardize *)transform;
    bool pixels = standardize->values > transform->out.channels;
    (pixels ? add_pixels : add_channels)(standardize->values, state, sample);
}

static void standardize_ready(Transform *transform)
{
    Standardize *standardize = (Standardize *)transform;
    const Layout *in = &standardize->in;
    for (int64_t c = 0; c < standardize->values; c++) {
        double mean = standardize->measured[MEASURED_MEAN].value[c];
        double deviation = standardize->measured[MEASURED_DEVIATION].value[c],
               factor = deviation > 0 ? 1 / deviation : 1;
        pointwise_set(&standardize->pointwise, c, factor, -mean * factor);
        if (transform->out.ranged) {
            standardize->black[c] = (float)((in->black[c] - mean) * factor);
            standardize->white[c] = (float)((in->white[c] - mean) * factor);
        }
    }
}

static CnnStatus standardize_finish(Transform *transform, void *state, CnnError *error)
{
    (void)error;
    Standardize *standardize = (Standardize *)transform;
    const Moments *moments = state;
    for (int64_t c = 0; c < standardize->values; c++) {
        standardize->measured[MEASURED_MEAN].value[c] = (float)moments[c].mean;
        standardize->measured[MEASURED_DEVIATION].value[c] =
            (float)sqrt(moments[c].squares / moments[c].count);
    }
    return CNN_OK;
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
    size_t values = (size_t)standardize->values, channels = (size_t)standardize->in.channels;
    bool taken = true;
    for (int i = 0; i < MEASURED_COUNT; i++) {
        float *value = calloc(values, sizeof *value);
        standardize->measured[i] =
            (Measured){i == MEASURED_MEAN ? "data.mean" : "data.deviation", (int64_t)values, value};
        taken = taken && value;
    }
    standardize->black = calloc(channels, sizeof(float));
    standardize->white = calloc(channels, sizeof(float));
    if (!taken || !standardize->black || !standardize->white)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to standardize %zu values", values);
    return pointwise_open(&standardize->pointwise, (int64_t)values, error);
}

static CnnStatus standardize_plan(const CnnStatement *statement, const Layout *in, Transform **out,
                                  CnnError *error)
{
    const StandardizeArgs *args = statement->args;
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
    standardize->values = in->channels * (args->per == PER_PIXEL ? in->height * in->width : 1);
    standardize->transform = (Transform){.out = *in, .fit = &fit, .close = standardize_close};
    standardize->transform.out.ranged = in->ranged && standardize->values == in->channels;
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

static bool standardize_wants_size(const void *args)
{
    return ((const StandardizeArgs *)args)->per == PER_PIXEL;
}

const TransformKind transform_standardize = {
    .schema = &standardize_schema, .plan = standardize_plan, .wants_size = standardize_wants_size};
