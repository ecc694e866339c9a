#include "runtime/average.h"

#include <string.h>

#include "runtime/init.h"

/* The average of a tensor, or NULL. */
static const CnnTensor *find_average(const CnnImage *image, const char *name)
{
    size_t prefix = sizeof AVERAGE_PREFIX - 1;
    for (int i = 0; i < image->tensor_count; i++)
        if (strncmp(image->tensors[i].name, AVERAGE_PREFIX, prefix) == 0 &&
            strcmp(image->tensors[i].name + prefix, name) == 0)
            return &image->tensors[i];
    return NULL;
}

const CnnTensor *cnn_average_shown(const Average *average, const CnnTensor *tensor)
{
    const CnnTensor *kept =
        average->used || !tensor->trainable ? NULL : find_average(average->image, tensor->name);
    return kept ? kept : tensor;
}

static void exchange(char *a, char *b, uint64_t bytes)
{
    char piece[4096];
    for (uint64_t at = 0; at < bytes; at += sizeof piece) {
        size_t size = bytes - at < sizeof piece ? (size_t)(bytes - at) : sizeof piece;
        memcpy(piece, a + at, size);
        memcpy(a + at, b + at, size);
        memcpy(b + at, piece, size);
    }
}

void cnn_average_begin(const Average *average, CnnDevice *device)
{
    const CnnImage *image = average->image;
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const CnnTensor *kept = tensor->trainable ? find_average(image, tensor->name) : NULL;
        if (kept)
            memcpy(cnn_device_tensor(device, kept), cnn_device_read(device, tensor),
                   cnn_tensor_bytes(tensor));
    }
}

void cnn_average_use(Average *average, CnnDevice *device, bool use)
{
    if (average->used == use)
        return;
    average->used = use;
    const CnnImage *image = average->image;
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const CnnTensor *kept = tensor->trainable ? find_average(image, tensor->name) : NULL;
        if (kept)
            exchange(cnn_device_tensor(device, tensor), cnn_device_tensor(device, kept),
                     cnn_tensor_bytes(tensor));
    }
}
