/* The memory of the device. */
#include <stdlib.h>

#include "runtime/cuda/device_cuda.h"
#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Up to a multiple of CUDA_LINE; what does not fit stays more than there is. */
static uint64_t lined(uint64_t bytes)
{
    uint64_t sum;
    return cnn_add(bytes, CUDA_LINE - 1, &sum) ? sum / CUDA_LINE * CUDA_LINE
                                               : UINT64_MAX / CUDA_LINE * CUDA_LINE;
}

/* Sizes and places. False: more than can be counted. */
static bool measure(CudaDevice *device, uint64_t *all)
{
    const CnnImage *image = device->image;
    uint64_t samples =
        (uint64_t)(image->train.batch > image->eval.batch ? image->train.batch : image->eval.batch);
    uint64_t labels, inputs, feeds;
    device->sample_bytes = dtype_bytes(image->input_dtype);
    device->sample_label_bytes = dtype_bytes(image->label_dtype) * (uint64_t)image->label_width;
    bool fits = true;
    for (int d = 0; d < image->input_shape.count; d++)
        fits = fits && cnn_multiply(device->sample_bytes, (uint64_t)image->input_shape.value[d],
                                    &device->sample_bytes);
    device->worker_at = lined(larger(image->train.batch_bytes, image->eval.batch_bytes));
    uint64_t worker = lined(larger(image->train.worker_bytes, image->eval.worker_bytes));
    fits = fits && cnn_add(device->worker_at, worker, &device->work_bytes) &&
           cnn_multiply(samples, device->sample_label_bytes, &labels) &&
           cnn_multiply(samples, device->sample_bytes, &inputs);
    if (!fits)
        return false;
    device->label_at = lined(sizeof(CnnScalars));
    return cnn_add(device->label_at, lined(labels), &device->input_at) &&
           cnn_add(device->input_at, lined(inputs), &device->feed_bytes) &&
           cnn_multiply(device->feed_bytes, CUDA_FEEDS, &feeds) && cnn_add(device->work_bytes, feeds, all) &&
           cnn_add(*all, lined(image->state_bytes), all) && cnn_add(*all, lined(image->table_bytes), all);
}

static CnnStatus take(CudaDevice *device, CudaPointer *out, uint64_t bytes, CnnError *error)
{
    CUDA_TRY(&device->driver, error, cuMemAlloc, out, (size_t)larger(bytes, CUDA_LINE));
    return CNN_OK;
}

static CnnStatus take_all(CudaDevice *device, CnnError *error)
{
    TRY(take(device, &device->state, device->image->state_bytes, error));
    TRY(take(device, &device->work, device->work_bytes, error));
    TRY(take(device, &device->table, device->image->table_bytes, error));
    for (int i = 0; i < CUDA_FEEDS; i++)
        TRY(take(device, &device->feeds[i].memory, device->feed_bytes, error));
    return CNN_OK;
}

static CnnStatus take_memory(CudaDevice *device, CnnError *error)
{
    CnnError reason = {0};
    uint64_t bytes;
    size_t available, all;
    if (!measure(device, &bytes))
        return cnn_fail(error, CNN_NO_RESOURCE, "the training needs more memory than can be counted");
    CUDA_TRY(&device->driver, error, cuMemGetInfo, &available, &all);
    device->base.bytes = bytes;
    if (bytes <= available && take_all(device, &reason) == CNN_OK)
        return CNN_OK;
    return cnn_fail(
        error, CNN_NO_RESOURCE,
        "the training needs %llu bytes of the GPU's memory (%.1f GiB: weights and optimizer %.1f, batch "
        "%.1f), and %.1f GiB of %.1f are free%s%s: a smaller batch needs less",
        (unsigned long long)bytes, (double)bytes / 0x1p30, (double)device->image->state_bytes / 0x1p30,
        (double)(bytes - device->image->state_bytes) / 0x1p30, (double)available / 0x1p30,
        (double)all / 0x1p30, *reason.text ? "; " : "", reason.text);
}

/* ---- First contents ---- */

typedef struct {
    CudaDevice *device;
    uint64_t seed;
    int threads;
} Filling;

static void fill_share(void *context, int worker)
{
    const Filling *filling = context;
    cnn_init_share(filling->device->image, filling->seed, filling->device->state_mirror, worker,
                   filling->threads);
}

/* All state is made in the host's copy, by the CPU's functions: a training begins with the same bits wherever
 * it runs. */
static CnnStatus fill_state(CudaDevice *device, uint64_t seed, CnnError *error)
{
    CnnPool *pool;
    size_t tensors = (size_t)device->image->tensor_count + 1;
    device->state_mirror = cnn_memory_take(larger(device->image->state_bytes, 1));
    device->held = calloc(tensors, sizeof *device->held);
    device->changed = calloc(tensors, sizeof *device->changed);
    if (!device->state_mirror || !device->held || !device->changed)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for a copy of the weights");
    TRY(cnn_pool_open(device->base.threads, &pool, error));
    Filling filling = {device, seed, cnn_pool_threads(pool)};
    cnn_pool_run(pool, fill_share, &filling);
    cnn_pool_close(pool);
    for (int i = 0; i < device->image->tensor_count; i++)
        device->held[i] = true;
    return CNN_OK;
}

CnnStatus cuda_slabs_open(CudaDevice *device, uint64_t seed, CnnError *error)
{
    const CnnImage *image = device->image;
    const CudaDriver *driver = &device->driver;
    TRY(take_memory(device, error));
    TRY(fill_state(device, seed, error));
    if (image->state_bytes)
        CUDA_TRY(driver, error, cuMemcpyHtoD, device->state, device->state_mirror,
                 (size_t)image->state_bytes);
    if (image->table_bytes)
        CUDA_TRY(driver, error, cuMemcpyHtoD, device->table, image->table, (size_t)image->table_bytes);
    if (device->work_bytes)
        CUDA_TRY(driver, error, cuMemsetD8, device->work, 0, (size_t)device->work_bytes);
    return CNN_OK;
}

void cuda_slabs_close(CudaDevice *device)
{
    const CudaPointer memory[] = {device->state, device->work, device->table};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        if (memory[i])
            device->driver.cuMemFree(memory[i]);
    free(device->state_mirror);
    free(device->work_mirror);
    free(device->held);
    free(device->changed);
}

/* ---- Places ---- */

CudaPointer cuda_place(const CudaDevice *device, int feed, const CnnBuffer *buffer)
{
    switch (buffer->segment) {
    case SEGMENT_STATE:
        return device->state + buffer->offset;
    case SEGMENT_BATCH:
        return device->work + buffer->offset;
    case SEGMENT_WORKER:
        return device->work + device->worker_at + buffer->offset;
    case SEGMENT_INPUT:
        return device->feeds[feed].memory + device->input_at + buffer->offset;
    case SEGMENT_LABEL:
        return device->feeds[feed].memory + device->label_at + buffer->offset;
    case SEGMENT_SCALAR:
        return device->feeds[feed].memory + buffer->offset;
    case SEGMENT_TABLE:
        return device->table + buffer->offset;
    case SEGMENT_COUNT:
        break;
    }
    return 0;
}
