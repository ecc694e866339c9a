/* A step: its kernels, one after another. */
#include <stdlib.h>

#include "runtime/cuda/device_cuda.h"

/* What is done of a program in one step. */
typedef struct Run Run;
struct Run {
    CudaDevice *device;
    const CudaStep *step;
    bool ended;
    /* Behind the launch of step s; NULL: nothing is to be done there. */
    CnnStatus (*then)(Run *run, int s, void *context, CnnError *error);
    void *context;
};

static bool is_skipped(const Run *run, const CnnPhase *phase)
{
    return (phase->when == WHEN_UPDATE && !run->step->update) ||
           (phase->when == WHEN_CHANGED && !run->step->changed);
}

static CnnStatus run_kernels(Run *run, CnnError *error)
{
    const CnnProgram *program = run->step->ready->program;
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        int end = phase->first_step + (is_skipped(run, phase) ? 0 : phase->step_count);
        for (int s = phase->first_step; s < end && !run->ended; s++) {
            TRY(cuda_launch(run->device, run->step, s, error));
            if (run->then)
                TRY(run->then(run, s, run->context, error));
        }
    }
    return cuda_results_copy(run->device, run->step, error);
}

CnnStatus cuda_launch_all(CudaDevice *device, const CudaStep *step, CnnError *error)
{
    Run run = {.device = device, .step = step};
    return run_kernels(&run, error);
}

/* ---- Timed ---- */

/* An event before the first kernel, and one behind each. */
typedef struct {
    CudaEvent *events;
    int *steps; /* whose kernel ends at event i + 1 */
    int count;
} Timing;

static CnnStatus time_kernel(Run *run, int s, void *context, CnnError *error)
{
    Timing *timing = context;
    timing->steps[timing->count++] = s;
    CUDA_TRY(&run->device->driver, error, cuEventRecord, timing->events[timing->count], run->device->stream);
    return CNN_OK;
}

static CnnStatus run_between_events(Run *run, Timing *timing, double *seconds, CnnError *error)
{
    const CudaDriver *driver = &run->device->driver;
    for (int i = 0; i <= run->step->ready->program->step_count; i++)
        CUDA_TRY(driver, error, cuEventCreate, &timing->events[i], CUDA_EVENT_TIMED);
    CUDA_TRY(driver, error, cuEventRecord, timing->events[0], run->device->stream);
    run->then = time_kernel;
    run->context = timing;
    TRY(run_kernels(run, error));
    CUDA_TRY(driver, error, cuStreamSynchronize, run->device->stream);
    for (int i = 0; i < timing->count; i++) {
        float milliseconds;
        CUDA_TRY(driver, error, cuEventElapsedTime, &milliseconds, timing->events[i], timing->events[i + 1]);
        seconds[timing->steps[i]] += (double)milliseconds / 1e3;
    }
    return CNN_OK;
}

static CnnStatus run_timed(Run *run, double *seconds, CnnError *error)
{
    size_t steps = (size_t)run->step->ready->program->step_count;
    Timing timing = {calloc(steps + 1, sizeof(CudaEvent)), calloc(steps + 1, sizeof(int)), 0};
    CnnStatus status = timing.events && timing.steps
                           ? run_between_events(run, &timing, seconds, error)
                           : cnn_fail(error, CNN_NO_RESOURCE, "no memory to measure the kernels");
    for (size_t i = 0; i <= steps && timing.events; i++)
        if (timing.events[i])
            run->device->driver.cuEventDestroy(timing.events[i]);
    free(timing.events);
    free(timing.steps);
    return status;
}

/* ---- Watched ---- */

typedef struct {
    const DeviceStep *step;
    void **buffers; /* of a kernel */
} Watching;

static CnnStatus show_kernel(Run *run, int s, void *context, CnnError *error)
{
    Watching *watching = context;
    const CnnProgram *program = run->step->ready->program;
    const CnnStep *step = &program->steps[s];
    for (int i = 0; i < step->write_count; i++)
        TRY(cuda_mirror_buffer(run->device, &program->buffers[step->writes[i]], error));
    for (int i = 0; i < step->buffer_count; i++)
        watching->buffers[i] = cuda_mirror_place(run->device, &program->buffers[step->buffers[i]]);
    int64_t samples = run->step->samples;
    CnnCall call = {0, step->extent ? step->extent : samples, samples,
                    (run->step->samples - 1) / program->slice + 1, 1};
    /* As of a whole phase: buffers of samples and of slices are there with all of them. */
    DeviceCall made = {s, &call, PHASE_WHOLE, watching->buffers};
    run->ended = !watching->step->watch(watching->step->context, &made);
    return CNN_OK;
}

static CnnStatus run_watched(Run *run, const DeviceStep *step, CnnError *error)
{
    int most = 0;
    for (int s = 0; s < run->step->ready->program->step_count; s++)
        if (run->step->ready->program->steps[s].buffer_count > most)
            most = run->step->ready->program->steps[s].buffer_count;
    Watching watching = {step, calloc((size_t)most + 1, sizeof(void *))};
    if (!watching.buffers)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory to watch the kernels");
    run->then = show_kernel;
    run->context = &watching;
    CnnStatus status = run_kernels(run, error);
    free(watching.buffers);
    return status;
}

/* ---- A step ---- */

CnnStatus cuda_run(CudaDevice *device, const DeviceStep *step, CnnError *error)
{
    CudaReady *ready = &device->ready[step->program == &device->image->eval];
    CudaStep now = {.ready = ready,
                    .feed = (int)(device->steps % CUDA_FEEDS),
                    .samples = (int)step->samples,
                    .update = ready->has_update && step->scalars->last_micro == 1,
                    .changed = ready->has_changed && device->prepared != step->program};
    Run run = {.device = device, .step = &now};
    device->prepared = NULL;
    for (int i = 0; i < device->image->tensor_count && ready->writes_state; i++)
        device->held[i] = false;
    TRY(cuda_feed(device, step, error));
    device->steps++;
    if (step->watch)
        TRY(run_watched(&run, step, error));
    else if (step->seconds)
        TRY(run_timed(&run, step->seconds, error));
    else
        TRY(cuda_replay(device, &now, error));
    CUDA_TRY(&device->driver, error, cuEventRecord, device->feeds[now.feed].done, device->stream);
    if (!run.ended)
        device->prepared = step->program;
    return CNN_OK;
}
