/* The host's copies of what lies on the GPU: made when they are asked for. */
#include <string.h>

#include "runtime/cuda/device_cuda.h"
#include "runtime/init.h"
#include "runtime/memory.h"

void *cuda_mirror_place(const CudaDevice *device, const CnnBuffer *buffer)
{
    const CudaFeed *last = &device->feeds[(device->steps + CUDA_FEEDS - 1) % CUDA_FEEDS];
    switch (buffer->segment) {
    case SEGMENT_STATE:
        return device->state_mirror + buffer->offset;
    case SEGMENT_BATCH:
        return device->work_mirror ? device->work_mirror + buffer->offset : NULL;
    case SEGMENT_WORKER:
        return device->work_mirror ? device->work_mirror + device->worker_at + buffer->offset : NULL;
    case SEGMENT_INPUT:
        return last->host + device->input_at + buffer->offset;
    case SEGMENT_LABEL:
        return last->host + device->label_at + buffer->offset;
    case SEGMENT_SCALAR:
        return last->host + buffer->offset;
    case SEGMENT_TABLE:
        return (char *)device->image->table + buffer->offset;
    case SEGMENT_COUNT:
        break;
    }
    return NULL;
}

static CnnStatus fetch(CudaDevice *device, void *to, CudaPointer from, uint64_t bytes, CnnError *error)
{
    CUDA_TRY(&device->driver, error, cuStreamSynchronize, device->stream);
    if (bytes)
        CUDA_TRY(&device->driver, error, cuMemcpyDtoH, to, from, (size_t)bytes);
    return CNN_OK;
}

CnnStatus cuda_mirror_buffer(CudaDevice *device, const CnnBuffer *buffer, CnnError *error)
{
    if (!device->work_mirror && !(device->work_mirror = cnn_memory_reserve(device->work_bytes + 1)))
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for a copy of the GPU's %.1f GiB",
                        (double)device->work_bytes / 0x1p30);
    return fetch(device, cuda_mirror_place(device, buffer), cuda_place(device, 0, buffer), buffer->bytes,
                 error);
}

CnnStatus cuda_mirror_tensor(CudaDevice *device, const CnnTensor *tensor, CnnError *error)
{
    int64_t i = tensor - device->image->tensors;
    if (device->held[i])
        return CNN_OK;
    TRY(fetch(device, device->state_mirror + tensor->offset, device->state + tensor->offset,
              cnn_tensor_bytes(tensor), error));
    device->held[i] = true;
    return CNN_OK;
}

CnnStatus cuda_mirror_send(CudaDevice *device, CnnError *error)
{
    if (!device->any_changed)
        return CNN_OK;
    CUDA_TRY(&device->driver, error, cuStreamSynchronize, device->stream);
    for (int i = 0; i < device->image->tensor_count; i++) {
        const CnnTensor *tensor = &device->image->tensors[i];
        uint64_t bytes = cnn_tensor_bytes(tensor);
        if (device->changed[i] && bytes)
            CUDA_TRY(&device->driver, error, cuMemcpyHtoD, device->state + tensor->offset,
                     device->state_mirror + tensor->offset, (size_t)bytes);
        device->changed[i] = false;
    }
    device->any_changed = false;
    return CNN_OK;
}
