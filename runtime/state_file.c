/* Between tensors of the device and tensors of a file. A file is compared as a whole before anything is taken
 * from it, so that a training never starts from half of one. */
#include "runtime/state_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/average.h"
#include "runtime/data/files.h"
#include "runtime/data/loose.h"
#include "runtime/init.h"

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

/* Whether a tensor of the file is this one. */
static bool is_same(const NamedTensor *found, const CnnTensor *tensor)
{
    return found->dtype == tensor->dtype && found->rank == tensor->rank &&
           memcmp(found->dim, tensor->dim, (size_t)tensor->rank * sizeof *tensor->dim) == 0;
}

const NamedTensor *cnn_state_find(const WeightFile *file, const char *name)
{
    char averaged[512];
    int length = snprintf(averaged, sizeof averaged, AVERAGE_PREFIX "%s", name);
    const NamedTensor *plain = cnn_weights_find(file, name), *average = NULL;
    if (plain && length > 0 && (size_t)length < sizeof averaged)
        average = cnn_weights_find(file, averaged);
    return average ? average : plain;
}

static CnnStatus match_tensor(const CnnTensor *tensor, const NamedTensor *found, const char *path,
                              CnnError *error)
{
    char wanted[160], has[160];
    if (is_same(found, tensor))
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
    return strncmp(name, STATE_BEST_PREFIX, strlen(STATE_BEST_PREFIX)) == 0;
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
        const NamedTensor *found = cnn_state_find(file, tensor->name);
        if (found) {
            match->other = tensor->name;
            TRY(match_tensor(tensor, found, path, error));
            match->other = NULL;
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

CnnStatus cnn_state_match_whole(const CnnImage *image, CnnData *data, const WeightFile *file,
                                const char *path, StateMatch *match, CnnError *error)
{
    TRY(cnn_state_match(image, data, file, path, match, error));
    if (match->found < match->wanted)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' lacks %d of the network's %d tensors: %s", path,
                        match->wanted - match->found, match->wanted, match->missing);
    if (match->measured || cnn_data_measured_count(data) == 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "'%s' lacks what the data measure of the training part ('%s'), which is not looked at "
                    "here: the weights were trained with other stages",
                    path, cnn_data_measured(data, 0)->name);
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

void cnn_state_load(CnnDevice *device, const CnnImage *image, const WeightFile *file, bool everything)
{
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const NamedTensor *found = NULL;
        if (everything)
            found = cnn_weights_find(file, tensor->name);
        else if (tensor->in_weights)
            found = cnn_state_find(file, tensor->name);
        if (found && is_same(found, tensor))
            memcpy(cnn_device_tensor(device, tensor), found->data, cnn_tensor_bytes(tensor));
    }
}

int64_t cnn_state_missing(const CnnImage *image, const WeightFile *file)
{
    int64_t missing = 0;
    for (int i = 0; i < image->tensor_count; i++) {
        const NamedTensor *found = cnn_weights_find(file, image->tensors[i].name);
        missing += !found || !is_same(found, &image->tensors[i]);
    }
    return missing;
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

CnnStatus cnn_state_check(const CnnTensor *tensor, const void *data, CnnError *error)
{
    int64_t bad = find_not_finite(tensor, data);
    return bad < 0 ? CNN_OK
                   : cnn_fail(error, CNN_DIVERGED,
                              "element %" PRId64 " of '%s' is not finite; no weights were written", bad,
                              tensor->name);
}

NamedTensor cnn_state_named(const CnnTensor *tensor, const void *data)
{
    NamedTensor named = {tensor->name, tensor->dtype, tensor->rank, {0}, (void *)data};
    memcpy(named.dim, tensor->dim, sizeof named.dim);
    return named;
}

NamedTensor cnn_state_measured(const Measured *measured)
{
    return (NamedTensor){measured->name, DTYPE_F32, 1, {measured->count}, measured->value};
}

/* The weights of the device and the measured values, by name. `list` has room for all. */
static CnnStatus list_weights(CnnDevice *device, const CnnImage *image, CnnData *data, NamedTensor *list,
                              int *count, CnnError *error)
{
    *count = 0;
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!tensor->in_weights)
            continue;
        list[*count] = cnn_state_named(tensor, cnn_device_read(device, tensor));
        TRY(cnn_device_wait(device, error));
        TRY(cnn_state_check(tensor, list[(*count)++].data, error));
    }
    for (int i = 0; i < cnn_data_measured_count(data); i++)
        list[(*count)++] = cnn_state_measured(cnn_data_measured(data, i));
    return CNN_OK;
}

static char *number_text(int64_t number)
{
    char *text;
    return asprintf(&text, "%" PRId64, number) < 0 ? NULL : text;
}

CnnStatus cnn_state_metadata(const CnnImage *image, const CnnData *data, int64_t epoch, int64_t step,
                             char **metadata, int room, CnnError *error)
{
    char *classes = cnn_data_names_text(data), form[SAMPLE_FORM_BYTES];
    cnn_data_form_text(data, form);
    bool good = classes != NULL;
    if (classes && !*classes) {
        free(classes);
        classes = NULL;
    }
    struct {
        const char *key;
        char *value;
    } pairs[] = {{"model", strdup(image->recipe.model_name)},
                 {"epoch", number_text(epoch)},
                 {"step", number_text(step)},
                 {SAMPLE_FORM_KEY, strdup(form)},
                 {CLASSES_KEY, classes}};
    enum { PAIRS = sizeof pairs / sizeof pairs[0] };
    int count = 0;
    for (int i = 0; i < PAIRS; i++) {
        if (i + 1 == PAIRS && !classes)
            break; /* data without classes */
        char *key = strdup(pairs[i].key);
        if (!key || !pairs[i].value || !good || count + 2 > room) {
            good = false;
            free(key);
            free(pairs[i].value);
            continue;
        }
        metadata[count++] = key;
        metadata[count++] = pairs[i].value;
    }
    return good ? CNN_OK : cnn_fail(error, CNN_NO_RESOURCE, "no memory for what a weight file says");
}

CnnStatus cnn_state_save(CnnDevice *device, const CnnImage *image, CnnData *data, const char *path,
                         int64_t epoch, int64_t step, CnnError *error)
{
    enum { METADATA = 16 };
    char *metadata[METADATA + 1] = {0};
    int count;
    size_t room = (size_t)image->tensor_count + (size_t)cnn_data_measured_count(data) + 1;
    NamedTensor *list = calloc(room, sizeof *list);
    CnnStatus status =
        list ? CNN_OK : cnn_fail(error, CNN_NO_RESOURCE, "no memory for the list of the weights");
    if (status == CNN_OK)
        status = cnn_state_metadata(image, data, epoch, step, metadata, METADATA, error);
    if (status == CNN_OK)
        status = list_weights(device, image, data, list, &count, error);
    if (status == CNN_OK)
        status = cnn_weights_save(path, list, count, (const char *const *)metadata, error);
    for (int i = 0; metadata[i]; i++)
        free(metadata[i]);
    free(list);
    return status;
}
