/* Reading labels, some rows at a time. */
#include "runtime/data/array_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16 };

static int64_t array_columns(const Npy *y)
{
    return y->shape.count == 2 ? y->shape.value[1] : 1;
}

static LabelsKind array_kind(const Npy *y)
{
    return npy_is_text(y->type)   ? LABELS_TEXTS
           : array_columns(y) > 1 ? LABELS_ONE_HOT
           : npy_is_real(y->type) ? LABELS_REALS
                                  : LABELS_INTEGERS;
}

static CnnStatus array_check(const ArrayLabels *labels, const Npy *y, int64_t samples, const char *x_path,
                             CnnError *error)
{
    static const char *const kinds[] = {"integers", "one-hot rows", "texts", "real numbers"};
    char name[NAME_BYTES], x_name[NAME_BYTES];
    LabelsKind kind = array_kind(y);
    name_printable(y->file.path, name);
    if (y->shape.count > 2 || (kind == LABELS_TEXTS && array_columns(y) > 1))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: has %d dimensions%s; one label for each sample is needed",
                        name, y->shape.count, kind == LABELS_TEXTS ? " of text" : "");
    if (y->shape.value[0] != samples)
        return cnn_fail(error, CNN_BAD_INPUT, "%s holds %lld labels, but %s holds %lld samples", name,
                        (long long)y->shape.value[0], name_printable(x_path, x_name), (long long)samples);
    if (labels->count > 0 && labels->kind != kind)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: holds %s, but the labels of the training part are %s",
                        name, kinds[kind], kinds[labels->kind]);
    if (kind == LABELS_ONE_HOT && array_columns(y) > CLASSES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: has rows of %lld numbers, more than there can be classes",
                        name, (long long)array_columns(y));
    if (kind == LABELS_ONE_HOT && labels->count > 0 && labels->classes != array_columns(y))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: has rows of %lld numbers, but the labels of the training part have %lld", name,
                        (long long)array_columns(y), (long long)labels->classes);
    return CNN_OK;
}

static CnnStatus array_reserve(ArrayLabels *labels, const Npy *y, CnnError *error)
{
    size_t count = (size_t)(labels->count + y->shape.value[0]);
    labels->kind = array_kind(y);
    bool real = labels->kind == LABELS_REALS;
    void *old = real ? (void *)labels->real_label : (void *)labels->class_label;
    void *larger = realloc(old, count * (real ? sizeof(float) : sizeof(int32_t)));
    if (!larger)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu labels", count);
    if (real)
        labels->real_label = larger;
    else
        labels->class_label = larger;
    return CNN_OK;
}

static CnnStatus label_one_hot(ArrayLabels *labels, const Npy *y, int64_t row, const double *value,
                               CnnError *error)
{
    char name[NAME_BYTES];
    int64_t columns = array_columns(y), ones = 0, others = 0, class_index = 0;
    for (int64_t c = 0; c < columns; c++) {
        class_index = value[c] == 1 ? c : class_index;
        ones += value[c] == 1;
        others += value[c] != 1 && value[c] != 0;
    }
    if (ones != 1 || others != 0)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: row %lld is not one-hot, a single 1 among zeros; a label is one class or one number",
            name_printable(y->file.path, name), (long long)row);
    labels->class_label[labels->count++] = (int32_t)class_index;
    labels->classes = columns;
    return CNN_OK;
}

static CnnStatus label_number(ArrayLabels *labels, const Npy *y, int64_t row, double value, CnnError *error)
{
    char name[NAME_BYTES];
    name_printable(y->file.path, name);
    if (labels->kind == LABELS_REALS) {
        labels->real_label[labels->count++] = (float)value;
        return isfinite(value)
                   ? CNN_OK
                   : cnn_fail(error, CNN_BAD_INPUT, "%s: label %lld is %g", name, (long long)row, value);
    }
    if (value < 0 || value >= CLASSES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: label %lld is %.0f, but classes are numbered from 0 to at most %d", name,
                        (long long)row, value, CLASSES_MOST - 1);
    labels->class_label[labels->count++] = (int32_t)value;
    return CNN_OK;
}

static CnnStatus label_text(ArrayLabels *labels, const Npy *y, int64_t row, const unsigned char *raw,
                            char *text, CnnError *error)
{
    char name[NAME_BYTES];
    const char *wrong = !npy_to_text(y, raw, text) ? "not text" : *text == '\0' ? "empty" : NULL;
    if (wrong)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: label %lld is %s", name_printable(y->file.path, name),
                        (long long)row, wrong);
    labels->count++;
    return listing_add(&labels->texts, "", text, error);
}

/* Adds `rows` labels from row `first` on. raw, value and text have room for them. */
static CnnStatus array_add_rows(ArrayLabels *labels, const Npy *y, int64_t first, int64_t rows,
                                unsigned char *raw, double *value, char *text, CnnError *error)
{
    int64_t columns = array_columns(y);
    TRY(npy_read(y, (uint64_t)(first * columns), (uint64_t)(rows * columns), raw, error));
    npy_to_double(y->type, raw, (uint64_t)(rows * columns), value);
    for (int64_t i = 0; i < rows; i++) {
        if (labels->kind == LABELS_TEXTS)
            TRY(label_text(labels, y, first + i, raw + (size_t)i * y->element_bytes, text, error));
        else if (labels->kind == LABELS_ONE_HOT)
            TRY(label_one_hot(labels, y, first + i, value + i * columns, error));
        else
            TRY(label_number(labels, y, first + i, value[i], error));
    }
    return CNN_OK;
}

CnnStatus array_labels_add(ArrayLabels *labels, const Npy *y, int64_t samples, const char *x_path,
                           CnnError *error)
{
    TRY(array_check(labels, y, samples, x_path, error));
    TRY(array_reserve(labels, y, error));
    size_t row_bytes = (size_t)array_columns(y) * y->element_bytes;
    int64_t most = row_bytes < BLOCK_BYTES ? (int64_t)(BLOCK_BYTES / row_bytes) : 1;
    unsigned char *raw = malloc((size_t)most * row_bytes);
    double *value = malloc((size_t)(most * array_columns(y)) * sizeof *value);
    char *text = calloc(y->element_bytes + 1, 1);
    CnnStatus status = CNN_OK;
    if (!raw || !value || !text)
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to read labels");
    for (int64_t first = 0; first < samples && status == CNN_OK; first += most) {
        int64_t rows = samples - first < most ? samples - first : most;
        status = array_add_rows(labels, y, first, rows, raw, value, text, error);
    }
    free(raw);
    free(value);
    free(text);
    return status;
}

/* Numbers the classes of texts by the training part. */
static CnnStatus array_number_texts(ArrayLabels *labels, int64_t train, const char *y_path, CnnError *error)
{
    char name[NAME_BYTES], shown[NAME_BYTES];
    const char **label = malloc((size_t)train * sizeof *label);
    if (!label)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld labels", (long long)train);
    for (int64_t i = 0; i < train; i++)
        label[i] = listing_name(&labels->texts, (size_t)i);
    CnnStatus status = class_names_make(&labels->names, label, (size_t)train, y_path,
                                        "y.astype(float) is learnt as numbers", error);
    free(label);
    for (int64_t i = 0; i < labels->count && status == CNN_OK; i++) {
        const char *text = listing_name(&labels->texts, (size_t)i);
        labels->class_label[i] = class_names_find(&labels->names, text);
        if (labels->class_label[i] < 0)
            status =
                cnn_fail(error, CNN_BAD_INPUT, "the class '%s' does not occur in the training part, in %s",
                         name_printable(text, shown), name_printable(y_path, name));
    }
    labels->classes = (int64_t)labels->names.names.count;
    listing_free(&labels->texts);
    return status;
}

CnnStatus array_labels_finish(ArrayLabels *labels, int64_t train, const char *y_path, CnnError *error)
{
    int64_t found;
    if (labels->kind == LABELS_REALS)
        return CNN_OK;
    if (labels->kind == LABELS_TEXTS)
        return array_number_texts(labels, train, y_path, error);
    TRY(labels_classes(labels->class_label, labels->count, y_path, &found, error));
    labels->classes = labels->kind == LABELS_ONE_HOT ? labels->classes : found;
    return CNN_OK;
}

void array_labels_free(ArrayLabels *labels)
{
    free(labels->class_label);
    free(labels->real_label);
    class_names_free(&labels->names);
    listing_free(&labels->texts);
    *labels = (ArrayLabels){0};
}
