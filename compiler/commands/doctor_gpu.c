/* What a training on a GPU would have here. */
#include <string.h>

#include "compiler/commands/doctor.h"
#include "compiler/cuda/nvrtc.h"
#include "runtime/cuda/gpu.h"
#include "runtime/cuda/library.h"

static void absent(Fact *fact, const char *advice)
{
    fact->state = FACT_ABSENT;
    fact->advice = advice;
}

static void look_at_devices(Doctor *doctor)
{
    enum { GPUS_MOST = 16 };
    Arena *arena = doctor->arena;
    CudaGpu gpus[GPUS_MOST];
    CnnError error = {0};
    int count;
    Fact *driver = doctor_add(doctor, "gpu", "driver", NULL);
    if (cnn_gpu_find(gpus, GPUS_MOST, &count, &error) != CNN_OK) {
        driver->value = arena_printf(arena, "%s", error.text);
        absent(driver, NULL);
        return;
    }
    driver->value = arena_printf(arena, "CUDA %d.%d", gpus[0].driver_major, gpus[0].driver_minor);
    for (int i = 0; i < count && i < GPUS_MOST; i++) {
        const CudaGpu *gpu = &gpus[i];
        doctor_add(doctor, "gpu", i ? arena_printf(arena, "device %d", i + 1) : "device",
                   arena_printf(arena, "%s, %s, %d multiprocessors, %.1f GiB", gpu->name, gpu->architecture,
                                gpu->multiprocessors, (double)gpu->memory / 0x1p30));
    }
}

/* A library that is opened for its version alone. */
typedef struct {
    const char *name;
    const char *files[4]; /* NULL ends them */
    const char *function; /* that tells the version */
    const char *(*version)(void *function, Arena *arena);
    const char *advice;
} Library;

static const char *cudnn_version(void *function, Arena *arena)
{
    size_t (*ask)(void);
    *(void **)&ask = function;
    int version = (int)ask();
    return arena_printf(arena, "%d.%d.%d", version / 10000, version / 100 % 100, version % 100);
}

static const char *nccl_version(void *function, Arena *arena)
{
    int (*ask)(int *), version;
    *(void **)&ask = function;
    return ask(&version) == 0
               ? arena_printf(arena, "%d.%d.%d", version / 10000, version / 100 % 100, version % 100)
               : NULL;
}

static void look_at_library(Doctor *doctor, const Library *library)
{
    CnnError error = {0};
    void *opened, *function;
    Fact *fact = doctor_add(doctor, "gpu", library->name, NULL);
    if (cuda_library_open(library->files, &opened, &error) == CNN_OK &&
        cuda_library_find(opened, library->function, &function, &error) == CNN_OK)
        fact->value = library->version(function, doctor->arena);
    if (fact->value)
        return;
    fact->value =
        arena_printf(doctor->arena, "%s", *error.text ? error.text : "it does not tell its version");
    absent(fact, library->advice);
}

static void look_at_nvrtc(Doctor *doctor)
{
    CnnError error = {0};
    int major, minor;
    Fact *fact = doctor_add(doctor, "gpu", "NVRTC", NULL);
    if (nvrtc_version(&major, &minor, &error) == CNN_OK) {
        fact->value = arena_printf(doctor->arena, "%d.%d", major, minor);
        return;
    }
    fact->value = arena_printf(doctor->arena, "%s", error.text);
    absent(fact, "it compiles for GPUs; CNNC_CUDA_LIB lists the folders where it is looked for first");
}

void doctor_look_at_gpu(Doctor *doctor)
{
    static const Library libraries[] = {
        {"cuDNN", {"libcudnn.so.9", NULL}, "cudnnGetVersion", cudnn_version, "nothing in cnnc needs it"},
        {"NCCL", {"libnccl.so.2", NULL}, "ncclGetVersion", nccl_version, "nothing in cnnc needs it"},
    };
    look_at_devices(doctor);
    look_at_nvrtc(doctor);
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        look_at_library(doctor, &libraries[i]);
}
