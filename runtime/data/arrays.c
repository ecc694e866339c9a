/* Samples and labels of two .npy files. x stays on disk and is read sample by sample; y is read when the
 * source opens: integers are classes, real numbers are what a regression is to learn. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/decode.h"
#include "runtime/data/labels.h"
#include "runtime/data/npy.h"

typedef struct {
    Source source;
    Npy x;
    uint64_t sample_count; /* elements of a sample */
    int32_t *class_label;  /* or */
    float *real_label;
} ArraysSource;

typedef struct {
    const char *x, *y;
} ArraysArgs;

static const Field arrays_fields[] = {
    FIELD(ArraysArgs, x, FIELD_TEXT, .named_only = true,
          .doc = ".npy file of the samples: samples x height x width x channels, samples x height x width, "
                 "or samples x values"),
    FIELD(ArraysArgs, y, FIELD_TEXT, .named_only = true,
          .doc = ".npy file of the labels, one for each sample: integers are classes (from 0), reals are "
                 "learnt as numbers"),
    FIELDS_END,
};
const Schema arrays_schema = {
    .word = "arrays",
    .doc = "Samples and labels in numpy's .npy files, of types u1 i1 u2 i2 i4 i8 f2 f4 f8 in either byte "
           "order. Samples are "
           "read when they are needed, so the file may be larger than the memory.",
    .source = "numpy.lib.format, versions 1.0 to 3.0",
    .places = IN_DATA | IN_SOURCE,
    .fields = arrays_fields,
    .args_bytes = sizeof(ArraysArgs),
    .example = "arrays x=\"x.npy\", y=\"y.npy\"",
};

/* Height, width and channels of a sample, from the shape of x. */
static CnnStatus arrays_shape(ArraysSource *arrays, CnnError *error)
{
    char name[NAME_BYTES];
    const Npy *x = &arrays->x;
    SourceInfo *info = &arrays->source.info;
    const int64_t *dim = x->shape.value;
    if (x->shape.count < 2 || x->shape.count > 4)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: has %d dimensions; samples x height x width x channels are needed",
                        name_printable(x->path, name), x->shape.count);
    bool flat = x->shape.count == 2;
    info->count = dim[0];
    info->height = flat ? 1 : dim[1];
    info->width = flat ? 1 : dim[2];
    info->channels = flat ? dim[1] : x->shape.count == 4 ? dim[3] : 1;
    arrays->sample_count = x->count / (uint64_t)dim[0];
    static const double ranges[NPY_TYPE_COUNT][2] = {
        [NPY_U1] = {0, 255}, [NPY_I1] = {-128, 127}, [NPY_U2] = {0, 65535}, [NPY_I2] = {-32768, 32767}};
    info->low = ranges[x->type][0];
    info->high = ranges[x->type][1];
    info->ranged = info->low < info->high;
    return CNN_OK;
}

/* Puts one label in its place. */
static CnnStatus arrays_set_label(ArraysSource *arrays, const Npy *y, int64_t i, double value,
                                  CnnError *error)
{
    char name[NAME_BYTES];
    if (arrays->real_label) {
        arrays->real_label[i] = (float)value;
        if (isfinite(value))
            return CNN_OK;
        return cnn_fail(error, CNN_BAD_INPUT, "%s: label %lld is %g", name_printable(y->path, name),
                        (long long)i, value);
    }
    if (value < 0 || value >= CLASSES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: label %lld is %.0f, but classes are numbered from 0 to at most %d",
                        name_printable(y->path, name), (long long)i, value, CLASSES_MOST - 1);
    arrays->class_label[i] = (int32_t)value;
    return CNN_OK;
}

static CnnStatus arrays_read_labels(ArraysSource *arrays, const Npy *y, CnnError *error)
{
    char name[NAME_BYTES], x_name[NAME_BYTES];
    int64_t count = arrays->source.info.count;
    bool column = y->shape.count == 1 || (y->shape.count == 2 && y->shape.value[1] == 1);
    if (!column)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: has %d dimensions; one label for each sample is needed (for one-hot labels: "
                        "y.argmax(1))",
                        name_printable(y->path, name), y->shape.count);
    if (y->shape.value[0] != count)
        return cnn_fail(error, CNN_BAD_INPUT, "%s holds %lld labels, but %s holds %lld samples",
                        name_printable(y->path, name), (long long)y->shape.value[0],
                        name_printable(arrays->x.path, x_name), (long long)count);
    bool real = npy_is_real(y->type);
    void *labels = malloc((size_t)count * sizeof(float));
    *(real ? (void **)&arrays->real_label : (void **)&arrays->class_label) = labels;
    enum { BLOCK = 512 };
    unsigned char raw[BLOCK * 8];
    double value[BLOCK];
    if (!labels)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld labels", (long long)count);
    for (int64_t first = 0; first < count; first += BLOCK) {
        int64_t block = count - first < BLOCK ? count - first : BLOCK;
        TRY(npy_read(y, (uint64_t)first, (uint64_t)block, raw, error));
        npy_to_double(y->type, raw, (uint64_t)block, value);
        for (int64_t i = 0; i < block; i++)
            TRY(arrays_set_label(arrays, y, first + i, value[i], error));
    }
    return real ? CNN_OK
                : labels_classes(arrays->class_label, count, y->path, &arrays->source.info.classes, error);
}

/* The first element that is not finite, or -1. */
static int64_t arrays_find_wrong(const float *value, uint64_t count)
{
    float sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += value[i] * 0; /* 0 for every finite value */
    for (uint64_t i = 0; i < count && sum != 0; i++)
        if (!isfinite(value[i]))
            return (int64_t)i;
    return -1;
}

static CnnStatus arrays_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    (void)want_height;
    (void)want_width;
    const ArraysSource *arrays = (const ArraysSource *)source;
    const SourceInfo *info = &source->info;
    const Npy *x = &arrays->x;
    uint64_t count = arrays->sample_count, first = (uint64_t)index * count;
    unsigned char *raw;
    char name[NAME_BYTES];
    if (x->type == NPY_U1) {
        TRY(picture_reserve(out, info->height, info->width, info->channels, DTYPE_U8, error));
        return npy_read(x, first, count, out->data, error);
    }
    TRY(picture_reserve(out, info->height, info->width, info->channels, DTYPE_F32, error));
    TRY(decoder_bytes(out, (size_t)count * npy_element_bytes(x->type), &raw, error));
    TRY(npy_read(x, first, count, raw, error));
    npy_to_float(x->type, raw, count, out->data);
    int64_t wrong = npy_is_real(x->type) ? arrays_find_wrong(out->data, count) : -1;
    if (wrong >= 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s[%lld]: value %lld is %g", name_printable(x->path, name),
                        (long long)index, (long long)wrong, ((const float *)out->data)[wrong]);
    return CNN_OK;
}

static double arrays_label(Source *source, int64_t index)
{
    const ArraysSource *arrays = (const ArraysSource *)source;
    return arrays->real_label ? arrays->real_label[index] : arrays->class_label[index];
}

static void arrays_name(Source *source, int64_t index, char *out, size_t bytes)
{
    char name[NAME_BYTES];
    snprintf(out, bytes, "%s[%lld]", name_printable(((const ArraysSource *)source)->x.path, name),
             (long long)index);
}

static void arrays_close(Source *source)
{
    ArraysSource *arrays = (ArraysSource *)source;
    npy_close(&arrays->x);
    free(arrays->class_label);
    free(arrays->real_label);
    free(arrays);
}

static CnnStatus arrays_load(ArraysSource *arrays, const ArraysArgs *args, const char *base, CnnError *error)
{
    char path[PATH_MAX];
    Npy y;
    TRY(path_resolve(base, args->x, path, error));
    TRY(npy_open(path, &arrays->x, error));
    TRY(arrays_shape(arrays, error));
    TRY(path_resolve(base, args->y, path, error));
    TRY(npy_open(path, &y, error));
    CnnStatus status = arrays_read_labels(arrays, &y, error);
    npy_close(&y);
    return status;
}

static CnnStatus arrays_open(const void *args, const char *base, Source **out, CnnError *error)
{
    ArraysSource *arrays = calloc(1, sizeof *arrays);
    if (!arrays)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open arrays");
    arrays->source =
        (Source){.read = arrays_sample, .label = arrays_label, .name = arrays_name, .close = arrays_close};
    arrays->source.info.container = true;
    arrays->x.descriptor = -1;
    CnnStatus status = arrays_load(arrays, args, base, error);
    if (status == CNN_OK)
        *out = &arrays->source;
    else
        arrays_close(&arrays->source);
    return status;
}

const SourceKind source_arrays = {.schema = &arrays_schema, .open = arrays_open};
