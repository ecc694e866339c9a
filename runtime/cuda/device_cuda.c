/* The GPU as a device: opens and closes it, and keeps its first failure, behind which nothing is done. */
#include "runtime/cuda/device_cuda.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/init.h"
#include "runtime/pool.h"

/* The driver's context is the calling thread's, and calls may come from several. */
static CnnStatus enter(CudaDevice *device, CnnError *error)
{
    if (device->fault.status != CNN_OK)
        return device->fault.status;
    CUDA_TRY(&device->driver, error, cuCtxSetCurrent, device->context);
    return CNN_OK;
}

static void close_streams(CudaDevice *device)
{
    const CudaDriver *driver = &device->driver;
    const CudaStream streams[] = {device->copies, device->stream};
    for (int i = 0; i < 2; i++)
        if (streams[i])
            driver->cuStreamDestroy(streams[i]);
}

/* Whatever has been taken, also by an opening that has failed, and after a failure of the GPU, of which then
 * nothing is asked any more. */
static void cuda_close(CnnDevice *base)
{
    CudaDevice *device = (CudaDevice *)base;
    const CudaDriver *driver = &device->driver;
    if (device->context)
        driver->cuCtxSetCurrent(device->context);
    if (device->stream)
        driver->cuStreamSynchronize(device->stream);
    cuda_replays_close(device);
    cuda_feeds_close(device);
    close_streams(device);
    cuda_kernels_close(device);
    cuda_slabs_close(device);
    if (device->context)
        driver->cuDevicePrimaryCtxRelease(device->ordinal);
    free(device);
}

static CnnStatus open_all(CudaDevice *device, uint64_t seed, CnnError *error)
{
    const CudaDriver *driver = &device->driver;
    TRY(cuda_driver_open(&device->driver, error));
    TRY(cuda_gpu_ask(driver, 0, &device->gpu, error));
    CUDA_TRY(driver, error, cuDeviceGet, &device->ordinal, 0);
    CUDA_TRY(driver, error, cuDevicePrimaryCtxRetain, &device->context, device->ordinal);
    TRY(enter(device, error));
    CUDA_TRY(driver, error, cuStreamCreate, &device->stream, CUDA_STREAM_NON_BLOCKING);
    CUDA_TRY(driver, error, cuStreamCreate, &device->copies, CUDA_STREAM_NON_BLOCKING);
    TRY(cuda_kernels_open(device, error));
    TRY(cuda_slabs_open(device, seed, error));
    TRY(cuda_ready_open(device, &device->ready[0], &device->image->train, error));
    TRY(cuda_ready_open(device, &device->ready[1], &device->image->eval, error));
    return cuda_feeds_open(device, error);
}

static CnnStatus cuda_open(const CnnImage *image, int threads, bool apart, uint64_t seed, CnnDevice **out,
                           CnnError *error)
{
    (void)apart; /* no step runs on the caller's stack */
    CudaDevice *device = calloc(1, sizeof *device);
    if (!device)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the device");
    device->base = (CnnDevice){&cnn_cuda_device, device->gpu.name, threads ? threads : cnn_cores(), 0};
    device->image = image;
    CnnStatus status = open_all(device, seed, error);
    if (status != CNN_OK) {
        cuda_close(&device->base);
        return status;
    }
    *out = &device->base;
    return CNN_OK;
}

static void cuda_step(CnnDevice *base, const DeviceStep *step)
{
    CudaDevice *device = (CudaDevice *)base;
    if (enter(device, &device->fault) == CNN_OK && cuda_mirror_send(device, &device->fault) == CNN_OK)
        cuda_run(device, step, &device->fault);
}

static void cuda_expect(CnnDevice *base, const void *input, const void *label, int64_t samples)
{
    CudaDevice *device = (CudaDevice *)base;
    device->expected = NULL;
    if (!input || enter(device, &device->fault) != CNN_OK ||
        cuda_feed_batch(device, input, label, samples, &device->fault) != CNN_OK)
        return;
    device->expected = input;
    device->expected_label = label;
    device->expected_samples = samples;
}

static CnnStatus cuda_wait(CnnDevice *base, CnnError *error)
{
    CudaDevice *device = (CudaDevice *)base;
    if (enter(device, &device->fault) == CNN_OK)
        cuda_result(&device->driver, device->driver.cuStreamSynchronize(device->stream),
                    "cuStreamSynchronize", &device->fault);
    return device->fault.status == CNN_OK ? CNN_OK
                                          : cnn_fail(error, device->fault.status, "%s", device->fault.text);
}

/* Bytes of which no float is a number: what is read of a device that has failed. */
static void spoil(void *to, uint64_t bytes)
{
    if (to)
        memset(to, 0xff, bytes);
}

static CnnStatus wait_for_results(CudaDevice *device, CnnError *error)
{
    TRY(enter(device, error));
    CUDA_TRY(&device->driver, error, cuEventSynchronize,
             device->feeds[(device->steps + CUDA_FEEDS - 1) % CUDA_FEEDS].done);
    return CNN_OK;
}

static const void *cuda_buffer(CnnDevice *base, const CnnProgram *program, int index)
{
    CudaDevice *device = (CudaDevice *)base;
    const CudaReady *ready = &device->ready[program == &device->image->eval];
    const CnnBuffer *buffer = &program->buffers[index];
    void *result = cuda_result_place(device, ready, index);
    CnnStatus status = wait_for_results(device, &device->fault);
    if (!result) {
        if (status == CNN_OK)
            status = cuda_mirror_buffer(device, buffer, &device->fault);
        result = cuda_mirror_place(device, buffer);
    }
    if (status != CNN_OK)
        spoil(result, buffer->bytes);
    return result;
}

static const void *cuda_read(CnnDevice *base, const CnnTensor *tensor)
{
    CudaDevice *device = (CudaDevice *)base;
    char *at = device->state_mirror + tensor->offset;
    if (enter(device, &device->fault) != CNN_OK ||
        cuda_mirror_tensor(device, tensor, &device->fault) != CNN_OK)
        spoil(at, cnn_tensor_bytes(tensor));
    return at;
}

static void *cuda_tensor(CnnDevice *base, const CnnTensor *tensor)
{
    CudaDevice *device = (CudaDevice *)base;
    cuda_read(base, tensor);
    device->changed[tensor - device->image->tensors] = device->any_changed = true;
    device->prepared = NULL;
    return device->state_mirror + tensor->offset;
}

const DeviceKind cnn_cuda_device = {cuda_open, cuda_close,  cuda_step, cuda_expect,
                                    cuda_wait, cuda_buffer, cuda_read, cuda_tensor};
