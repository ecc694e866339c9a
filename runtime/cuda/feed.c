/* What a step is given, and what it leaves for the host to read. */
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/device_cuda.h"

/* ---- Results ---- */

/* What lies as near as this is copied together: a copy of so many bytes takes no longer than one of few. */
static const uint64_t NEAR_BYTES = 4096;

typedef struct {
    CudaPointer from;
    uint64_t bytes;
    int buffer;
} Wanted;

static int by_place(const void *a, const void *b)
{
    CudaPointer first = ((const Wanted *)a)->from, second = ((const Wanted *)b)->from;
    return (first > second) - (first < second);
}

/* What the runtime reads of a program after each step. Returns how many. */
static int list_wanted(const CudaDevice *device, const CnnProgram *program, Wanted *list)
{
    int buffers[METRICS_MAX + 3], count = 0, kept = 0;
    buffers[count++] = program->loss;
    buffers[count++] = program->finite;
    for (int i = 0; i < program->metric_count; i++)
        buffers[count++] = program->metrics[i].buffer;
    if (program == &device->image->eval)
        buffers[count++] = program->logits;
    for (int i = 0; i < count; i++) {
        const CnnBuffer *buffer = &program->buffers[buffers[i]];
        if (buffers[i] >= 0)
            list[kept++] = (Wanted){cuda_place(device, 0, buffer), buffer->bytes, buffers[i]};
    }
    return kept;
}

/* Where they lie in the feed's results, and the copies that bring them there. */
static void place_results(CudaReady *ready, Wanted *list, int count)
{
    qsort(list, (size_t)count, sizeof *list, by_place);
    for (int i = 0; i < count; i++) {
        CudaResults *last = ready->result_count > 0 ? &ready->results[ready->result_count - 1] : NULL;
        CudaPointer end = list[i].from + list[i].bytes;
        if (!last || list[i].from > last->from + last->bytes + NEAR_BYTES) {
            last = &ready->results[ready->result_count++];
            *last = (CudaResults){.from = list[i].from, .at = ready->result_bytes};
        }
        if (end > last->from + last->bytes)
            last->bytes = end - last->from;
        ready->result_at[list[i].buffer] = last->at + (list[i].from - last->from);
        ready->result_bytes = (last->at + last->bytes + CUDA_LINE - 1) / CUDA_LINE * CUDA_LINE;
    }
}

CnnStatus cuda_results_open(CudaDevice *device, CudaReady *ready, CnnError *error)
{
    Wanted list[METRICS_MAX + 3];
    size_t buffers = (size_t)ready->program->buffer_count;
    ready->result_at = malloc((buffers + 1) * sizeof *ready->result_at);
    ready->results = calloc(METRICS_MAX + 3, sizeof *ready->results);
    if (!ready->result_at || !ready->results)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the places of the results");
    for (size_t i = 0; i < buffers; i++)
        ready->result_at[i] = UINT64_MAX;
    place_results(ready, list, list_wanted(device, ready->program, list));
    return CNN_OK;
}

void cuda_results_close(CudaReady *ready)
{
    free(ready->result_at);
    free(ready->results);
}

CnnStatus cuda_results_copy(CudaDevice *device, const CudaStep *step, CnnError *error)
{
    const CudaReady *ready = step->ready;
    for (int i = 0; i < ready->result_count; i++) {
        const CudaResults *copy = &ready->results[i];
        CUDA_TRY(&device->driver, error, cuMemcpyDtoHAsync, device->feeds[step->feed].results + copy->at,
                 copy->from, (size_t)copy->bytes, device->stream);
    }
    return CNN_OK;
}

void *cuda_result_place(const CudaDevice *device, const CudaReady *ready, int buffer)
{
    uint64_t at = ready->result_at[buffer];
    uint64_t last = device->steps ? device->steps - 1 : 0;
    return at == UINT64_MAX ? NULL : device->feeds[last % CUDA_FEEDS].results + at;
}

/* ---- Feeds ---- */

CnnStatus cuda_feeds_open(CudaDevice *device, CnnError *error)
{
    const CudaDriver *driver = &device->driver;
    uint64_t results = CUDA_LINE;
    for (int i = 0; i < 2; i++)
        if (device->ready[i].result_bytes > results)
            results = device->ready[i].result_bytes;
    for (int i = 0; i < CUDA_FEEDS; i++) {
        CudaFeed *feed = &device->feeds[i];
        CUDA_TRY(driver, error, cuMemAllocHost, (void **)&feed->host, (size_t)device->feed_bytes);
        CUDA_TRY(driver, error, cuMemAllocHost, (void **)&feed->results, (size_t)results);
        CUDA_TRY(driver, error, cuEventCreate, &feed->copied, CUDA_EVENT_UNTIMED);
        CUDA_TRY(driver, error, cuEventCreate, &feed->done, CUDA_EVENT_UNTIMED);
        memset(feed->host, 0, device->feed_bytes);
        memset(feed->results, 0, results);
    }
    return CNN_OK;
}

void cuda_feeds_close(CudaDevice *device)
{
    const CudaDriver *driver = &device->driver;
    for (int i = 0; i < CUDA_FEEDS; i++) {
        const CudaFeed *feed = &device->feeds[i];
        if (feed->memory)
            driver->cuMemFree(feed->memory);
        if (feed->host)
            driver->cuMemFreeHost(feed->host);
        if (feed->results)
            driver->cuMemFreeHost(feed->results);
        if (feed->copied)
            driver->cuEventDestroy(feed->copied);
        if (feed->done)
            driver->cuEventDestroy(feed->done);
    }
}

static CudaFeed *next_feed(CudaDevice *device)
{
    return &device->feeds[device->steps % CUDA_FEEDS];
}

CnnStatus cuda_feed_batch(CudaDevice *device, const void *input, const void *label, int64_t samples,
                          CnnError *error)
{
    const CudaDriver *driver = &device->driver;
    CudaFeed *feed = next_feed(device);
    uint64_t labels = (uint64_t)samples * device->sample_label_bytes,
             inputs = (uint64_t)samples * device->sample_bytes;
    CUDA_TRY(driver, error, cuEventSynchronize, feed->done);
    if (device->fed) /* with what was expected, and did not come: its copy may be on its way */
        CUDA_TRY(driver, error, cuStreamSynchronize, device->copies);
    device->fed = true;
    memcpy(feed->host + device->label_at, label, labels);
    memcpy(feed->host + device->input_at, input, inputs);
    /* Labels and pictures lie one behind the other: one copy. */
    CUDA_TRY(driver, error, cuMemcpyHtoDAsync, feed->memory + device->label_at, feed->host + device->label_at,
             (size_t)(device->input_at - device->label_at + inputs), device->copies);
    return CNN_OK;
}

CnnStatus cuda_feed(CudaDevice *device, const DeviceStep *step, CnnError *error)
{
    const CudaDriver *driver = &device->driver;
    CudaFeed *feed = next_feed(device);
    bool expected = device->expected == step->input && device->expected_label == step->label &&
                    device->expected_samples == step->samples;
    device->expected = NULL;
    if (!expected)
        TRY(cuda_feed_batch(device, step->input, step->label, step->samples, error));
    device->fed = false;
    memcpy(feed->host, step->scalars, sizeof *step->scalars);
    CUDA_TRY(driver, error, cuMemcpyHtoDAsync, feed->memory, feed->host, sizeof *step->scalars,
             device->copies);
    CUDA_TRY(driver, error, cuEventRecord, feed->copied, device->copies);
    CUDA_TRY(driver, error, cuStreamWaitEvent, device->stream, feed->copied, 0);
    return CNN_OK;
}
