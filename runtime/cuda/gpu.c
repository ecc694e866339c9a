#include "runtime/cuda/gpu.h"

#include <stdio.h>

#include "runtime/cuda/device_cuda.h"

CnnStatus cuda_gpu_ask(const CudaDriver *driver, int ordinal, CudaGpu *out, CnnError *error)
{
    int device, version;
    size_t memory;
    *out = (CudaGpu){.name = ""};
    CUDA_TRY(driver, error, cuDriverGetVersion, &version);
    CUDA_TRY(driver, error, cuDeviceGet, &device, ordinal);
    CUDA_TRY(driver, error, cuDeviceGetName, out->name, sizeof out->name, device);
    CUDA_TRY(driver, error, cuDeviceTotalMem, &memory, device);
    CUDA_TRY(driver, error, cuDeviceGetAttribute, &out->multiprocessors, CUDA_MULTIPROCESSORS, device);
    CUDA_TRY(driver, error, cuDeviceGetAttribute, &out->major, CUDA_CAPABILITY_MAJOR, device);
    CUDA_TRY(driver, error, cuDeviceGetAttribute, &out->minor, CUDA_CAPABILITY_MINOR, device);
    out->memory = memory;
    out->driver_major = version / 1000;
    out->driver_minor = version % 1000 / 10;
    snprintf(out->architecture, sizeof out->architecture, "sm_%d%d", out->major, out->minor);
    return CNN_OK;
}

CnnStatus cnn_gpu_find(CudaGpu *gpus, int most, int *count, CnnError *error)
{
    CudaDriver driver;
    *count = 0;
    TRY(cuda_driver_open(&driver, error));
    CUDA_TRY(&driver, error, cuDeviceGetCount, count);
    for (int i = 0; i < *count && i < most; i++)
        TRY(cuda_gpu_ask(&driver, i, &gpus[i], error));
    if (*count == 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "the NVIDIA driver finds no GPU");
    return CNN_OK;
}
