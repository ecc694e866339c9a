/* Between tensors of the device and tensors of a file. A file is compared as a whole before anything is taken
 * from it, so that a training never starts from half of one. */
#include "runtime/state_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/init.h"

#define CLASSES_KEY "classes" /* of the metadata */

/* "f32 3x3x1x32", for messages. */
static const char *shape_text(Dtype dtype, int rank, const int64_t *dim, char *out, size_t bytes)
{
    int at = snprintf(out, bytes, "%s ", dtype_name(dtype));
    if (rank == 0)
        snprintf(out + at, bytes - (size_t)at, "scalar");
    for (int i = 0; i < rank && at > 0 && (size_t)at < bytes; i++)
        at += snprintf(out + at, bytes - (size_t)at, "%s%" PRId64, i ? "x" : "", dim[i]);
    return out;
}

static CnnStatus match_tensor(const CnnTensor *tensor, const NamedTensor *found, const char *path,
                              CnnError *error)
{
    char wanted[160], has[160];
    if (found->dtype == tensor->dtype && found->rank == tensor->rank &&
        memcmp(found->dim, tensor->dim, (size_t)tensor->rank * sizeof *tensor->dim) == 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "'%s' belongs to another network: its '%s' is %s, this network's is %s", path,
                    tensor->name, shape_text(found->dtype, found->rank, found->dim, has, sizeof has),
                    shape_text(tensor->dtype, tensor->rank, tensor->dim, wanted, sizeof wanted));
}

static void note_missing(StateMatch *match, const char *name)
{
    size_t length = strlen(match->missing), left = sizeof match->missing - length;
    if (strlen(name) + 7 < left)
        snprintf(match->missing + length, left, "%s%s", length ? ", " : "", name);
    else if (left > 5 && (length < 3 || strcmp(match->missing + length - 3, "...") != 0))
        snprintf(match->missing + length, left, ", ...");
}

static CnnStatus match_measured(CnnData *data, const WeightFile *file, const char *path, StateMatch *match,
                                CnnError *error)
{
    int count = cnn_data_measured_count(data), found_count = 0;
    for (int i = 0; i < count; i++) {
        const Measured *measured = cnn_data_measured(data, i);
        const NamedTensor *found = cnn_weights_find(file, measured->name);
        if (!found)
            continue;
        if (found->dtype != DTYPE_F32 || found->rank != 1 || found->dim[0] != measured->count)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'%s' belongs to other data: its '%s' has not %" PRId64 " values", path,
                            measured->name, measured->count);
        found_count++;
    }
    match->measured = count > 0 && found_count == count;
    return CNN_OK;
}

/* Whether the image or its data know a tensor of the file. */
static bool is_known(const CnnImage *image, CnnData *data, const char *name)
{
    for (int i = 0; i < image->tensor_count; i++)
        if (strcmp(image->tensors[i].name, name) == 0)
            return true;
    for (int i = 0; i < cnn_data_measured_count(data); i++)
        if (strcmp(cnn_data_measured(data, i)->name, name) == 0)
            return true;
    return false;
}

CnnStatus cnn_state_match(const CnnImage *image, CnnData *data, const WeightFile *file, const char *path,
                          StateMatch *match, CnnError *error)
{
    *match = (StateMatch){0};
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!tensor->in_weights)
            continue;
        match->wanted++;
        const NamedTensor *found = cnn_weights_find(file, tensor->name);
        if (found) {
            TRY(match_tensor(tensor, found, path, error));
            match->found++;
        } else {
            note_missing(match, tensor->name);
        }
    }
    if (match->found == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' has none of this network's tensors (%s)", path,
                        match->missing);
    for (int i = 0; i < cnn_weights_count(file); i++)
        match->unused += !is_known(image, data, cnn_weights_tensor(file, i)->name);
    return match_measured(data, file, path, match, error);
}

/* The names of the data's classes, each followed by a line's end, as the metadata of a file have them; freed
 * by the caller. NULL: no memory. */
static char *classes_text(const CnnData *data)
{
    char *text = NULL, name[NAME_BYTES];
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    for (int64_t c = 0; c < cnn_data_classes(data); c++)
        fprintf(out, "%s\n", name_printable(cnn_data_class_name(data, c), name));
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

CnnStatus cnn_state_match_classes(const CnnData *data, const WeightFile *file, const char *path,
                                  CnnError *error)
{
    const char *has = cnn_weights_metadata(file, CLASSES_KEY);
    char name[NAME_BYTES];
    for (int64_t c = 0; has && *has && c < cnn_data_classes(data); c++) {
        const char *wanted = name_printable(cnn_data_class_name(data, c), name);
        size_t length = strcspn(has, "\n");
        if (length != strlen(wanted) || memcmp(has, wanted, length) != 0)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'%s' was trained on other classes: its class %" PRId64
                            " is '%.*s', the data's is '%s'",
                            path, c, length < NAME_BYTES ? (int)length : NAME_BYTES, has, wanted);
        has += length + (has[length] == '\n');
    }
    return CNN_OK;
}

void cnn_state_load_measured(CnnData *data, const WeightFile *file)
{
    for (int i = 0; i < cnn_data_measured_count(data); i++) {
        Measured *measured = cnn_data_measured(data, i);
        memcpy(measured->value, cnn_weights_find(file, measured->name)->data,
               (size_t)measured->count * sizeof *measured->value);
    }
    cnn_data_set_measured(data);
}

void cnn_state_load(CnnDevice *device, const CnnImage *image, const WeightFile *file)
{
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const NamedTensor *found = tensor->in_weights ? cnn_weights_find(file, tensor->name) : NULL;
        if (found)
            memcpy(cnn_device_tensor(device, tensor), found->data, cnn_tensor_bytes(tensor));
    }
}

/* Where a tensor's first value that is not finite stands; -1: nowhere. */
static int64_t find_not_finite(const CnnTensor *tensor, const void *data)
{
    if (tensor->dtype != DTYPE_F32)
        return -1;
    const float *value = data;
    for (int64_t i = 0, elements = cnn_tensor_elements(tensor); i < elements; i++)
        if (!isfinite(value[i]))
            return i;
    return -1;
}

/* The device's tensors and the measured values, by name. `list` has room for all. */
static CnnStatus list_tensors(CnnDevice *device, const CnnImage *image, CnnData *data, bool everything,
                              NamedTensor *list, int *count, CnnError *error)
{
    *count = 0;
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!tensor->in_weights && !everything)
            continue;
        NamedTensor *named = &list[(*count)++];
        *named =
            (NamedTensor){tensor->name, tensor->dtype, tensor->rank, {0}, cnn_device_tensor(device, tensor)};
        memcpy(named->dim, tensor->dim, sizeof named->dim);
        int64_t bad = find_not_finite(tensor, named->data);
        if (bad >= 0)
            return cnn_fail(error, CNN_DIVERGED,
                            "element %" PRId64 " of '%s' is not finite; no weights were written", bad,
                            tensor->name);
    }
    for (int i = 0; i < cnn_data_measured_count(data); i++) {
        const Measured *measured = cnn_data_measured(data, i);
        list[(*count)++] = (NamedTensor){measured->name, DTYPE_F32, 1, {measured->count}, measured->value};
    }
    return CNN_OK;
}

CnnStatus cnn_state_save(CnnDevice *device, const CnnImage *image, CnnData *data, const char *path,
                         bool everything, int64_t epoch, int64_t step, CnnError *error)
{
    char *classes = classes_text(data);
    size_t room = (size_t)image->tensor_count + (size_t)cnn_data_measured_count(data) + 1;
    NamedTensor *list = calloc(room, sizeof *list);
    if (!list || !classes) {
        free(list);
        free(classes);
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the list of the weights");
    }
    int count;
    char epoch_text[24], step_text[24];
    snprintf(epoch_text, sizeof epoch_text, "%" PRId64, epoch);
    snprintf(step_text, sizeof step_text, "%" PRId64, step);
    const char *const metadata[] = {"model",   image->recipe.model_name,      "epoch", epoch_text, "step",
                                    step_text, *classes ? CLASSES_KEY : NULL, classes, NULL};
    CnnStatus status = list_tensors(device, image, data, everything, list, &count, error);
    if (status == CNN_OK)
        status = cnn_weights_save(path, list, count, metadata, error);
    free(list);
    free(classes);
    return status;
}
