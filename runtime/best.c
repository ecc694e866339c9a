#include "runtime/best.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/state_file.h"

static uint64_t weights_bytes(const CnnImage *image)
{
    uint64_t bytes = 0;
    for (int i = 0; i < image->tensor_count; i++)
        if (image->tensors[i].in_weights)
            bytes += cnn_tensor_bytes(&image->tensors[i]);
    return bytes;
}

/* Memory for the best weights, and the names that they have in a checkpoint. */
static CnnStatus take_copy(const CnnImage *image, Best *best, CnnError *error)
{
    best->copy = cnn_memory_take(weights_bytes(image));
    best->names = calloc((size_t)image->tensor_count, sizeof *best->names);
    if (!best->copy || !best->names)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the best weights");
    best->count = image->tensor_count;
    for (int i = 0; i < best->count; i++)
        if (asprintf(&best->names[i], STATE_BEST_PREFIX "%s", image->tensors[i].name) < 0) {
            best->names[i] = NULL;
            return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the names of the best weights");
        }
    return CNN_OK;
}

CnnStatus cnn_best_open(const CnnImage *image, bool validation, Best *best, CnnError *error)
{
    const CnnStatement *statement = recipe_find(image->recipe.train, &stop_schema);
    *best = (Best){0};
    if (!statement)
        return cnn_watched_find(image, validation, NULL, validation ? "val_loss" : "loss", &best->watched,
                                error);
    best->args = statement->args;
    TRY(cnn_watched_find(image, validation, statement, best->args->on, &best->watched, error));
    return take_copy(image, best, error);
}

uint64_t cnn_best_bytes(const Best *best, const CnnImage *image)
{
    return best->copy ? weights_bytes(image) : 0;
}

void cnn_best_close(Best *best)
{
    for (int i = 0; i < best->count; i++)
        free(best->names[i]);
    free(best->names);
    free(best->copy);
    *best = (Best){0};
}

/* Copies the weights out of the device, or back into it. */
static void copy_weights(char *copy, CnnDevice *device, const CnnImage *image, bool back)
{
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!tensor->in_weights)
            continue;
        size_t bytes = cnn_tensor_bytes(tensor);
        if (back)
            memcpy(cnn_device_tensor(device, tensor), copy, bytes);
        else
            memcpy(copy, cnn_device_read(device, tensor), bytes);
        copy += bytes;
    }
}

bool cnn_best_update(Best *best, CnnDevice *device, const CnnImage *image, int64_t epoch,
                     const Totals *training, const Totals *validation)
{
    double value = cnn_watched_value(&best->watched, training, validation);
    double gain = cnn_watched_gain(&best->watched, value, best->value);
    if (best->epoch > 0 && gain <= (best->args ? best->args->least : 0)) {
        best->since++;
        return false;
    }
    best->value = value;
    best->epoch = epoch;
    best->since = 0;
    if (best->copy)
        copy_weights(best->copy, device, image, false);
    return true;
}

bool cnn_best_is_over(const Best *best)
{
    return best->args && best->since >= best->args->patience;
}

void cnn_best_restore(const Best *best, CnnDevice *device, const CnnImage *image)
{
    if (best->copy && best->epoch > 0)
        copy_weights(best->copy, device, image, true);
}
