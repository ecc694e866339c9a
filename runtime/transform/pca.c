/* `pca`: the principal components of all values of a sample, or of the channels of each pixel. The covariance
 * is gathered in one pass, in memory that does not grow with the samples; its eigenvectors are exact. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/transform/covariance.h"
#include "runtime/transform/eigen.h"
#include "runtime/transform/projection.h"

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
           "shape depends on it. Needs LAPACK (Debian's liblapacke).",
    .source = "Jolliffe, Principal Component Analysis, 2002; signs as in scikit-learn",
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
} Pca;

static int64_t pca_count(const Pca *pca)
{
    return pca->transform.out.channels;
}

static size_t pca_bytes(const Transform *transform)
{
    return covariance_bytes(((const Pca *)transform)->values);
}

static void pca_add(const Transform *transform, void *state, const Picture *sample)
{
    int64_t values = ((const Pca *)transform)->values,
            count = sample->height * sample->width * sample->channels;
    const unsigned char *at = sample->data;
    for (int64_t i = 0; i < count; i += values)
        covariance_add(state, values, at + (size_t)i * dtype_bytes(sample->dtype), sample->dtype);
}

static void pca_merge(const Transform *transform, void *state, const void *later)
{
    covariance_merge(state, ((const Pca *)transform)->values, later);
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

/* The fewest components that keep more than the share, as in scikit-learn. */
static int64_t pca_enough(const double *variance, int64_t values, double all, double share)
{
    double kept = 0;
    for (int64_t k = 0; k < values; k++) {
        kept += variance[k];
        if (kept > share * all)
            return k + 1;
    }
    return values;
}

/* mean, variance: [values] each; vectors: the components. */
static CnnStatus pca_settle(Pca *pca, const double *mean, const double *variance, const double *vectors,
                            double all, CnnError *error)
{
    int64_t values = pca->values;
    if (pca->wanted.share)
        TRY(pca_take(pca, pca_enough(variance, values, all, pca->wanted.value), error));
    for (int64_t i = 0; i < values; i++)
        pca->measured[MEASURED_MEAN].value[i] = (float)mean[i];
    for (int64_t i = 0; i < pca_count(pca) * values; i++)
        pca->measured[MEASURED_COMPONENTS].value[i] = (float)vectors[i];
    for (int64_t k = 0; k < pca_count(pca); k++)
        pca->measured[MEASURED_SHARES].value[k] = (float)(variance[k] > 0 ? variance[k] / all : 0);
    return CNN_OK;
}

static CnnStatus pca_finish(Transform *transform, void *state, CnnError *error)
{
    Pca *pca = (Pca *)transform;
    int64_t values = pca->values, vectors, count = pca->wanted.share ? values : pca_count(pca);
    double *work = malloc((size_t)(values * (2 + count)) * sizeof *work), all = 0;
    if (!work)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld components", (long long)count);
    double *mean = work, *variance = mean + values, *component = variance + values;
    double *matrix = covariance_result(state, values, mean, &vectors);
    for (int64_t i = 0; i < values; i++)
        all += matrix[i * values + i];
    CnnStatus status = CNN_OK;
    if (all <= 0)
        status = cnn_fail(error, CNN_BAD_INPUT, "'pca' finds no components: all %lld vectors are alike",
                          (long long)vectors);
    else if (!pca->wanted.share && count > vectors)
        status =
            cnn_fail(error, CNN_BAD_INPUT, "'pca' is to find %lld components in only %lld training samples",
                     (long long)count, (long long)vectors);
    if (status == CNN_OK)
        status = eigen_symmetric(matrix, values, count, variance, component, error);
    if (status == CNN_OK)
        status = pca_settle(pca, mean, variance, component, all, error);
    free(work);
    return status;
}

static Measured *pca_measured(Transform *transform, int index)
{
    return &((Pca *)transform)->measured[index];
}

static CnnStatus pca_size(Transform *transform, int64_t channels, CnnError *error)
{
    Pca *pca = (Pca *)transform;
    if (channels < 1 || channels > pca->values)
        return cnn_fail(error, CNN_BAD_INPUT, "'pca' cannot have %lld components of %lld values",
                        (long long)channels, (long long)pca->values);
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
    return covariance_check(values, "pca", error);
}

static const Fit pca_fit = {.state_bytes = pca_bytes,
                            .add = pca_add,
                            .merge = pca_merge,
                            .finish = pca_finish,
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
    CnnStatus status = wanted->share ? CNN_OK : pca_take(pca, (int64_t)wanted->value, error);
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
