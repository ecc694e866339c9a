/* The CPU: slabs, pointer tables, and the run of a program's phases on the pool.
 *
 * Each worker has its own table of pointers for each program, filled when the device opens; a step changes
 * only those that depend on the batch that the loader lent, on the slice or on the chunk. One run of the pool
 * is one step of the training; between phases, and between the large steps of a whole phase, stands a
 * barrier. What is computed does not depend on who computes it: a slice is done by one worker in order, and a
 * whole step's ranges are independent. */
#include "runtime/device.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/image_verify.h"
#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

enum { LINE = 64, PAGE = 4096 };
/* A whole step with less than this many operations and bytes is done before another worker has woken: about 5
 * microseconds of one core's work. */
static const double SOLO_WORK = 65536;

/* A pointer that depends on the sample or slice being worked on: base + number * lead_bytes. */
typedef struct {
    int index; /* in the worker's table */
    uint64_t offset, lead_bytes;
} Patch;

/* A list of patches, cut by phase (or, for input and label, in one piece). */
typedef struct {
    Patch *items;
    int *first; /* first[phase] … first[phase + 1] */
} Patches;

/* A program, made ready to run. */
typedef struct {
    const CnnProgram *program;
    int *table_first; /* by step: where its pointers begin in a table */
    int table_count;
    void ***tables; /* by worker */
    Patches chunk, slice, input, label;
    bool *solo;    /* by step of a whole phase: done by worker 0 alone */
    bool *guarded; /* by step: it changes state, after the loss is known, and only if that is finite */
    atomic_llong *next_slice; /* by phase */
} Ready;

struct CnnDevice {
    const CnnImage *image;
    CnnPool *pool;
    int threads;
    char *state, *batch, *worker, *table;
    uint64_t worker_stride;      /* bytes from one worker's slab to the next */
    uint64_t batch_bytes, bytes; /* of the batch's slab; of all */
    CnnScalars *scalars;
    Ready ready[2];             /* train, eval */
    const CnnProgram *prepared; /* what WHEN_CHANGED makes for it lies in memory; NULL: for none */
};

static void *place(const void *base, uint64_t offset)
{
    return (void *)((uintptr_t)base + offset);
}

static char *device_segment(const CnnDevice *device, Segment segment, int worker)
{
    switch (segment) {
    case SEGMENT_STATE:
        return device->state;
    case SEGMENT_BATCH:
        return device->batch;
    case SEGMENT_WORKER:
        return device->worker + (uint64_t)worker * device->worker_stride;
    case SEGMENT_SCALAR:
        return (char *)device->scalars;
    case SEGMENT_TABLE:
        return device->table;
    case SEGMENT_INPUT:
    case SEGMENT_LABEL:
    case SEGMENT_COUNT:
        break; /* lent with each step */
    }
    return NULL;
}

/* Where the pointer of this buffer must be set again, in a phase of this kind; NULL: it never changes. */
static Patches *ready_patches(Ready *ready, const CnnBuffer *buffer, PhaseKind kind)
{
    if (buffer->segment == SEGMENT_INPUT)
        return &ready->input;
    if (buffer->segment == SEGMENT_LABEL)
        return &ready->label;
    if (kind == PHASE_WHOLE)
        return NULL;
    if (buffer->segment == SEGMENT_WORKER)
        return buffer->lead == LEAD_BATCH ? &ready->chunk : NULL;
    return buffer->lead == LEAD_SLICE ? &ready->slice : NULL;
}

/* Fills the tables and the lists of patches, whose rooms are large enough for every pointer. */
static void ready_fill(const CnnDevice *device, Ready *ready)
{
    const CnnProgram *program = ready->program;
    Patches *const lists[] = {&ready->chunk, &ready->slice, &ready->input, &ready->label};
    int at[4] = {0};
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        for (int l = 0; l < 4; l++)
            lists[l]->first[p] = at[l];
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++) {
            const CnnStep *step = &program->steps[s];
            ready->solo[s] = phase->kind == PHASE_WHOLE && step->flops + step->bytes < SOLO_WORK;
            for (int b = 0; b < step->buffer_count; b++) {
                const CnnBuffer *buffer = &program->buffers[step->buffers[b]];
                int index = ready->table_first[s] + b;
                for (int w = 0; w < device->threads; w++)
                    ready->tables[w][index] =
                        place(device_segment(device, buffer->segment, w), buffer->offset);
                Patches *list = ready_patches(ready, buffer, phase->kind);
                for (int l = 0; l < 4; l++)
                    if (lists[l] == list)
                        list->items[at[l]++] = (Patch){index, buffer->offset, buffer->lead_bytes};
            }
        }
    }
    for (int l = 0; l < 4; l++)
        lists[l]->first[program->phase_count] = at[l];
}

static bool writes_segment(const CnnProgram *program, const CnnStep *step, Segment segment)
{
    for (int i = 0; i < step->write_count; i++)
        if (program->buffers[step->writes[i]].segment == segment)
            return true;
    return false;
}

static bool writes_buffer(const CnnStep *step, int buffer)
{
    for (int i = 0; i < step->write_count; i++)
        if (step->writes[i] == buffer)
            return true;
    return false;
}

/* A worker that comes to a step behind that which makes the loss has passed a barrier since, or has made it
 * itself: it can read it. */
static void ready_guard(Ready *ready)
{
    const CnnProgram *program = ready->program;
    bool known = false;
    for (int s = 0; s < program->step_count; s++) {
        ready->guarded[s] = known && writes_segment(program, &program->steps[s], SEGMENT_STATE);
        known = known || writes_buffer(&program->steps[s], program->loss);
    }
}

static void *room(size_t count, size_t bytes, bool *enough)
{
    void *block = calloc(count + 1, bytes); /* never of size 0, for which calloc may give NULL */
    *enough = *enough && block;
    return block;
}

static bool ready_open(const CnnDevice *device, const CnnProgram *program, Ready *ready)
{
    bool enough = true;
    size_t steps = (size_t)program->step_count, phases = (size_t)program->phase_count;
    ready->program = program;
    ready->table_first = room(steps, sizeof *ready->table_first, &enough);
    ready->solo = room(steps, sizeof *ready->solo, &enough);
    ready->guarded = room(steps, sizeof *ready->guarded, &enough);
    ready->next_slice = room(phases, sizeof *ready->next_slice, &enough);
    ready->tables = room((size_t)device->threads, sizeof *ready->tables, &enough);
    for (int s = 0; s < program->step_count && enough; s++) {
        ready->table_first[s] = ready->table_count;
        ready->table_count += program->steps[s].buffer_count;
    }
    for (int w = 0; w < device->threads && enough; w++) {
        ready->tables[w] = cnn_memory_take((uint64_t)ready->table_count * sizeof(void *));
        enough = ready->tables[w] != NULL;
    }
    Patches *const lists[] = {&ready->chunk, &ready->slice, &ready->input, &ready->label};
    for (int l = 0; l < 4; l++) {
        lists[l]->items = room((size_t)ready->table_count, sizeof(Patch), &enough);
        lists[l]->first = room(phases + 1, sizeof(int), &enough);
    }
    if (enough) {
        ready_fill(device, ready);
        ready_guard(ready);
    }
    return enough;
}

static void ready_close(const CnnDevice *device, Ready *ready)
{
    Patches *const lists[] = {&ready->chunk, &ready->slice, &ready->input, &ready->label};
    for (int l = 0; l < 4; l++) {
        free(lists[l]->items);
        free(lists[l]->first);
    }
    for (int w = 0; w < device->threads && ready->tables; w++)
        free(ready->tables[w]);
    free(ready->tables);
    free(ready->table_first);
    free(ready->solo);
    free(ready->guarded);
    free(ready->next_slice);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Takes the slabs, which fill_work will zero, after a look at how much memory there is. */
static CnnStatus device_take(CnnDevice *device, CnnError *error)
{
    const CnnImage *image = device->image;
    uint64_t batch = larger(image->train.batch_bytes, image->eval.batch_bytes);
    uint64_t worker = larger(image->train.worker_bytes, image->eval.worker_bytes), workers, bytes;
    bool fits = cnn_add(worker, PAGE - 1, &worker);
    device->worker_stride = worker / PAGE * PAGE;
    fits = fits && cnn_multiply(device->worker_stride, (uint64_t)device->threads, &workers);
    fits = fits && cnn_add(image->state_bytes, batch, &bytes) && cnn_add(bytes, workers, &bytes) &&
           cnn_add(bytes, image->table_bytes, &bytes);
    if (!fits)
        return cnn_fail(error, CNN_NO_RESOURCE, "the training needs more memory than can be counted");
    uint64_t available = cnn_memory_available();
    if (bytes <= available) {
        device->state = cnn_memory_reserve(image->state_bytes);
        device->batch = cnn_memory_reserve(batch);
        device->worker = cnn_memory_reserve(workers);
        device->table = cnn_memory_take(image->table_bytes);
        device->scalars = cnn_memory_take(sizeof *device->scalars);
    }
    if (!device->state || !device->batch || !device->worker || !device->table || !device->scalars)
        return cnn_fail(
            error, CNN_NO_RESOURCE,
            "the training needs %llu bytes of memory (%.1f GiB: weights and optimizer %.1f, batch %.1f, %d "
            "threads %.1f), and %.1f GiB are free: a smaller batch or fewer threads need less",
            (unsigned long long)bytes, (double)bytes / 0x1p30, (double)image->state_bytes / 0x1p30,
            (double)batch / 0x1p30, device->threads, (double)workers / 0x1p30, (double)available / 0x1p30);
    device->batch_bytes = batch;
    device->bytes = bytes;
    return CNN_OK;
}

/* The first contents of the slabs. */
typedef struct {
    CnnDevice *device;
    uint64_t seed;
} Filling;

/* Zeroes this worker's pieces of a slab. */
static void zero_share(const CnnDevice *device, int worker, char *slab, uint64_t bytes)
{
    enum { PIECE = 2 << 20 /* a large page */ };
    uint64_t stride = (uint64_t)device->threads * PIECE;
    for (uint64_t at = (uint64_t)worker * PIECE; at < bytes; at += stride)
        memset(slab + at, 0, bytes - at < PIECE ? bytes - at : PIECE);
}

/* This worker's pieces of the tensors. */
static void fill_share(const Filling *filling, int worker)
{
    enum { PIECE = 1 << 14 };
    const CnnDevice *device = filling->device;
    int64_t number = 0;
    for (int i = 0; i < device->image->tensor_count; i++) {
        const CnnTensor *tensor = &device->image->tensors[i];
        int64_t elements = cnn_tensor_elements(tensor);
        for (int64_t begin = 0; begin < elements; begin += PIECE) {
            int64_t end = begin + PIECE < elements ? begin + PIECE : elements;
            if (number++ % device->threads == worker)
                cnn_init_tensor(tensor, filling->seed, device->state + tensor->offset, begin, end);
        }
    }
}

static void fill_work(void *context, int worker)
{
    const Filling *filling = context;
    CnnDevice *device = filling->device;
    zero_share(device, worker, device->state, device->image->state_bytes);
    zero_share(device, worker, device->batch, device->batch_bytes);
    memset(device_segment(device, SEGMENT_WORKER, worker), 0, device->worker_stride);
    cnn_pool_barrier(device->pool);
    fill_share(filling, worker);
}

static CnnStatus device_open(const CnnImage *image, int threads, bool apart, uint64_t seed, CnnDevice **out,
                             CnnError *error)
{
    *out = NULL;
    TRY(cnn_image_verify(image, error));
    CnnDevice *device = calloc(1, sizeof *device);
    if (!device)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the device");
    device->image = image;
    CnnStatus status = apart ? cnn_pool_open_apart(threads, &device->pool, error)
                             : cnn_pool_open(threads, &device->pool, error);
    if (status == CNN_OK) {
        device->threads = cnn_pool_threads(device->pool);
        status = device_take(device, error);
    }
    if (status == CNN_OK && !(ready_open(device, &image->train, &device->ready[0]) &&
                              ready_open(device, &image->eval, &device->ready[1])))
        status = cnn_fail(error, CNN_NO_RESOURCE, "no memory for the tables of %d threads", device->threads);
    if (status != CNN_OK) {
        cnn_device_close(device);
        return status;
    }
    if (image->table_bytes)
        memcpy(device->table, image->table, image->table_bytes);
    Filling filling = {device, seed};
    cnn_pool_run(device->pool, fill_work, &filling);
    *out = device;
    return CNN_OK;
}

CnnStatus cnn_device_open(const CnnImage *image, int threads, uint64_t seed, CnnDevice **out, CnnError *error)
{
    return device_open(image, threads, false, seed, out, error);
}

CnnStatus cnn_device_open_apart(const CnnImage *image, int threads, uint64_t seed, CnnDevice **out,
                                CnnError *error)
{
    return device_open(image, threads, true, seed, out, error);
}

void cnn_device_close(CnnDevice *device)
{
    if (!device)
        return;
    cnn_pool_close(device->pool);
    for (int i = 0; i < 2; i++)
        ready_close(device, &device->ready[i]);
    free(device->state);
    free(device->batch);
    free(device->worker);
    free(device->table);
    free(device->scalars);
    free(device);
}

/* Who is told of each call, and whether no more is to be done. */
typedef struct {
    DeviceWatch *tell;
    void *context;
    bool ended;
} Watch;

/* One step of the training, as the workers see it. */
typedef struct {
    CnnDevice *device;
    Ready *ready;
    const void *input, *label;
    int64_t samples, slices;
    bool update, changed;
    double *seconds; /* cnn_device_step_timed; NULL: nobody wants to know */
    Watch *watch;    /* cnn_device_step_watched; NULL: nobody wants to know */
} Job;

static bool loss_is_finite(const Job *job)
{
    const CnnProgram *program = job->ready->program;
    return isfinite(*(const float *)cnn_device_buffer(job->device, program, program->loss));
}

static void job_watch(const Job *job, int s, PhaseKind kind, const CnnCall *call, void *const *buffers)
{
    DeviceCall made = {s, call, kind, buffers};
    job->watch->ended = !job->watch->tell(job->watch->context, &made);
}

/* One call of compiled code. */
static void job_call(const Job *job, int worker, int s, PhaseKind kind, const CnnCall *call)
{
    const CnnProgram *program = job->ready->program;
    CnnCode *code = __atomic_load_n(&job->device->image->code[program->steps[s].code], __ATOMIC_ACQUIRE);
    void *const *buffers = job->ready->tables[worker] + job->ready->table_first[s];
    if ((job->ready->guarded[s] && !loss_is_finite(job)) || (job->watch && job->watch->ended))
        return;
    double start = job->seconds ? cnn_thread_clock() : 0;
    code(buffers, call);
    if (job->seconds)
        job->seconds[worker * program->step_count + s] += cnn_thread_clock() - start;
    if (job->watch)
        job_watch(job, s, kind, call, buffers);
}

static void table_lend(const Ready *ready, void **table, const Patches *list, const void *base)
{
    int count = list->first[ready->program->phase_count];
    for (int i = 0; i < count; i++)
        table[list->items[i].index] = place(base, list->items[i].offset);
}

/* A slice, chunk by chunk, through all steps of the phase. */
static void job_slice(const Job *job, int worker, int p, int64_t slice)
{
    const Ready *ready = job->ready;
    const CnnProgram *program = ready->program;
    const CnnPhase *phase = &program->phases[p];
    void **table = ready->tables[worker];
    for (int i = ready->slice.first[p]; i < ready->slice.first[p + 1]; i++) {
        const Patch *patch = &ready->slice.items[i];
        table[patch->index] = place(job->device->batch, patch->offset + (uint64_t)slice * patch->lead_bytes);
    }
    const char *own = device_segment(job->device, SEGMENT_WORKER, worker);
    int64_t start = slice * program->slice, end = start + program->slice;
    if (end > job->samples)
        end = job->samples;
    for (int64_t begin = start; begin < end; begin += phase->chunk) {
        CnnCall call = {begin, begin + phase->chunk, job->samples, job->slices, begin == start};
        if (call.end > end)
            call.end = end;
        for (int i = ready->chunk.first[p]; i < ready->chunk.first[p + 1]; i++) {
            const Patch *patch = &ready->chunk.items[i];
            /* Sample `begin` lies at the start, so sample 0 would lie before it: only unsigned arithmetic may
             * go there. */
            table[patch->index] = place(own, patch->offset - (uint64_t)begin * patch->lead_bytes);
        }
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++)
            job_call(job, worker, s, PHASE_CHUNKED, &call);
    }
}

/* This worker's share of a step over the whole batch, or all of it. */
static void job_share(const Job *job, int worker, int s, bool all)
{
    const CnnStep *step = &job->ready->program->steps[s];
    int64_t extent = step->extent ? step->extent : job->samples;
    int64_t grains = (extent + step->grain - 1) / step->grain, threads = job->device->threads;
    int64_t begin = all ? 0 : grains * worker / threads * step->grain;
    int64_t end = all ? extent : grains * (worker + 1) / threads * step->grain;
    if (end > extent)
        end = extent;
    if (begin >= end)
        return;
    CnnCall call = {begin, end, job->samples, job->slices, 1};
    job_call(job, worker, s, PHASE_WHOLE, &call);
}

static bool job_skips(const Job *job, const CnnPhase *phase)
{
    return (phase->when == WHEN_UPDATE && !job->update) || (phase->when == WHEN_CHANGED && !job->changed);
}

static void job_lend(const Job *job, int worker)
{
    const Ready *ready = job->ready;
    table_lend(ready, ready->tables[worker], &ready->input, job->input);
    table_lend(ready, ready->tables[worker], &ready->label, job->label);
}

/* All of it, by worker 0, while the others sleep. */
static void job_alone(const Job *job)
{
    const CnnProgram *program = job->ready->program;
    job_lend(job, 0);
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        if (job_skips(job, phase))
            continue;
        for (int64_t slice = 0; phase->kind == PHASE_CHUNKED && slice < job->slices; slice++)
            job_slice(job, 0, p, slice);
        for (int s = 0; phase->kind == PHASE_WHOLE && s < phase->step_count; s++)
            job_share(job, 0, phase->first_step + s, true);
    }
}

static void job_work(void *context, int worker)
{
    const Job *job = context;
    const Ready *ready = job->ready;
    const CnnProgram *program = ready->program;
    CnnPool *pool = job->device->pool;
    job_lend(job, worker);
    /* What the last work was: nothing, worker 0's alone, or everyone's. All workers count alike, so all agree
     * on where a barrier stands; between two steps that worker 0 does alone none is needed. */
    enum { NOTHING, ALONE, TOGETHER } last = NOTHING;
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        if (job_skips(job, phase))
            continue;
        if (phase->kind == PHASE_CHUNKED) {
            if (last != NOTHING)
                cnn_pool_barrier(pool);
            last = TOGETHER;
            int64_t slice;
            while ((slice = atomic_fetch_add_explicit(&ready->next_slice[p], 1, memory_order_relaxed)) <
                   job->slices)
                job_slice(job, worker, p, slice);
            continue;
        }
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++) {
            bool solo = ready->solo[s];
            if (last == TOGETHER || (last == ALONE && !solo))
                cnn_pool_barrier(pool);
            last = solo ? ALONE : TOGETHER;
            if (!solo || worker == 0)
                job_share(job, worker, s, solo);
        }
    }
}

static Job job_make(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                    const CnnScalars *scalars, int64_t samples)
{
    *device->scalars = *scalars;
    return (Job){.device = device,
                 .ready = &device->ready[program == &device->image->eval],
                 .input = input,
                 .label = label,
                 .samples = samples,
                 .slices = (samples + program->slice - 1) / program->slice,
                 .update = scalars->last_micro == 1,
                 .changed = device->prepared != program};
}

void cnn_device_step_timed(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                           const CnnScalars *scalars, int64_t samples, double *seconds)
{
    Job job = job_make(device, program, input, label, scalars, samples);
    job.seconds = seconds;
    for (int p = 0; p < program->phase_count; p++)
        atomic_store_explicit(&job.ready->next_slice[p], 0, memory_order_relaxed);
    cnn_pool_run(device->pool, job_work, &job);
    device->prepared = program;
}

void cnn_device_step_watched(CnnDevice *device, const CnnProgram *program, const void *input,
                             const void *label, const CnnScalars *scalars, int64_t samples,
                             DeviceWatch *watch, void *context)
{
    Job job = job_make(device, program, input, label, scalars, samples);
    Watch told = {watch, context, false};
    job.watch = &told;
    job_alone(&job);
    device->prepared = told.ended ? NULL : program;
}

void cnn_device_step(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                     const CnnScalars *scalars, int64_t samples)
{
    cnn_device_step_timed(device, program, input, label, scalars, samples, NULL);
}

const void *cnn_device_buffer(const CnnDevice *device, const CnnProgram *program, int buffer)
{
    const CnnBuffer *wanted = &program->buffers[buffer];
    return place(device_segment(device, wanted->segment, 0), wanted->offset);
}

void *cnn_device_tensor(CnnDevice *device, const CnnTensor *tensor)
{
    device->prepared = NULL;
    return device->state + tensor->offset;
}

int cnn_device_threads(const CnnDevice *device)
{
    return device->threads;
}

uint64_t cnn_device_bytes(const CnnDevice *device)
{
    return device->bytes;
}
