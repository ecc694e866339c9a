/* The code of the image on the GPU, and what each step gives to it. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/cuda/device_cuda.h"
#include "runtime/memory.h"
#include "runtime/program.h"

/* ---- Modules ---- */

static CnnStatus load_module(CudaDevice *device, const CnnGpuKernel *kernel, CudaModule *out, CnnError *error)
{
    int result = device->driver.cuModuleLoadData(out, kernel->module);
    if (result == CUDA_ERROR_NO_BINARY_FOR_GPU)
        return cnn_fail(error, CNN_NO_RESOURCE, "the code is for a GPU of kind %s, and the %s is of kind %s",
                        device->image->gpu->architecture, device->gpu.name, device->gpu.architecture);
    return cuda_result(&device->driver, result, "cuModuleLoadData", error);
}

/* The module of kernel number i, loaded once. */
static CnnStatus module_of(CudaDevice *device, int i, CudaModule *out, CnnError *error)
{
    const CnnGpuKernel *kernels = device->image->gpu->kernels;
    for (int earlier = 0; earlier < i; earlier++)
        if (kernels[earlier].module == kernels[i].module && device->modules[earlier]) {
            *out = device->modules[earlier];
            return CNN_OK;
        }
    TRY(load_module(device, &kernels[i], &device->modules[i], error));
    *out = device->modules[i];
    return CNN_OK;
}

CnnStatus cuda_kernels_open(CudaDevice *device, CnnError *error)
{
    size_t count = (size_t)device->image->code_count + 1;
    device->modules = calloc(count, sizeof(CudaModule));
    device->functions = calloc(count, sizeof(CudaFunction));
    if (!device->modules || !device->functions)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the list of kernels");
    for (int i = 0; i < device->image->code_count; i++) {
        CudaModule module;
        TRY(module_of(device, i, &module, error));
        CUDA_TRY(&device->driver, error, cuModuleGetFunction, &device->functions[i], module,
                 device->image->gpu->kernels[i].symbol);
    }
    return CNN_OK;
}

/* ---- Grids ---- */

/* Blocks along an axis; UINT64_MAX: more than can be counted. */
static uint64_t blocks_of(const CnnGpuExtent *extent, int64_t samples, int64_t slices)
{
    uint64_t points = (uint64_t)extent->points, tile = (uint64_t)extent->tile;
    if ((extent->of_samples && !cnn_multiply(points, (uint64_t)samples, &points)) ||
        (extent->of_slices && !cnn_multiply(points, (uint64_t)slices, &points)))
        return UINT64_MAX;
    return points == 0 ? 1 : (points - 1) / tile + 1;
}

static int64_t slices_of(const CnnProgram *program, int64_t samples)
{
    return (samples - 1) / program->slice + 1;
}

/* A step of the largest batch has the largest grids: later ones need not be looked at. */
static CnnStatus check_grids(const CudaDevice *device, const CnnProgram *program, CnnError *error)
{
    static const uint64_t most[3] = {INT32_MAX, 65535, 65535};
    int64_t slices = slices_of(program, program->batch);
    if (program->batch > INT32_MAX)
        return cnn_fail(error, CNN_NO_RESOURCE, "a batch of %lld samples is too large for a GPU",
                        (long long)program->batch);
    for (int s = 0; s < program->step_count; s++) {
        const CnnGpuKernel *kernel = &device->image->gpu->kernels[program->steps[s].code];
        for (int axis = 0; axis < 3; axis++)
            if (blocks_of(&kernel->grid[axis], program->batch, slices) > most[axis])
                return cnn_fail(error, CNN_NO_RESOURCE,
                                "kernel '%s' has more blocks than a GPU takes: a smaller batch needs less",
                                kernel->symbol);
    }
    return CNN_OK;
}

/* ---- Arguments ---- */

enum { GUARD, SAMPLES, SLICES, MORE }; /* behind a step's buffers */

static void fill_arguments(CudaDevice *device, CudaReady *ready, int feed, const bool *guarded)
{
    const CnnProgram *program = ready->program;
    CudaPointer loss = cuda_place(device, feed, &program->buffers[program->loss]);
    for (int s = 0; s < program->step_count; s++) {
        const CnnStep *step = &program->steps[s];
        CudaPointer *pointers = ready->pointers[feed] + ready->first[s];
        void **arguments = ready->arguments[feed] + ready->first[s];
        int buffers = step->buffer_count;
        for (int b = 0; b < buffers; b++)
            pointers[b] = cuda_place(device, feed, &program->buffers[step->buffers[b]]);
        pointers[buffers + GUARD] = guarded[s] ? loss : 0;
        for (int a = 0; a <= buffers + GUARD; a++)
            arguments[a] = &pointers[a];
        arguments[buffers + SAMPLES] = &ready->samples;
        arguments[buffers + SLICES] = &ready->slices;
    }
}

/* Where each step's arguments begin. Returns how many all have. */
static size_t count_arguments(CudaReady *ready)
{
    const CnnProgram *program = ready->program;
    int count = 0;
    for (int s = 0; s < program->step_count; s++) {
        ready->first[s] = count;
        count += program->steps[s].buffer_count + MORE;
    }
    return (size_t)count + 1;
}

static bool take_arguments(CudaDevice *device, CudaReady *ready)
{
    size_t steps = (size_t)ready->program->step_count + 1;
    bool *guarded = calloc(steps, sizeof *guarded);
    ready->first = calloc(steps, sizeof *ready->first);
    bool enough = guarded && ready->first;
    size_t count = enough ? count_arguments(ready) : 0;
    for (int i = 0; i < CUDA_FEEDS && enough; i++) {
        ready->pointers[i] = calloc(count, sizeof *ready->pointers[i]);
        ready->arguments[i] = calloc(count, sizeof *ready->arguments[i]);
        enough = ready->pointers[i] && ready->arguments[i];
    }
    if (enough) {
        cnn_program_guarded(ready->program, guarded);
        for (int i = 0; i < CUDA_FEEDS; i++)
            fill_arguments(device, ready, i, guarded);
    }
    free(guarded);
    return enough;
}

CnnStatus cuda_ready_open(CudaDevice *device, CudaReady *ready, const CnnProgram *program, CnnError *error)
{
    ready->program = program;
    for (int s = 0; s < program->step_count; s++)
        ready->writes_state =
            ready->writes_state || cnn_step_writes_segment(program, &program->steps[s], SEGMENT_STATE);
    for (int p = 0; p < program->phase_count; p++) {
        ready->has_update = ready->has_update || program->phases[p].when == WHEN_UPDATE;
        ready->has_changed = ready->has_changed || program->phases[p].when == WHEN_CHANGED;
    }
    TRY(check_grids(device, program, error));
    if (!take_arguments(device, ready))
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the arguments of the kernels");
    return cuda_results_open(device, ready, error);
}

void cuda_kernels_close(CudaDevice *device)
{
    for (int i = 0; i < device->image->code_count && device->modules; i++)
        if (device->modules[i])
            device->driver.cuModuleUnload(device->modules[i]);
    free(device->modules);
    free(device->functions);
    for (int i = 0; i < 2; i++) {
        free(device->ready[i].first);
        for (int feed = 0; feed < CUDA_FEEDS; feed++) {
            free(device->ready[i].pointers[feed]);
            free(device->ready[i].arguments[feed]);
        }
        cuda_results_close(&device->ready[i]);
    }
}

CnnStatus cuda_launch(CudaDevice *device, const CudaStep *step, int s, CnnError *error)
{
    CudaReady *ready = step->ready;
    int code = ready->program->steps[s].code;
    const CnnGpuKernel *kernel = &device->image->gpu->kernels[code];
    unsigned blocks[3];
    ready->samples = step->samples;
    ready->slices = (int)slices_of(ready->program, step->samples);
    for (int axis = 0; axis < 3; axis++)
        blocks[axis] = (unsigned)blocks_of(&kernel->grid[axis], ready->samples, ready->slices);
    int result = device->driver.cuLaunchKernel(device->functions[code], blocks[0], blocks[1], blocks[2],
                                               (unsigned)kernel->threads, 1, 1, 0, device->stream,
                                               ready->arguments[step->feed] + ready->first[s], NULL);
    if (result == CUDA_SUCCESS)
        return CNN_OK;
    char call[256];
    snprintf(call, sizeof call, "cuLaunchKernel ('%s')", kernel->symbol);
    return cuda_result(&device->driver, result, call, error);
}
