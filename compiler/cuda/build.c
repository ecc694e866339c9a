/* From kernels to code for a GPU: a program for each kernel, so that NVRTC's threads share them. */
#include <stdlib.h>
#include <string.h>

#include "compiler/cuda/cuda.h"
#include "compiler/cuda/nvrtc.h"
#include "compiler/cuda/prelude_text.h"

const CnnGpu *cuda_build(const CudaTarget *target, Kernel *const *kernels, const char *const *symbols,
                         int count, const char *cache, int threads, Arena *arena, CudaBuildCounts *counts,
                         const char **complaint)
{
    NvrtcProgram *programs = NEW_ARRAY(arena, NvrtcProgram, count);
    for (int i = 0; i < count; i++) {
        const char *text = cuda_text(kernels[i]->computation, &kernels[i]->cuda, symbols[i], arena);
        programs[i].name = kernels[i]->name;
        programs[i].source = arena_printf(arena, "%s\n%s", cuda_prelude, text);
    }
    CnnError error = {0};
    if (nvrtc_compile(programs, count, target->architecture, cache, threads, &error) != CNN_OK) {
        *complaint = arena_printf(arena, "%s", error.text);
        return NULL;
    }
    CnnGpuKernel *made = NEW_ARRAY(arena, CnnGpuKernel, count);
    *counts = (CudaBuildCounts){0};
    for (int i = 0; i < count; i++) {
        made[i] = (CnnGpuKernel){.symbol = symbols[i],
                                 .threads = kernels[i]->cuda.threads,
                                 .module = arena_copy(arena, programs[i].code, programs[i].bytes),
                                 .module_bytes = programs[i].bytes};
        cuda_grid(kernels[i]->computation, &kernels[i]->cuda, made[i].grid);
        free(programs[i].code);
        *(programs[i].cached ? &counts->cached : &counts->compiled) += 1;
    }
    CnnGpu *gpu = NEW(arena, CnnGpu);
    *gpu = (CnnGpu){.architecture = target->architecture, .kernels = made};
    return gpu;
}
