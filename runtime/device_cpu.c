/* The CPU: slabs, pointer tables, and the run of a program's phases on the pool.
 *
 * Each worker has its own table of pointers for each program, filled when the device opens; a step changes
 * only those that depend on the batch that the loader lent, on the slice or on the chunk. One run of the pool
 * is one step of the training; barriers stand where a unit of steps needs what others make (units.h). What is
 * computed does not depend on who computes it: a slice is done by one worker in order, and a whole step's
 * ranges are independent. */
#include "runtime/device_kind.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/pool.h"
#include "runtime/program.h"
#include "runtime/units.h"

enum { LINE = 64, PAGE = 4096 };

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
    bool *guarded; /* by step: it changes state, after the loss is known, and only if that is finite */
    CnnUnit *units;
    int unit_count;
    atomic_llong *next; /* by unit: the first piece that no worker has taken */
} Ready;

typedef struct {
    CnnDevice base;
    const CnnImage *image;
    CnnPool *pool;
    int threads;
    char *state, *batch, *worker, *table;
    uint64_t worker_stride; /* bytes from one worker's slab to the next */
    uint64_t batch_bytes;   /* of the batch's slab */
    CnnScalars *scalars;
    Ready ready[2];             /* train, eval */
    const CnnProgram *prepared; /* what WHEN_CHANGED makes for it lies in memory; NULL: for none */
} CpuDevice;

static void *place(const void *base, uint64_t offset)
{
    return (void *)((uintptr_t)base + offset);
}

static char *device_segment(const CpuDevice *device, Segment segment, int worker)
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
static void ready_fill(const CpuDevice *device, Ready *ready)
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

static void *room(size_t count, size_t bytes, bool *enough)
{
    void *block = calloc(count + 1, bytes); /* never of size 0, for which calloc may give NULL */
    *enough = *enough && block;
    return block;
}

static bool ready_open(const CpuDevice *device, const CnnProgram *program, Ready *ready)
{
    bool enough = true;
    size_t steps = (size_t)program->step_count, phases = (size_t)program->phase_count;
    ready->program = program;
    ready->table_first = room(steps, sizeof *ready->table_first, &enough);
    ready->guarded = room(steps, sizeof *ready->guarded, &enough);
    ready->units = room(steps + phases, sizeof *ready->units, &enough);
    ready->next = room(steps + phases, sizeof *ready->next, &enough);
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
        /* A worker that comes to a step behind that which makes the loss has passed a barrier since, or has
         * made it itself: it can read it. */
        cnn_program_guarded(program, ready->guarded);
        ready->unit_count = cnn_units(program, ready->guarded, device->threads, ready->units);
    }
    return enough && ready->unit_count >= 0;
}

static void ready_close(const CpuDevice *device, Ready *ready)
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
    free(ready->guarded);
    free(ready->units);
    free(ready->next);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Takes the slabs, which fill_work will zero, after a look at how much memory there is. */
static CnnStatus device_take(CpuDevice *device, CnnError *error)
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
    device->base.bytes = bytes;
    return CNN_OK;
}

/* The first contents of the slabs. */
typedef struct {
    CpuDevice *device;
    uint64_t seed;
} Filling;

/* Zeroes this worker's pieces of a slab. */
static void zero_share(const CpuDevice *device, int worker, char *slab, uint64_t bytes)
{
    enum { PIECE = 2 << 20 /* a large page */ };
    uint64_t stride = (uint64_t)device->threads * PIECE;
    for (uint64_t at = (uint64_t)worker * PIECE; at < bytes; at += stride)
        memset(slab + at, 0, bytes - at < PIECE ? bytes - at : PIECE);
}

static void fill_work(void *context, int worker)
{
    const Filling *filling = context;
    CpuDevice *device = filling->device;
    zero_share(device, worker, device->state, device->image->state_bytes);
    zero_share(device, worker, device->batch, device->batch_bytes);
    memset(device_segment(device, SEGMENT_WORKER, worker), 0, device->worker_stride);
    cnn_pool_barrier(device->pool);
    cnn_init_share(device->image, filling->seed, device->state, worker, device->threads);
}

static void cpu_close(CnnDevice *base)
{
    CpuDevice *device = (CpuDevice *)base;
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

static CnnStatus cpu_open(const CnnImage *image, int threads, bool apart, uint64_t seed, CnnDevice **out,
                          CnnError *error)
{
    CpuDevice *device = calloc(1, sizeof *device);
    if (!device)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the device");
    device->base.kind = &cnn_cpu_device;
    device->image = image;
    CnnStatus status = apart ? cnn_pool_open_apart(threads, &device->pool, error)
                             : cnn_pool_open(threads, &device->pool, error);
    if (status == CNN_OK) {
        device->base.threads = device->threads = cnn_pool_threads(device->pool);
        status = device_take(device, error);
    }
    if (status == CNN_OK && !(ready_open(device, &image->train, &device->ready[0]) &&
                              ready_open(device, &image->eval, &device->ready[1])))
        status = cnn_fail(error, CNN_NO_RESOURCE, "no memory for the tables of %d threads", device->threads);
    if (status != CNN_OK) {
        cpu_close(&device->base);
        return status;
    }
    if (image->table_bytes)
        memcpy(device->table, image->table, image->table_bytes);
    Filling filling = {device, seed};
    cnn_pool_run(device->pool, fill_work, &filling);
    *out = &device->base;
    return CNN_OK;
}

/* Who is told of each call, and whether no more is to be done. */
typedef struct {
    DeviceWatch *tell;
    void *context;
    bool ended;
} Watch;

/* One step of the training, as the workers see it. */
typedef struct {
    CpuDevice *device;
    Ready *ready;
    const void *input, *label;
    int64_t samples, slices;
    bool update, changed;
    double *seconds; /* cnn_device_step_timed; NULL: nobody wants to know */
    Watch *watch;    /* cnn_device_step_watched; NULL: nobody wants to know */
} Job;

static const void *device_buffer(const CpuDevice *device, const CnnProgram *program, int buffer)
{
    const CnnBuffer *wanted = &program->buffers[buffer];
    return place(device_segment(device, wanted->segment, 0), wanted->offset);
}

static bool loss_is_finite(const Job *job)
{
    const CnnProgram *program = job->ready->program;
    return isfinite(*(const float *)device_buffer(job->device, program, program->loss));
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

/* A chunk, through all steps of the phase. `first`: of its slice. */
static void job_chunk(const Job *job, int worker, int p, CnnRange samples, bool first)
{
    const Ready *ready = job->ready;
    const CnnPhase *phase = &ready->program->phases[p];
    CnnCall call = {samples.begin, samples.end, job->samples, job->slices, first};
    const char *own = device_segment(job->device, SEGMENT_WORKER, worker);
    for (int i = ready->chunk.first[p]; i < ready->chunk.first[p + 1]; i++) {
        const Patch *patch = &ready->chunk.items[i];
        /* Sample `begin` lies at the start, so sample 0 would lie before it: only unsigned arithmetic may
         * go there. */
        ready->tables[worker][patch->index] =
            place(own, patch->offset - (uint64_t)samples.begin * patch->lead_bytes);
    }
    for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++)
        job_call(job, worker, s, PHASE_CHUNKED, &call);
}

/* A slice, chunk by chunk. */
static void job_slice(const Job *job, int worker, int p, int64_t slice)
{
    const Ready *ready = job->ready;
    const CnnProgram *program = ready->program;
    for (int i = ready->slice.first[p]; i < ready->slice.first[p + 1]; i++) {
        const Patch *patch = &ready->slice.items[i];
        ready->tables[worker][patch->index] =
            place(job->device->batch, patch->offset + (uint64_t)slice * patch->lead_bytes);
    }
    int64_t start = slice * program->slice, end = least(start + program->slice, job->samples);
    for (int64_t begin = start; begin < end; begin += program->phases[p].chunk)
        job_chunk(job, worker, p, (CnnRange){begin, least(begin + program->phases[p].chunk, end)},
                  begin == start);
}

/* Of chunks that are no slice's. The memory of a worker has room for so many. */
static int64_t chunk_samples(const Job *job, int p)
{
    const CnnProgram *program = job->ready->program;
    return least(program->phases[p].chunk, program->slice);
}

/* Where nothing is summed over the slices, no order binds their chunks. */
static bool takes_slices(const Ready *ready, int p)
{
    return ready->slice.first[p] < ready->slice.first[p + 1];
}

/* The pieces of a unit in this step. */
static int64_t job_pieces(const Job *job, const CnnUnit *unit)
{
    if (job->ready->program->phases[unit->phase].kind == PHASE_WHOLE)
        return cnn_unit_pieces(unit);
    int64_t chunk = chunk_samples(job, unit->phase);
    return takes_slices(job->ready, unit->phase) ? job->slices : (job->samples + chunk - 1) / chunk;
}

static void job_piece(const Job *job, int worker, const CnnUnit *unit, int64_t piece)
{
    const CnnProgram *program = job->ready->program;
    const CnnPhase *phase = &program->phases[unit->phase];
    if (phase->kind == PHASE_CHUNKED && takes_slices(job->ready, unit->phase)) {
        job_slice(job, worker, unit->phase, piece);
        return;
    }
    if (phase->kind == PHASE_CHUNKED) {
        int64_t chunk = chunk_samples(job, unit->phase), begin = piece * chunk;
        job_chunk(job, worker, unit->phase, (CnnRange){begin, least(begin + chunk, job->samples)}, true);
        return;
    }
    for (int s = unit->first_step; s < unit->first_step + unit->step_count; s++) {
        const CnnStep *step = &program->steps[s];
        CnnRange range = cnn_unit_piece(unit, piece, step->extent ? step->extent : job->samples, step->grain);
        CnnCall call = {range.begin, range.end, job->samples, job->slices, 1};
        if (range.begin < range.end)
            job_call(job, worker, s, PHASE_WHOLE, &call);
    }
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
    const Ready *ready = job->ready;
    job_lend(job, 0);
    for (int u = 0; u < ready->unit_count; u++) {
        const CnnUnit *unit = &ready->units[u];
        if (job_skips(job, &ready->program->phases[unit->phase]))
            continue;
        CnnUnit undivided = *unit;
        undivided.shares = 1;
        undivided.halvings = 0;
        int64_t pieces = job_pieces(job, &undivided);
        for (int64_t piece = 0; piece < pieces; piece++)
            job_piece(job, 0, &undivided, piece);
    }
}

static void job_work(void *context, int worker)
{
    const Job *job = context;
    const Ready *ready = job->ready;
    job_lend(job, worker);
    for (int u = 0; u < ready->unit_count; u++) {
        const CnnUnit *unit = &ready->units[u];
        if (unit->waits) /* also where it is skipped: units behind it rely on this barrier */
            cnn_pool_barrier(job->device->pool);
        if (job_skips(job, &ready->program->phases[unit->phase]))
            continue;
        int64_t piece, pieces = job_pieces(job, unit);
        while ((piece = atomic_fetch_add_explicit(&ready->next[u], 1, memory_order_relaxed)) < pieces)
            job_piece(job, worker, unit, piece);
    }
}

static void cpu_step(CnnDevice *base, const DeviceStep *step)
{
    CpuDevice *device = (CpuDevice *)base;
    const CnnProgram *program = step->program;
    Watch watch = {step->watch, step->context, false};
    *device->scalars = *step->scalars;
    Job job = {.device = device,
               .ready = &device->ready[program == &device->image->eval],
               .input = step->input,
               .label = step->label,
               .samples = step->samples,
               .slices = (step->samples + program->slice - 1) / program->slice,
               .update = step->scalars->last_micro == 1,
               .changed = device->prepared != program,
               .seconds = step->seconds,
               .watch = step->watch ? &watch : NULL};
    if (step->watch) {
        job_alone(&job);
    } else {
        for (int u = 0; u < job.ready->unit_count; u++)
            atomic_store_explicit(&job.ready->next[u], 0, memory_order_relaxed);
        cnn_pool_run(device->pool, job_work, &job);
    }
    device->prepared = watch.ended ? NULL : program;
}

/* A step is done when it returns, and none fails. */
static CnnStatus cpu_wait(CnnDevice *base, CnnError *error)
{
    (void)base, (void)error;
    return CNN_OK;
}

static const void *cpu_buffer(CnnDevice *base, const CnnProgram *program, int buffer)
{
    return device_buffer((const CpuDevice *)base, program, buffer);
}

static const void *cpu_read(CnnDevice *base, const CnnTensor *tensor)
{
    return ((const CpuDevice *)base)->state + tensor->offset;
}

static void *cpu_tensor(CnnDevice *base, const CnnTensor *tensor)
{
    CpuDevice *device = (CpuDevice *)base;
    device->prepared = NULL;
    return device->state + tensor->offset;
}

const DeviceKind cnn_cpu_device = {cpu_open, cpu_close,  cpu_step, NULL,
                                   cpu_wait, cpu_buffer, cpu_read, cpu_tensor};
