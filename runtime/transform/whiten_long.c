/* `whiten` of so many values that their covariances fill no matrix: the directions of the largest variance
 * are measured (sketch.h), and all others are taken to have one variance, the mean of what is left. So the
 * map is x -> r x + V' (s - r) V x, with the directions V, a factor s for each, and r for the rest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/transform/projection.h"
#include "runtime/transform/sketch.h"
#include "runtime/transform/whiten.h"

enum { MEASURED_MEAN, MEASURED_DIRECTIONS, MEASURED_FACTORS, MEASURED_COUNT };

typedef struct {
    Transform transform;
    double epsilon;
    int64_t values, count;
    Measured
        measured[MEASURED_COUNT]; /* directions: [count, values]; factors: [count], and that of the rest */
    Projection projection;        /* to what a sample is in the directions */
    Sketch sketch;
    bool again; /* the sketch needs another pass */
} WhitenLong;

static CnnStatus whiten_begin(Transform *transform, CnnError *error)
{
    return sketch_open(&((WhitenLong *)transform)->sketch, error);
}

static size_t whiten_bytes(const Transform *transform)
{
    return sketch_bytes(&((const WhitenLong *)transform)->sketch);
}

static void whiten_add(const Transform *transform, void *state, const Picture *sample)
{
    sketch_add(&((const WhitenLong *)transform)->sketch, state, sample->data, sample->dtype);
}

static void whiten_merge(const Transform *transform, void *state, const void *later)
{
    sketch_merge(&((const WhitenLong *)transform)->sketch, state, later);
}

/* variance: [sketch.columns], falling. */
static void whiten_settle(WhitenLong *whiten, const double *variance, double all)
{
    const Sketch *sketch = &whiten->sketch;
    float *factor = whiten->measured[MEASURED_FACTORS].value;
    int64_t n = whiten->values, count = whiten->count;
    double rest = all;
    for (int64_t k = 0; k < count; k++) {
        double of = variance[k] > 0 ? variance[k] : 0;
        factor[k] = (float)(1 / sqrt(of + whiten->epsilon));
        rest -= of;
        for (int64_t j = 0; j < n; j++)
            whiten->measured[MEASURED_DIRECTIONS].value[k * n + j] =
                (float)sketch->range[j * sketch->columns + k];
    }
    factor[count] = (float)(1 / sqrt((rest > 0 ? rest / (double)(n - count) : 0) + whiten->epsilon));
    for (int64_t j = 0; j < n; j++)
        whiten->measured[MEASURED_MEAN].value[j] = (float)sketch->mean[j];
}

static CnnStatus whiten_finish(Transform *transform, void *state, CnnError *error)
{
    WhitenLong *whiten = (WhitenLong *)transform;
    SketchResult result;
    TRY(sketch_finish(&whiten->sketch, state, &result, error));
    whiten->again = result.again;
    if (result.again)
        return CNN_OK;
    if (result.all <= 0)
        return cnn_fail(error, CNN_BAD_INPUT, "'whiten' finds nothing to whiten: all %lld samples are alike",
                        (long long)result.vectors);
    whiten_settle(whiten, result.variance, result.all);
    free(result.variance);
    sketch_close(&whiten->sketch);
    return CNN_OK;
}

static bool whiten_again(const Transform *transform)
{
    return ((const WhitenLong *)transform)->again;
}

static Measured *whiten_measured(Transform *transform, int index)
{
    return &((WhitenLong *)transform)->measured[index];
}

static void whiten_ready(Transform *transform)
{
    WhitenLong *whiten = (WhitenLong *)transform;
    for (int64_t k = 0; k < whiten->count; k++)
        for (int64_t j = 0; j < whiten->values; j++)
            whiten->projection.matrix[j * whiten->count + k] =
                whiten->measured[MEASURED_DIRECTIONS].value[k * whiten->values + j];
}

/* value: a sample, which becomes what is whitened; shadow: what it is in the directions. */
PIXEL_LOOP
static void whiten_values(const WhitenLong *whiten, const float *shadow, float *value)
{
    const float *mean = whiten->measured[MEASURED_MEAN].value,
                *direction = whiten->measured[MEASURED_DIRECTIONS].value,
                *factor = whiten->measured[MEASURED_FACTORS].value;
    int64_t n = whiten->values;
    float rest = factor[whiten->count];
    for (int64_t j = 0; j < n; j++)
        value[j] = rest * (value[j] - mean[j]);
    for (int64_t k = 0; k < whiten->count; k++, direction += n) {
        float times = (factor[k] - rest) * shadow[k];
        for (int64_t j = 0; j < n; j++)
            value[j] += times * direction[j];
    }
}

static CnnStatus whiten_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    const WhitenLong *whiten = (const WhitenLong *)transform;
    TRY(projection_apply(&whiten->projection, sample, 1, 1, error)); /* the sample is the spare one then */
    whiten_values(whiten, sample->now->data, sample->spare->data);
    sample_swap(sample);
    return CNN_OK;
}

static void whiten_close(Transform *transform)
{
    WhitenLong *whiten = (WhitenLong *)transform;
    projection_close(&whiten->projection);
    sketch_close(&whiten->sketch);
    for (int i = 0; i < MEASURED_COUNT; i++)
        free(whiten->measured[i].value);
    free(whiten);
}

static CnnStatus whiten_take(WhitenLong *whiten, CnnError *error)
{
    static const char *const names[MEASURED_COUNT] = {"data.whiten.mean", "data.whiten.directions",
                                                      "data.whiten.factors"};
    const int64_t counts[MEASURED_COUNT] = {whiten->values, whiten->count * whiten->values,
                                            whiten->count + 1};
    for (int i = 0; i < MEASURED_COUNT; i++) {
        whiten->measured[i] = (Measured){names[i], counts[i], calloc((size_t)counts[i], sizeof(float))};
        if (!whiten->measured[i].value)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to whiten %lld values",
                            (long long)whiten->values);
    }
    return projection_open(&whiten->projection, whiten->values, whiten->count,
                           whiten->measured[MEASURED_MEAN].value, error);
}

CnnStatus whiten_long_plan(const WhitenArgs *args, const Layout *in, Transform **out, CnnError *error)
{
    static const Fit fit = {.begin = whiten_begin,
                            .state_bytes = whiten_bytes,
                            .add = whiten_add,
                            .merge = whiten_merge,
                            .finish = whiten_finish,
                            .again = whiten_again,
                            .count = MEASURED_COUNT,
                            .measured = whiten_measured,
                            .ready = whiten_ready};
    WhitenLong *whiten = calloc(1, sizeof *whiten);
    if (!whiten)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'whiten'");
    whiten->epsilon = args->epsilon;
    whiten->values = in->height * in->width * in->channels;
    whiten->transform = (Transform){.out = *in, .apply = whiten_apply, .fit = &fit, .close = whiten_close};
    whiten->transform.out.ranged = false;
    whiten->transform.out.rate = 0; /* a sound no more */
    CnnStatus status = sketch_plan(whiten->values, args->components, "whiten", &whiten->sketch, error);
    whiten->count = args->components;
    if (status == CNN_OK)
        status = whiten_take(whiten, error);
    if (status == CNN_OK)
        *out = &whiten->transform;
    else
        whiten_close(&whiten->transform);
    return status;
}
