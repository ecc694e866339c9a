/* `whiten`: values that are not correlated and have deviation 1, by the map that changes them least (ZCA). Of
 * more than COVARIANCE_MOST values: whiten_long.c. */
#include <math.h>
#include <stdlib.h>

#include "runtime/transform/covariance.h"
#include "runtime/transform/eigen.h"
#include "runtime/transform/projection.h"
#include "runtime/transform/whiten.h"

static const Field whiten_fields[] = {
    FIELD(WhitenArgs, epsilon, FIELD_REAL, .preset = "1e-6", .least = 1e-12, .most = 1e6, .named_only = true,
          .doc = "added to each variance, so that what hardly varies is not made large"),
    FIELD(WhitenArgs, components, FIELD_INTEGER, .preset = "256", .least = 1, .most = COVARIANCE_MOST,
          .named_only = true,
          .doc = "of more than 4096 values: directions that are measured, those of the largest variance; all "
                 "others are taken to have one variance, their mean"),
    FIELDS_END,
};
const Schema whiten_schema = {
    .word = "whiten",
    .doc = "Makes the values of a sample uncorrelated with each other, with mean 0 and deviation 1, and "
           "otherwise as "
           "like what they were as can be (ZCA). Measured once, on the training part without augmentation, "
           "and kept "
           "with the weights. Needs LAPACK (Debian's liblapacke).",
    .source = "Bell and Sejnowski, 1997; Keras, ImageDataGenerator, zca_whitening and zca_epsilon; of many "
              "values: Halko, Martinsson, Tropp, 2011, algorithms 4.4 and 5.1",
    .places = IN_DATA,
    .fields = whiten_fields,
    .args_bytes = sizeof(WhitenArgs),
    .example = "whiten epsilon=1e-6",
};

enum { MEASURED_MEAN, MEASURED_MATRIX, MEASURED_COUNT };

typedef struct {
    Transform transform;
    double epsilon;
    int64_t values;
    Measured measured[MEASURED_COUNT]; /* the matrix: that of the projection, which is symmetric */
    Projection projection;
} Whiten;

static size_t whiten_bytes(const Transform *transform)
{
    return covariance_bytes(((const Whiten *)transform)->values);
}

static void whiten_add(const Transform *transform, void *state, const Picture *sample)
{
    covariance_add(state, ((const Whiten *)transform)->values, sample->data, sample->dtype);
}

static void whiten_merge(const Transform *transform, void *state, const void *later)
{
    covariance_merge(state, ((const Whiten *)transform)->values, later);
}

/* matrix: sum of the outer products of the eigenvectors, each divided by its deviation. */
PIXEL_LOOP
static void whiten_compose(double *matrix, int64_t n, const double *variance, const double *vectors,
                           double epsilon)
{
    for (int64_t i = 0; i < n * n; i++)
        matrix[i] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < n; k++) {
            double factor = vectors[k * n + i] / sqrt((variance[k] > 0 ? variance[k] : 0) + epsilon);
            for (int64_t j = i; j < n; j++)
                matrix[i * n + j] += factor * vectors[k * n + j];
        }
}

static CnnStatus whiten_finish(Transform *transform, void *state, CnnError *error)
{
    Whiten *whiten = (Whiten *)transform;
    int64_t n = whiten->values, vectors;
    double *work = malloc((size_t)(n * (2 + n)) * sizeof *work);
    if (!work)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to whiten %lld values", (long long)n);
    double *mean = work, *variance = mean + n, *component = variance + n;
    double *matrix = covariance_result(state, n, mean, &vectors);
    CnnStatus status = eigen_symmetric(matrix, n, n, variance, component, error);
    if (status == CNN_OK) {
        float *out = whiten->measured[MEASURED_MATRIX].value;
        whiten_compose(matrix, n, variance, component, whiten->epsilon);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = i; j < n; j++)
                out[i * n + j] = out[j * n + i] = (float)matrix[i * n + j];
        for (int64_t i = 0; i < n; i++)
            whiten->measured[MEASURED_MEAN].value[i] = (float)mean[i];
    }
    free(work);
    return status;
}

static Measured *whiten_measured(Transform *transform, int index)
{
    return &((Whiten *)transform)->measured[index];
}

static void whiten_ready(Transform *transform)
{
    (void)transform; /* the projection uses the measured values themselves */
}

static CnnStatus whiten_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    return projection_apply(&((const Whiten *)transform)->projection, sample, sample->now->height,
                            sample->now->width, error);
}

static void whiten_close(Transform *transform)
{
    Whiten *whiten = (Whiten *)transform;
    free(whiten->measured[MEASURED_MEAN].value);
    projection_close(&whiten->projection);
    free(whiten);
}

static CnnStatus whiten_take(Whiten *whiten, CnnError *error)
{
    int64_t n = whiten->values;
    float *mean = calloc((size_t)n, sizeof *mean);
    whiten->measured[MEASURED_MEAN] = (Measured){"data.whiten.mean", n, mean};
    if (!mean)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to whiten %lld values", (long long)n);
    TRY(projection_open(&whiten->projection, n, n, mean, error));
    whiten->measured[MEASURED_MATRIX] = (Measured){"data.whiten.matrix", n * n, whiten->projection.matrix};
    return CNN_OK;
}

static CnnStatus whiten_plan(const CnnStatement *statement, const Layout *in, Transform **out,
                             CnnError *error)
{
    static const Fit fit = {.state_bytes = whiten_bytes,
                            .add = whiten_add,
                            .merge = whiten_merge,
                            .finish = whiten_finish,
                            .count = MEASURED_COUNT,
                            .measured = whiten_measured,
                            .ready = whiten_ready};
    int64_t values = in->height * in->width * in->channels;
    if (values > COVARIANCE_MOST)
        return whiten_long_plan(statement->args, in, out, error);
    Whiten *whiten = calloc(1, sizeof *whiten);
    if (!whiten)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'whiten'");
    whiten->epsilon = ((const WhitenArgs *)statement->args)->epsilon;
    whiten->values = values;
    whiten->transform = (Transform){.out = *in, .apply = whiten_apply, .fit = &fit, .close = whiten_close};
    whiten->transform.out.ranged = false;
    whiten->transform.out.rate = 0; /* a sound no more */
    CnnStatus status = whiten_take(whiten, error);
    if (status == CNN_OK)
        *out = &whiten->transform;
    else
        whiten_close(&whiten->transform);
    return status;
}

static bool whiten_wants_size(const void *args)
{
    (void)args;
    return true;
}

const TransformKind transform_whiten = {
    .schema = &whiten_schema, .plan = whiten_plan, .wants_size = whiten_wants_size};
