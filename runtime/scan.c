#include "runtime/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/init.h"
#include "runtime/program.h"

/* ---- Values ---- */

static bool is_finite(Dtype dtype, const void *values, int64_t i)
{
    if (dtype == DTYPE_F32)
        return isfinite(((const float *)values)[i]);
    uint16_t exponent = dtype == DTYPE_F16 ? 0x7c00 : 0x7f80; /* all ones: infinite, or no number */
    return (((const uint16_t *)values)[i] & exponent) != exponent;
}

static bool is_real(Dtype dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16 || dtype == DTYPE_F16;
}

/* The first of `count` values that is not finite; -1: none. */
static int64_t find_not_finite(Dtype dtype, const void *values, int64_t count)
{
    for (int64_t i = 0; is_real(dtype) && i < count; i++)
        if (!is_finite(dtype, values, i))
            return i;
    return -1;
}

/* What a call has of a buffer: `count` values from `values` on, `of_lead` of them for each sample, the first
 * of them sample `first`. of_lead 0: they are not the samples' own. */
typedef struct {
    const void *values;
    int64_t count, of_lead, first;
} Piece;

static Piece piece_of(const CnnProgram *program, const DeviceCall *call, int index)
{
    const CnnBuffer *buffer = &program->buffers[program->steps[call->step].buffers[index]];
    int64_t element = (int64_t)dtype_bytes(buffer->dtype), lead = (int64_t)buffer->lead_bytes / element;
    const char *base = call->buffers[index];
    bool chunked = call->kind == PHASE_CHUNKED;
    if (buffer->lead == LEAD_BATCH) {
        int64_t begin = chunked ? call->call->begin : 0,
                end = chunked ? call->call->end : call->call->samples;
        /* Sample 0 of a chunk's memory may lie before it: only unsigned arithmetic may go there. */
        const void *values = (const void *)((uintptr_t)base + (uintptr_t)begin * buffer->lead_bytes);
        return (Piece){values, (end - begin) * lead, lead, begin};
    }
    if (buffer->lead == LEAD_SLICE)
        return (Piece){base, chunked ? lead : lead * call->call->slices, 0, 0};
    return (Piece){base, (int64_t)buffer->bytes / element, 0, 0};
}

/* The next step of the phase writes it too, the rest of it: a strided gradient has a kernel for each class of
 * pixels. */
static bool is_unfinished(const CnnProgram *program, int step, int buffer)
{
    for (int p = 0; p < program->phase_count; p++) {
        int end = program->phases[p].first_step + program->phases[p].step_count;
        if (step >= program->phases[p].first_step && step + 1 < end)
            return cnn_step_writes(&program->steps[step + 1], buffer);
    }
    return false;
}

/* ---- The first that is not finite ---- */

typedef struct {
    const CnnProgram *program;
    NotFinite found;
} Search;

static bool search_call(void *context, const DeviceCall *call)
{
    Search *search = context;
    const CnnProgram *program = search->program;
    const CnnStep *step = &program->steps[call->step];
    for (int i = 0; i < step->buffer_count; i++) {
        int index = step->buffers[i];
        const CnnBuffer *buffer = &program->buffers[index];
        if (!cnn_step_writes(step, index) || is_unfinished(program, call->step, index))
            continue;
        Piece piece = piece_of(program, call, i);
        int64_t at = find_not_finite(buffer->dtype, piece.values, piece.count);
        if (at < 0)
            continue;
        search->found = (NotFinite){.place = NOT_FINITE_COMPUTED,
                                    .name = buffer->name,
                                    .where = *buffer->where ? buffer->where : step->where,
                                    .part = buffer->segment == SEGMENT_STATE ? STEP_UPDATE : buffer->part,
                                    .sample = piece.of_lead ? piece.first + at / piece.of_lead : -1};
        return false;
    }
    return true;
}

/* The line of the layer that a tensor of the state belongs to. */
static const char *where_of(const CnnProgram *program, const char *name)
{
    for (int i = 0; i < program->buffer_count; i++)
        if (program->buffers[i].segment == SEGMENT_STATE && strcmp(program->buffers[i].name, name) == 0)
            return program->buffers[i].where;
    return "";
}

const CnnTensor *scan_state(CnnDevice *device, const CnnImage *image)
{
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (find_not_finite(tensor->dtype, cnn_device_read(device, tensor), cnn_tensor_elements(tensor)) >= 0)
            return tensor;
    }
    return NULL;
}

/* Running statistics and sums of gradients may have been changed by the step itself. */
static const CnnTensor *scan_parameters(CnnDevice *device, const CnnImage *image)
{
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (tensor->trainable &&
            find_not_finite(tensor->dtype, cnn_device_read(device, tensor), cnn_tensor_elements(tensor)) >= 0)
            return tensor;
    }
    return NULL;
}

NotFinite scan_not_finite(CnnDevice *device, const CnnImage *image, const Batch *batch,
                          const CnnScalars *scalars)
{
    int64_t values = 1;
    for (int d = 0; d < image->input_shape.count; d++)
        values *= image->input_shape.value[d];
    int64_t input = find_not_finite(image->input_dtype, batch->input, batch->samples * values);
    if (input >= 0)
        return (NotFinite){NOT_FINITE_INPUT, "input", "", STEP_FORWARD, input / values};
    int64_t label = find_not_finite(image->label_dtype, batch->label, batch->samples * image->label_width);
    if (label >= 0)
        return (NotFinite){NOT_FINITE_LABEL, "label", "", STEP_FORWARD, label / image->label_width};
    const CnnTensor *tensor = scan_parameters(device, image);
    if (tensor)
        return (NotFinite){NOT_FINITE_STATE, tensor->name, where_of(&image->train, tensor->name), STEP_UPDATE,
                           -1};
    Search search = {.program = &image->train, .found = {.name = "", .where = "", .sample = -1}};
    cnn_device_step_watched(device, &image->train, batch->input, batch->label, scalars, batch->samples,
                            search_call, &search);
    return search.found;
}

/* ---- Layers that give nothing ---- */

typedef struct {
    const CnnProgram *program;
    bool *seen, *live; /* by buffer: it was stored; a value of it is not 0 */
} Pulse;

/* -0 is 0. */
static bool has_value(Dtype dtype, const void *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (dtype == DTYPE_F32 ? ((const float *)values)[i] != 0
                               : (((const uint16_t *)values)[i] & 0x7fff) != 0)
            return true;
    return false;
}

static bool pulse_call(void *context, const DeviceCall *call)
{
    Pulse *pulse = context;
    const CnnProgram *program = pulse->program;
    const CnnStep *step = &program->steps[call->step];
    for (int i = 0; i < step->buffer_count; i++) {
        int index = step->buffers[i];
        const CnnBuffer *buffer = &program->buffers[index];
        if (!cnn_step_writes(step, index) || buffer->lead != LEAD_BATCH || !is_real(buffer->dtype) ||
            pulse->live[index])
            continue;
        Piece piece = piece_of(program, call, i);
        pulse->seen[index] = true;
        pulse->live[index] = has_value(buffer->dtype, piece.values, piece.count);
    }
    return true;
}

CnnStatus scan_dead(CnnDevice *device, const CnnImage *image, const Batch *batch, const CnnScalars *scalars,
                    const CnnBuffer **dead, CnnError *error)
{
    const CnnProgram *program = &image->eval;
    size_t count = (size_t)program->buffer_count + 1;
    Pulse pulse = {program, calloc(count, sizeof(bool)), calloc(count, sizeof(bool))};
    *dead = NULL;
    CnnStatus status = CNN_OK;
    if (pulse.seen && pulse.live) {
        cnn_device_step_watched(device, program, batch->input, batch->label, scalars, batch->samples,
                                pulse_call, &pulse);
        for (int i = 0; i < program->buffer_count && !*dead; i++)
            if (pulse.seen[i] && !pulse.live[i] && *program->buffers[i].where)
                *dead = &program->buffers[i];
    } else {
        status = cnn_fail(error, CNN_NO_RESOURCE, "no memory to look for layers that give nothing");
    }
    free(pulse.seen);
    free(pulse.live);
    return status;
}
