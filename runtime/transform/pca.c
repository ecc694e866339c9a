/* `pca`: the principal components of all values of a sample, or of the channels of each pixel, measured in
 * memory that does not grow with the samples. Up to COVARIANCE_MOST values the covariance is gathered in one
 * pass, and its eigenvectors are exact; of more, the range finder of sketch.h takes several passes. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/transform/covariance.h"
#include "runtime/transform/eigen.h"
#include "runtime/transform/projection.h"
#include "runtime/transform/sketch.h"

typedef struct {
    Amount components, bands;
} PcaArgs;

static const Field pca_fields[] = {
    FIELD(PcaArgs, components, FIELD_AMOUNT, .preset = "", .least = 1, .most = COVARIANCE_MOST,
          .doc =
              "of all values of a sample: how many components, or the share of the variance that they keep"),
    FIELD(PcaArgs, bands, FIELD_AMOUNT, .preset = "", .least = 1, .most = COVARIANCE_MOST, .named_only = true,
          .doc = "the same of the channels of each pixel, which keeps height and width"),
    FIELDS_END,
};
const Schema pca_schema = {
    .word = "pca",
    .doc = "Replaces the values of a sample by their principal components, 1 x 1 x components, the largest "
           "first; "
           "with bands, the channels of each pixel by theirs. Measured once, on the training part without "
           "augmentation, and kept with the weights. A share is measured when the data open, since the "
           "network's "
           "shape depends on it. Of up to 4096 values the components are exact; of more, they are found at "
           "random, in four passes. Needs LAPACK (Debian's liblapacke).",
    .source =
        "Jolliffe, Principal Component Analysis, 2002, signs as in scikit-learn; of many values: Halko, "
        "Martinsson, Tropp, 2011, algorithms 4.4 and 5.1",
    .places = IN_DATA,
    .fields = pca_fields,
    .args_bytes = sizeof(PcaArgs),
    .example = "pca 95%",
};

enum { MEASURED_MEAN, MEASURED_COMPONENTS, MEASURED_SHARES, MEASURED_COUNT };

typedef struct {
    Transform transform;
    Amount wanted;
    int64_t values;                    /* of a vector */
    Measured measured[MEASURED_COUNT]; /* components: [count, values]; shares of the variance: [count] */
    Projection projection;
    Sketch sketch; /* columns 0: the covariance is gathered */
    bool again;    /* the sketch needs another pass */
} Pca;

static int64_t pca_count(const Pca *pca)
{
    return pca->transform.out.channels;
}

static CnnStatus pca_begin(Transform *transform, CnnError *error)
{
    Pca *pca = (Pca *)transform;
    return pca->sketch.columns ? sketch_open(&pca->sketch, error) : CNN_OK;
}

static size_t pca_bytes(const Transform *transform)
{
    const Pca *pca = (const Pca *)transform;
    return pca->sketch.columns ? sketch_bytes(&pca->sketch) : covariance_bytes(pca->values);
}

static void pca_add(const Transform *transform, void *state, const Picture *sample)
{
    const Pca *pca = (const Pca *)transform;
    int64_t count = sample->height * sample->width * sample->channels;
    for (int64_t i = 0; i < count; i += pca->values) {
        const unsigned char *vector =
            (const unsigned char *)sample->data + (size_t)i * dtype_bytes(sample->dtype);
        if (pca->sketch.columns)
            sketch_add(&pca->sketch, state, vector, sample->dtype);
        else
            covariance_add(state, pca->values, vector, sample->dtype);
    }
}

static void pca_merge(const Transform *transform, void *state, const void *later)
{
    const Pca *pca = (const Pca *)transform;
    if (pca->sketch.columns)
        sketch_merge(&pca->sketch, state, later);
    else
        covariance_merge(state, pca->values, later);
}

#define PCA_SHARES "data.pca.shares"
static const char *const measured_names[MEASURED_COUNT] = {"data.pca.mean", "data.pca.components",
                                                           PCA_SHARES};

/* Takes memory for `count` components. */
static CnnStatus pca_take(Pca *pca, int64_t count, CnnError *error)
{
    const int64_t counts[MEASURED_COUNT] = {pca->values, count * pca->values, count};
    pca->transform.out.channels = count;
    for (int i = 0; i < MEASURED_COUNT; i++) {
        pca->measured[i] = (Measured){measured_names[i], counts[i], calloc((size_t)counts[i], sizeof(float))};
        if (!pca->measured[i].value)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld components",
                            (long long)count);
    }
    return projection_open(&pca->projection, pca->values, count, pca->measured[MEASURED_MEAN].value, error);
}

/* What has been found of the vectors. */
typedef struct {
    int64_t vectors, count;                     /* how many there were; components, the largest first */
    double all;                                 /* variance of the vectors */
    const double *mean, *variance, *components; /* [values], [count], and element j of component k is */
    int64_t next_component, next_value;         /* components[k * next_component + j * next_value] */
} Found;

/* The fewest components that keep more than the share, as in scikit-learn. */
static CnnStatus pca_enough(const Pca *pca, const Found *found, int64_t *count, CnnError *error)
{
    double kept = 0;
    *count = 0;
    while (*count < found->count && kept <= pca->wanted.value * found->all)
        kept += found->variance[(*count)++];
    if (kept > pca->wanted.value * found->all || found->count == pca->values ||
        found->count == found->vectors)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "'pca' finds no more than %lld components of %lld values, which keep %.2f%% of the "
                    "variance: ask for a smaller share, or for a number of components",
                    (long long)found->count, (long long)pca->values, 100 * kept / found->all);
}

static CnnStatus pca_settle(Pca *pca, const Found *found, CnnError *error)
{
    int64_t values = pca->values, count = pca_count(pca);
    if (found->all <= 0)
        return cnn_fail(error, CNN_BAD_INPUT, "'pca' finds no components: all %lld vectors are alike",
                        (long long)found->vectors);
    if (!pca->wanted.share && count > found->vectors)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'pca' is to find %lld components in only %lld training samples", (long long)count,
                        (long long)found->vectors);
    if (pca->wanted.share) {
        TRY(pca_enough(pca, found, &count, error));
        TRY(pca_take(pca, count, error));
    }
    for (int64_t j = 0; j < values; j++)
        pca->measured[MEASURED_MEAN].value[j] = (float)found->mean[j];
    for (int64_t k = 0; k < count; k++) {
        double variance = found->variance[k];
        pca->measured[MEASURED_SHARES].value[k] = (float)(variance > 0 ? variance / found->all : 0);
        for (int64_t j = 0; j < values; j++)
            pca->measured[MEASURED_COMPONENTS].value[k * values + j] =
                (float)found->components[k * found->next_component + j * found->next_value];
    }
    return CNN_OK;
}

static CnnStatus pca_finish_exact(Pca *pca, void *state, CnnError *error)
{
    int64_t values = pca->values, count = pca->wanted.share ? values : pca_count(pca);
    Found found = {.count = count, .next_component = values, .next_value = 1};
    double *work = malloc((size_t)(values * (2 + count)) * sizeof *work);
    if (!work)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld components", (long long)count);
    double *mean = work, *variance = mean + values, *components = variance + values;
    double *matrix = covariance_result(state, values, mean, &found.vectors);
    for (int64_t i = 0; i < values; i++)
        found.all += matrix[i * values + i];
    found.mean = mean;
    found.variance = variance;
    found.components = components;
    CnnStatus status = CNN_OK;
    if (found.all > 0)
        status = eigen_symmetric(matrix, values, count, variance, components, error);
    if (status == CNN_OK)
        status = pca_settle(pca, &found, error);
    free(work);
    return status;
}

static CnnStatus pca_finish_sketch(Pca *pca, void *state, CnnError *error)
{
    SketchResult result;
    TRY(sketch_finish(&pca->sketch, state, &result, error));
    pca->again = result.again;
    if (result.again)
        return CNN_OK;
    int64_t count = pca->wanted.share ? SKETCH_SHARE_MOST : pca_count(pca);
    Found found = {.vectors = result.vectors,
                   .count = count < result.vectors ? count : result.vectors,
                   .all = result.all,
                   .mean = pca->sketch.mean,
                   .variance = result.variance,
                   .components = pca->sketch.range,
                   .next_component = 1,
                   .next_value = pca->sketch.columns};
    CnnStatus status = pca_settle(pca, &found, error);
    free(result.variance);
    sketch_close(&pca->sketch);
    return status;
}

static CnnStatus pca_finish(Transform *transform, void *state, CnnError *error)
{
    Pca *pca = (Pca *)transform;
    return (pca->sketch.columns ? pca_finish_sketch : pca_finish_exact)(pca, state, error);
}

static bool pca_again(const Transform *transform)
{
    return ((const Pca *)transform)->again;
}

static Measured *pca_measured(Transform *transform, int index)
{
    return &((Pca *)transform)->measured[index];
}

static CnnStatus pca_size(Transform *transform, int64_t channels, CnnError *error)
{
    Pca *pca = (Pca *)transform;
    if (channels < 1 || channels > pca->values)
        return cnn_fail(error, CNN_BAD_INPUT, "these samples have %lld values, too few for %lld components",
                        (long long)pca->values, (long long)channels);
    return pca_take(pca, channels, error);
}

static void pca_ready(Transform *transform)
{
    Pca *pca = (Pca *)transform;
    int64_t count = pca_count(pca);
    for (int64_t k = 0; k < count; k++)
        for (int64_t j = 0; j < pca->values; j++)
            pca->projection.matrix[j * count + k] =
                pca->measured[MEASURED_COMPONENTS].value[k * pca->values + j];
}

static void pca_tell(const Transform *transform, char *out, size_t bytes)
{
    const Pca *pca = (const Pca *)transform;
    double kept = 0;
    for (int64_t k = 0; k < pca_count(pca); k++)
        kept += pca->measured[MEASURED_SHARES].value[k];
    snprintf(out, bytes, "pca: %lld components of %lld values keep %.2f%% of the variance",
             (long long)pca_count(pca), (long long)pca->values, 100 * kept);
}

static CnnStatus pca_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    const Pca *pca = (const Pca *)transform;
    bool whole = transform->out.height == 1 && transform->out.width == 1;
    return projection_apply(&pca->projection, sample, whole ? 1 : sample->now->height,
                            whole ? 1 : sample->now->width, error);
}

static void pca_close(Transform *transform)
{
    Pca *pca = (Pca *)transform;
    projection_close(&pca->projection);
    sketch_close(&pca->sketch);
    for (int i = 0; i < MEASURED_COUNT; i++)
        free(pca->measured[i].value);
    free(pca);
}

static CnnStatus pca_check(const PcaArgs *args, int64_t values, const Amount *wanted, CnnError *error)
{
    if ((args->components.value > 0) == (args->bands.value > 0))
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "'pca' takes one number of components or share of the variance: pca 95%%, pca 50, or, of "
            "the channels of each pixel, pca bands=10");
    if (!wanted->share && wanted->value > (double)values)
        return cnn_fail(error, CNN_BAD_INPUT, "'pca' cannot find %g components in %lld values", wanted->value,
                        (long long)values);
    return CNN_OK;
}

static const Fit pca_fit = {.begin = pca_begin,
                            .state_bytes = pca_bytes,
                            .add = pca_add,
                            .merge = pca_merge,
                            .finish = pca_finish,
                            .again = pca_again,
                            .count = MEASURED_COUNT,
                            .measured = pca_measured,
                            .ready = pca_ready,
                            .sized_by = PCA_SHARES,
                            .size = pca_size,
                            .tell = pca_tell};

static CnnStatus pca_plan(const CnnStatement *statement, const Layout *in, Transform **out, CnnError *error)
{
    const PcaArgs *args = statement->args;
    bool bands = args->bands.value > 0;
    const Amount *wanted = bands ? &args->bands : &args->components;
    int64_t values = bands ? in->channels : in->height * in->width * in->channels;
    TRY(pca_check(args, values, wanted, error));
    Pca *pca = calloc(1, sizeof *pca);
    if (!pca)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'pca'");
    pca->values = values;
    pca->wanted = *wanted;
    pca->transform = (Transform){.out = {.height = bands ? in->height : 1, .width = bands ? in->width : 1},
                                 .apply = pca_apply,
                                 .fit = &pca_fit,
                                 .close = pca_close};
    CnnStatus status = CNN_OK;
    if (values > COVARIANCE_MOST)
        status = sketch_plan(values, wanted->share ? SKETCH_SHARE_MOST : (int64_t)wanted->value, "pca",
                             &pca->sketch, error);
    if (status == CNN_OK && !wanted->share)
        status = pca_take(pca, (int64_t)wanted->value, error);
    if (status == CNN_OK)
        *out = &pca->transform;
    else
        pca_close(&pca->transform);
    return status;
}

static bool pca_wants_size(const void *args)
{
    return ((const PcaArgs *)args)->bands.value == 0;
}

const TransformKind transform_pca = {.schema = &pca_schema, .plan = pca_plan, .wants_size = pca_wants_size};
