#include "compiler/commands/model_device.h"

#include <string.h>

#include "compiler/check/compile_args.h"
#include "compiler/cuda/nvrtc.h"
#include "runtime/cuda/gpu.h"

/* As --device writes them; by DeviceChoice. */
static const char *const choices[] = {"auto", "cpu", "cuda", NULL};

static int find_choice(const char *name)
{
    int choice = 0;
    while (choices[choice] && strcmp(choices[choice], name) != 0)
        choice++;
    return choice;
}

CnnStatus model_device_check(const Options *options)
{
    const char *complaint;
    if (options->device && !choices[find_choice(options->device)])
        return command_fail(CNN_BAD_USAGE, "--device: there is no device '%s'; it is auto, cpu or cuda",
                            options->device);
    if (options->gpu && !cuda_target(options->arena, options->gpu, &complaint))
        return command_fail(CNN_BAD_USAGE, "--gpu: %s", complaint);
    return CNN_OK;
}

static DeviceChoice choose(const Options *options, const Program *program)
{
    const CnnStatement *written = recipe_find(program->compile, &device_schema);
    if (options->device)
        return (DeviceChoice)find_choice(options->device);
    return written ? (DeviceChoice)((const DeviceArgs *)written->args)->kind : DEVICE_AUTO;
}

/* The first GPU, and the compiler of code for it. *here: there is a GPU, whatever is missing. */
static CnnStatus find_gpu(CudaGpu *gpu, bool *here, CnnError *error)
{
    int count, major, minor;
    *here = cnn_gpu_find(gpu, 1, &count, error) == CNN_OK;
    return *here ? nvrtc_version(&major, &minor, error) : error->status;
}

static const CudaTarget *target_of(Arena *arena, const char *architecture, int multiprocessors)
{
    const char *complaint;
    const CudaTarget *known = cuda_target(arena, architecture, &complaint);
    CudaTarget *target = NULL;
    if (known) {
        target = NEW(arena, CudaTarget);
        *target = *known;
        target->multiprocessors = multiprocessors ? multiprocessors : known->multiprocessors;
    }
    return target;
}

static CnnStatus set_gpu(const Options *options, DeviceChoice choice, Session *session)
{
    CudaGpu gpu;
    CnnError error = {0};
    bool here, wanted = choice == DEVICE_CUDA || options->gpu;
    if (find_gpu(&gpu, &here, &error) != CNN_OK) {
        if (wanted)
            return command_fail(CNN_NO_RESOURCE, "the device cuda: %s", error.text);
        if (here)
            fprintf(stderr, "cnnc: warning: %s is not used: %s\n", gpu.name, error.text);
        return CNN_OK;
    }
    session->gpu =
        target_of(session->arena, options->gpu ? options->gpu : gpu.architecture, gpu.multiprocessors);
    if (!session->gpu && wanted)
        return command_fail(CNN_NO_RESOURCE, "the device cuda: %s is of architecture %s, which is too old",
                            gpu.name, gpu.architecture);
    return CNN_OK;
}

CnnStatus model_device_set(const Options *options, const Program *program, Session *session)
{
    DeviceChoice choice = choose(options, program);
    if (choice == DEVICE_CPU)
        return CNN_OK;
    if (!command_uses_gpu(options->command) || options->why) {
        if (choice == DEVICE_CUDA)
            fprintf(
                stderr,
                "cnnc: warning: `cnnc %s%s` computes on the CPU only, whatever the model's `device` says\n",
                options->command->word, options->why ? " --why" : "");
        return CNN_OK;
    }
    /* What a stage of the compiler makes for a named architecture can be printed anywhere. */
    if (options->command->run != command_emit)
        return set_gpu(options, choice, session);
    if (options->gpu)
        session->gpu = target_of(session->arena, options->gpu, 0);
    return !session->gpu && choice == DEVICE_CUDA ? set_gpu(options, choice, session) : CNN_OK;
}
