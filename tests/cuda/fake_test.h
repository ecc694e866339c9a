/* What tests need of the fake driver and NVRTC (fake.h): the functions, and kernels compiled and run. */
#ifndef FAKE_TEST_H
#define FAKE_TEST_H

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/cuda/prelude_text.h"

typedef unsigned long long Pointer;
typedef void *Handle;

#define DRIVER_FUNCTIONS(X)                                                                                  \
    X(cuInit, (unsigned))                                                                                    \
    X(cuDeviceGetAttribute, (int *, int, int))                                                               \
    X(cuDevicePrimaryCtxRetain, (Handle *, int))                                                             \
    X(cuDevicePrimaryCtxRelease_v2, (int))                                                                   \
    X(cuCtxSetCurrent, (Handle))                                                                             \
    X(cuCtxSynchronize, (void))                                                                              \
    X(cuMemAlloc_v2, (Pointer *, size_t))                                                                    \
    X(cuMemFree_v2, (Pointer))                                                                               \
    X(cuMemAllocHost_v2, (void **, size_t))                                                                  \
    X(cuMemFreeHost, (void *))                                                                               \
    X(cuMemcpyHtoD_v2, (Pointer, const void *, size_t))                                                      \
    X(cuMemcpyDtoH_v2, (void *, Pointer, size_t))                                                            \
    X(cuMemcpyHtoDAsync_v2, (Pointer, const void *, size_t, Handle))                                         \
    X(cuMemcpyDtoHAsync_v2, (void *, Pointer, size_t, Handle))                                               \
    X(cuMemcpyDtoDAsync_v2, (Pointer, Pointer, size_t, Handle))                                              \
    X(cuMemsetD8_v2, (Pointer, unsigned char, size_t))                                                       \
    X(cuMemsetD8Async, (Pointer, unsigned char, size_t, Handle))                                             \
    X(cuModuleLoadData, (Handle *, const void *))                                                            \
    X(cuModuleUnload, (Handle))                                                                              \
    X(cuModuleGetFunction, (Handle *, Handle, const char *))                                                 \
    X(cuLaunchKernel, (Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, \
                       void **, void **))                                                                    \
    X(cuStreamCreate, (Handle *, unsigned))                                                                  \
    X(cuStreamDestroy_v2, (Handle))                                                                          \
    X(cuStreamSynchronize, (Handle))                                                                         \
    X(cuStreamWaitEvent, (Handle, Handle, unsigned))                                                         \
    X(cuStreamBeginCapture_v2, (Handle, int))                                                                \
    X(cuStreamEndCapture, (Handle, Handle *))                                                                \
    X(cuGraphInstantiateWithFlags, (Handle *, Handle, unsigned long long))                                   \
    X(cuGraphLaunch, (Handle, Handle))                                                                       \
    X(cuGraphDestroy, (Handle))                                                                              \
    X(cuGraphExecDestroy, (Handle))                                                                          \
    X(cuEventCreate, (Handle *, unsigned))                                                                   \
    X(cuEventDestroy_v2, (Handle))                                                                           \
    X(cuEventRecord, (Handle, Handle))                                                                       \
    X(cuEventSynchronize, (Handle))                                                                          \
    X(cuEventElapsedTime, (float *, Handle, Handle))
#define NVRTC_FUNCTIONS(X)                                                                                   \
    X(nvrtcCreateProgram,                                                                                    \
      (Handle *, const char *, const char *, int, const char *const *, const char *const *))                 \
    X(nvrtcDestroyProgram, (Handle *))                                                                       \
    X(nvrtcCompileProgram, (Handle, int, const char *const *))                                               \
    X(nvrtcGetProgramLogSize, (Handle, size_t *))                                                            \
    X(nvrtcGetProgramLog, (Handle, char *))                                                                  \
    X(nvrtcGetCUBINSize, (Handle, size_t *))                                                                 \
    X(nvrtcGetCUBIN, (Handle, char *))

#define MEMBER(name, arguments) int(*name) arguments;
static struct {
    DRIVER_FUNCTIONS(MEMBER)
    NVRTC_FUNCTIONS(MEMBER)
} cuda;
#undef MEMBER

static char record_path[] = "/tmp/fake_record.XXXXXX";

/* All that has been noted since the last call: for the caller to free. */
static inline char *take_record(void)
{
    FILE *file = fopen(record_path, "r+");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, bytes + 1);
    assert_int_equal(fread(text, 1, bytes, file), bytes);
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    fclose(file);
    return text;
}

/* That the record has this text; the record is emptied. */
static inline void expect_noted(const char *text)
{
    char *record = take_record();
    if (!strstr(record, text))
        fail_msg("not in the record: %s\n%s", text, record);
    free(record);
}

static inline int open_fake(void **state)
{
    (void)state;
    const char *other = getenv("FAKE_CUDA_DRIVER"); /* folder of another build of the driver */
    char path[4096];
    snprintf(path, sizeof path, "%s/libcuda.so.1", other ? other : FAKE_CUDA);
    void *driver = dlopen(path, RTLD_NOW);
    snprintf(path, sizeof path, "%s/libnvrtc.so.13", FAKE_CUDA);
    void *nvrtc = dlopen(path, RTLD_NOW);
    if (!driver || !nvrtc) {
        print_error("%s\n", dlerror());
        return -1;
    }
#define FIND(name, arguments) *(void **)&cuda.name = dlsym(driver, #name);
    DRIVER_FUNCTIONS(FIND)
#undef FIND
#define FIND(name, arguments) *(void **)&cuda.name = dlsym(nvrtc, #name);
    NVRTC_FUNCTIONS(FIND)
#undef FIND
    int file = mkstemp(record_path);
    if (file < 0)
        return -1;
    close(file);
    setenv("CNNC_FAKE_CUDA_RECORD", record_path, 1);
    return cuda.cuInit(0);
}

static inline int close_fake(void **state)
{
    (void)state;
    return unlink(record_path);
}

/* A context for each test: a kernel that goes wrong breaks it. */
static inline int open_context(void **state)
{
    (void)state;
    Handle context;
    return cuda.cuDevicePrimaryCtxRetain(&context, 0) || cuda.cuCtxSetCurrent(context);
}

static inline int close_context(void **state)
{
    (void)state;
    return cuda.cuDevicePrimaryCtxRelease_v2(0);
}

/* The prelude and a file of kernels/. */
static inline char *kernel_text(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/kernels/%s.cu", CUDA_TESTS, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t before = strlen(cuda_prelude), room = before + (64 << 10);
    char *text = calloc(1, room);
    memcpy(text, cuda_prelude, before);
    size_t bytes = fread(text + before, 1, room - before - 1, file);
    assert_in_range(bytes, 1, room - before - 2);
    fclose(file);
    return text;
}

/* The kernel's text with the first `old` behind the prelude replaced. */
static inline char *replace(char *text, const char *old, const char *new)
{
    char *at = strstr(text + strlen(cuda_prelude), old);
    assert_non_null(at);
    size_t room = strlen(text) + strlen(new) + 1;
    char *changed = calloc(1, room);
    snprintf(changed, room, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    free(text);
    return changed;
}

/* The module of a text, which is freed. */
static inline Handle load(char *text)
{
    Handle program, module;
    const char *const options[] = {"--gpu-architecture=sm_90"};
    assert_int_equal(cuda.nvrtcCreateProgram(&program, text, "test.cu", 0, NULL, NULL), 0);
    if (cuda.nvrtcCompileProgram(program, 1, options) != 0) {
        size_t bytes;
        cuda.nvrtcGetProgramLogSize(program, &bytes);
        char *log = malloc(bytes);
        cuda.nvrtcGetProgramLog(program, log);
        fail_msg("%s", log);
    }
    size_t bytes;
    assert_int_equal(cuda.nvrtcGetCUBINSize(program, &bytes), 0);
    char *code = malloc(bytes);
    assert_int_equal(cuda.nvrtcGetCUBIN(program, code), 0);
    assert_int_equal(cuda.nvrtcDestroyProgram(&program), 0);
    assert_int_equal(cuda.cuModuleLoadData(&module, code), 0);
    free(code);
    free(text);
    return module;
}

static inline Pointer to_device(const void *values, size_t bytes)
{
    Pointer memory;
    assert_int_equal(cuda.cuMemAlloc_v2(&memory, bytes), 0);
    if (values)
        assert_int_equal(cuda.cuMemcpyHtoD_v2(memory, values, bytes), 0);
    return memory;
}

#endif
