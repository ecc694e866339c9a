#include "compiler/cuda/nvrtc.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/cache.h"
#include "runtime/cuda/library.h"
#include "runtime/key.h"
#include "runtime/pool.h"

typedef struct NvrtcProgramOf *NvrtcHandle;

typedef struct {
#define NVRTC(name, symbol, arguments) int(*name) arguments;
#include "compiler/cuda/nvrtc.def"
#undef NVRTC
    int major, minor;
} Nvrtc;

enum { OPTIONS = 3, NAME_ROOM = 64 };

static CnnStatus nvrtc_open(Nvrtc *out, CnnError *error)
{
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", NULL};
    void *library;
    CnnError reason = {0};
    if (cuda_library_open(names, &library, &reason) != CNN_OK)
        return cnn_fail(
            error, CNN_NO_RESOURCE,
            "there is no NVRTC here, which makes code for the GPU: %s; CNNC_CUDA_LIB may name its folder",
            reason.text);
#define NVRTC(name, symbol, arguments) TRY(cuda_library_find(library, symbol, (void **)&out->name, error));
#include "compiler/cuda/nvrtc.def"
#undef NVRTC
    if (out->get_version(&out->major, &out->minor) != 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "NVRTC does not tell its version");
    return CNN_OK;
}

CnnStatus nvrtc_version(int *major, int *minor, CnnError *error)
{
    Nvrtc nvrtc;
    TRY(nvrtc_open(&nvrtc, error));
    *major = nvrtc.major;
    *minor = nvrtc.minor;
    return CNN_OK;
}

/* All programs, taken one after the other by the threads. */
typedef struct {
    const Nvrtc *nvrtc;
    NvrtcProgram *programs;
    int count;
    const char *cache;
    const char *options[OPTIONS];
    atomic_int next;
    CnnError *errors; /* by program */
} Work;

/* All that determines the code. */
static void cache_name(const Work *work, const NvrtcProgram *program, char name[NAME_ROOM])
{
    Key key = key_add_text(key_start(), program->source);
    for (int i = 0; i < OPTIONS; i++)
        key = key_add_text(key, work->options[i]);
    key = key_add_number(key, work->nvrtc->major);
    key = key_add_number(key, work->nvrtc->minor);
    snprintf(name, NAME_ROOM, "cuda_%016" PRIx64 "%016" PRIx64, key.high, key.low);
}

/* What NVRTC says of a program that it refuses. */
static CnnStatus refused(const Nvrtc *nvrtc, NvrtcHandle handle, const char *name, int code, CnnError *error)
{
    size_t bytes = 0;
    char *log = NULL;
    if (nvrtc->get_log_bytes(handle, &bytes) == 0 && bytes > 0)
        log = calloc(1, bytes + 1);
    if (log && nvrtc->get_log(handle, log) != 0)
        *log = '\0';
    CnnStatus status = cnn_fail(error, CNN_NO_RESOURCE, "NVRTC %d.%d refuses %s (error %d): %s", nvrtc->major,
                                nvrtc->minor, name, code, log ? log : "");
    free(log);
    return status;
}

static CnnStatus take_code(const Nvrtc *nvrtc, NvrtcHandle handle, NvrtcProgram *program, CnnError *error)
{
    int code = nvrtc->get_code_bytes(handle, &program->bytes);
    if (code != 0 || program->bytes == 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "NVRTC made no code of %s (error %d)", program->name, code);
    program->code = malloc(program->bytes);
    if (!program->code)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for %zu bytes of code", program->bytes);
    code = nvrtc->get_code(handle, program->code);
    return code == 0 ? CNN_OK
                     : cnn_fail(error, CNN_NO_RESOURCE, "NVRTC does not give the code of %s (error %d)",
                                program->name, code);
}

static CnnStatus compile(const Work *work, NvrtcProgram *program, CnnError *error)
{
    const Nvrtc *nvrtc = work->nvrtc;
    NvrtcHandle handle;
    int code = nvrtc->create(&handle, program->source, program->name, 0, NULL, NULL);
    if (code != 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "NVRTC takes no program (error %d)", code);
    code = nvrtc->compile(handle, OPTIONS, work->options);
    CnnStatus status = code == 0 ? take_code(nvrtc, handle, program, error)
                                 : refused(nvrtc, handle, program->name, code, error);
    nvrtc->destroy(&handle);
    return status;
}

static void compile_some(void *context, int worker)
{
    (void)worker;
    Work *work = context;
    int i;
    while ((i = atomic_fetch_add(&work->next, 1)) < work->count) {
        NvrtcProgram *program = &work->programs[i];
        char name[NAME_ROOM];
        cache_name(work, program, name);
        program->code = work->cache ? cache_read(work->cache, name, &program->bytes) : NULL;
        program->cached = program->code != NULL;
        if (!program->cached && compile(work, program, &work->errors[i]) == CNN_OK && work->cache)
            cache_write(work->cache, name, program->code, program->bytes);
    }
}

/* The first error, if there is one. */
static CnnStatus judge(Work *work, CnnError *error)
{
    CnnStatus status = CNN_OK;
    for (int i = 0; i < work->count && status == CNN_OK; i++)
        if (work->errors[i].status != CNN_OK) {
            *error = work->errors[i];
            status = error->status;
        }
    for (int i = 0; i < work->count && status != CNN_OK; i++) {
        free(work->programs[i].code);
        work->programs[i].code = NULL;
    }
    return status;
}

CnnStatus nvrtc_compile(NvrtcProgram *programs, int count, const char *architecture, const char *cache,
                        int threads, CnnError *error)
{
    Nvrtc nvrtc;
    TRY(nvrtc_open(&nvrtc, error));
    char target[64];
    snprintf(target, sizeof target, "--gpu-architecture=%s", architecture);
    CnnError *errors = calloc((size_t)count + 1, sizeof *errors);
    CnnPool *pool = NULL;
    CnnStatus status = errors ? cnn_pool_open(threads, &pool, error)
                              : cnn_fail(error, CNN_NO_RESOURCE, "no memory to compile %d programs", count);
    if (status == CNN_OK) {
        Work work = {.nvrtc = &nvrtc,
                     .programs = programs,
                     .count = count,
                     .cache = cache,
                     .options = {target, "--std=c++17", "--no-cache"},
                     .errors = errors};
        cnn_pool_run(pool, compile_some, &work);
        cnn_pool_close(pool);
        status = judge(&work, error);
    }
    free(errors);
    return status;
}
