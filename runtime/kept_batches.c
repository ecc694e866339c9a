#include "runtime/kept_batches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void set_sizes(const CnnImage *image, int64_t samples, KeptBatches *batches)
{
    uint64_t values = (uint64_t)samples, labels = (uint64_t)samples * (uint64_t)image->label_width;
    for (int d = 0; d < image->input_shape.count; d++)
        values *= (uint64_t)image->input_shape.value[d];
    batches->samples = samples;
    batches->input_bytes = values * dtype_bytes(image->input_dtype);
    batches->label_bytes = labels * 4;
}

static CnnStatus keep(KeptBatches *batches, const Batch *batch, CnnError *error)
{
    uint64_t at = (uint64_t)batches->count + 1;
    char *input = realloc(batches->input, at * batches->input_bytes);
    batches->input = input ? input : batches->input;
    char *label = realloc(batches->label, at * batches->label_bytes);
    batches->label = label ? label : batches->label;
    int64_t *first = realloc(batches->first, at * sizeof *first);
    batches->first = first ? first : batches->first;
    if (!input || !label || !first)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for %" PRIu64 " batches of pictures", at);
    memcpy(input + (at - 1) * batches->input_bytes, batch->input, batches->input_bytes);
    memcpy(label + (at - 1) * batches->label_bytes, batch->label, batches->label_bytes);
    first[batches->count++] = batch->first;
    return CNN_OK;
}

CnnStatus cnn_batches_keep(const CnnImage *image, CnnLoader *loader, int64_t wanted, uint64_t most_bytes,
                           KeptBatches *out, CnnError *error)
{
    *out = (KeptBatches){0};
    TRY(cnn_loader_start(loader, 0, 0, error));
    while (out->count < wanted) {
        Batch batch;
        TRY(cnn_loader_next(loader, &batch, error));
        if (batch.samples == 0 || (out->samples && batch.samples != out->samples))
            break;
        set_sizes(image, batch.samples, out);
        TRY(keep(out, &batch, error));
        if ((uint64_t)(out->count + 1) * out->input_bytes > most_bytes)
            break;
    }
    cnn_loader_stop(loader);
    if (out->count == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "the training part has no samples");
    return CNN_OK;
}

void cnn_batches_free(KeptBatches *batches)
{
    free(batches->input);
    free(batches->label);
    free(batches->first);
    *batches = (KeptBatches){0};
}

Batch cnn_batches_get(const KeptBatches *batches, int64_t number)
{
    return (Batch){.input = (const void *)(batches->input + (uint64_t)number * batches->input_bytes),
                   .label = batches->label + (uint64_t)number * batches->label_bytes,
                   .samples = batches->samples,
                   .first = batches->first[number]};
}
