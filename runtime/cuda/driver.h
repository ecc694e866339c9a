/* The driver of NVIDIA's GPUs (libcuda), with prototypes of our own: a program is built without CUDA, and
 * asks for it when it runs. */
#ifndef CNN_CUDA_DRIVER_H
#define CNN_CUDA_DRIVER_H

#include <stddef.h>

#include "runtime/status.h"

typedef unsigned long long CudaPointer; /* into the memory of a GPU */
typedef struct CudaContextOf *CudaContext;
typedef struct CudaModuleOf *CudaModule;
typedef struct CudaFunctionOf *CudaFunction;
typedef struct CudaStreamOf *CudaStream;
typedef struct CudaEventOf *CudaEvent;
typedef struct CudaGraphOf *CudaGraph;
typedef struct CudaReplayOf *CudaReplay; /* a graph that can be launched: CUgraphExec */

/* Values of cuda.h. */
enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_STUB_LIBRARY = 34,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
};
enum { CUDA_MULTIPROCESSORS = 16, CUDA_CAPABILITY_MAJOR = 75, CUDA_CAPABILITY_MINOR = 76 }; /* attributes */
enum {
    CUDA_STREAM_NON_BLOCKING = 1,
    CUDA_EVENT_TIMED = 0,
    CUDA_EVENT_UNTIMED = 2,
    CUDA_CAPTURE_OF_THREAD = 1
};

typedef struct {
#define DRIVER(name, symbol, arguments) int(*name) arguments;
#include "runtime/cuda/driver.def"
#undef DRIVER
} CudaDriver;

/**
 * Finds libcuda.so.1 (library.h) and its functions, and initializes it.
 *
 * Errors  CNN_NO_RESOURCE with one sentence: that there is no driver, and why; that it is the stub to link
 *         with; that it has found no GPU; or what else it says.
 */
CnnStatus cuda_driver_open(CudaDriver *out, CnnError *error);

/** What became of `call`: CNN_OK, or CNN_NO_RESOURCE with its name and the driver's words. */
CnnStatus cuda_result(const CudaDriver *driver, int result, const char *call, CnnError *error);

/** Calls a function of the driver, and passes a failure up. */
#define CUDA_TRY(driver, error, name, ...) TRY(cuda_result(driver, (driver)->name(__VA_ARGS__), #name, error))

#endif
