#include "runtime/cuda/driver.h"

#include "runtime/cuda/library.h"

CnnStatus cuda_result(const CudaDriver *driver, int result, const char *call, CnnError *error)
{
    const char *name = NULL, *text = NULL;
    if (result == CUDA_SUCCESS)
        return CNN_OK;
    driver->cuGetErrorName(result, &name);
    driver->cuGetErrorString(result, &text);
    return cnn_fail(error, CNN_NO_RESOURCE, "%s of the GPU's driver failed: %s (%s, %d)", call,
                    text ? text : "an error without a text", name ? name : "unknown", result);
}

static CnnStatus find_functions(void *library, CudaDriver *driver, CnnError *error)
{
#define DRIVER(name, symbol, arguments)                                                                      \
    TRY(cuda_library_find(library, symbol, (void **)(void *)&driver->name, error));
#include "runtime/cuda/driver.def"
#undef DRIVER
    return CNN_OK;
}

CnnStatus cuda_driver_open(CudaDriver *out, CnnError *error)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    CnnError reason = {0};
    void *library;
    *out = (CudaDriver){0};
    if (cuda_library_open(names, &library, &reason) != CNN_OK)
        return cnn_fail(error, CNN_NO_RESOURCE, "there is no NVIDIA driver here: %s", reason.text);
    if (find_functions(library, out, &reason) != CNN_OK)
        return cnn_fail(error, CNN_NO_RESOURCE, "the NVIDIA driver (libcuda.so.1) is too old: %s",
                        reason.text);
    int result = out->cuInit(0);
    if (result == CUDA_ERROR_STUB_LIBRARY)
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "the libcuda.so.1 that was found is CUDA's stub to link with, not an NVIDIA driver");
    if (result == CUDA_ERROR_NO_DEVICE)
        return cnn_fail(error, CNN_NO_RESOURCE, "the NVIDIA driver finds no GPU");
    return cuda_result(out, result, "cuInit", error);
}
