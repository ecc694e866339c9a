#include "compiler/cpu/bare_object.h"

#include "compiler/base/bug.h"
#include "compiler/cpu/object_module.h"

enum { LINE = 64 };

typedef struct {
    ObjectModule module;
    BareRequest *request;
    const CnnProgram *program;
    LLVMValueRef segment[SEGMENT_COUNT];
    LLVMTypeRef byte, code_type;
    LLVMBuilderRef builder;
} Bare;

/* ---- Memory ---- */

static uint64_t input_bytes(const CnnImage *image)
{
    uint64_t elements = 1;
    for (int i = 0; i < image->input_shape.count; i++)
        elements *= (uint64_t)image->input_shape.value[i];
    return elements * dtype_bytes(image->input_dtype);
}

/* Memory that is written, or, zero as it is, read. */
static LLVMValueRef add_memory(Bare *bare, const char *name, uint64_t bytes)
{
    LLVMTypeRef type = LLVMArrayType2(bare->byte, bytes ? bytes : 1);
    LLVMValueRef memory = LLVMAddGlobal(bare->module.module, type, name);
    LLVMSetInitializer(memory, LLVMConstNull(type));
    LLVMSetLinkage(memory, LLVMInternalLinkage);
    LLVMSetAlignment(memory, LINE);
    bare->request->memory_bytes += bytes;
    return memory;
}

static LLVMValueRef add_constant(Bare *bare, const void *bytes, uint64_t length)
{
    bare->request->constant_bytes += length;
    return object_module_bytes(&bare->module, length ? bytes : "", length ? (size_t)length : 1);
}

static void add_segments(Bare *bare)
{
    /* One sample, of an evaluation: no random numbers, no rate. */
    static const CnnScalars scalars = {
        .step = 1, .inverse_count = 1, .count = 1, .first_micro = 1, .last_micro = 1};
    const CnnImage *image = bare->request->image;
    bare->segment[SEGMENT_STATE] = add_constant(bare, bare->request->state, image->state_bytes);
    bare->segment[SEGMENT_TABLE] = add_constant(bare, image->table, image->table_bytes);
    bare->segment[SEGMENT_SCALAR] = add_constant(bare, &scalars, sizeof scalars);
    bare->segment[SEGMENT_BATCH] = add_memory(bare, "batch", bare->program->batch_bytes);
    bare->segment[SEGMENT_WORKER] = add_memory(bare, "worker", bare->program->worker_bytes);
    bare->segment[SEGMENT_INPUT] = add_memory(bare, "input", input_bytes(image));
    bare->segment[SEGMENT_LABEL] =
        add_memory(bare, "label", (uint64_t)image->label_width * dtype_bytes(image->label_dtype));
}

static LLVMValueRef place(Bare *bare, Segment segment, uint64_t offset)
{
    LLVMValueRef index = object_module_number(&bare->module, offset);
    return LLVMConstGEP2(bare->byte, bare->segment[segment], &index, 1);
}

/* ---- Steps ---- */

/* Marks the steps that the outputs are made by; loss and metrics are left out. */
static void find_needed(const CnnProgram *program, bool *step_needed, bool *buffer_needed)
{
    buffer_needed[program->logits] = true;
    for (int s = program->step_count - 1; s >= 0; s--) {
        const CnnStep *step = &program->steps[s];
        for (int i = 0; i < step->write_count; i++)
            step_needed[s] = step_needed[s] || buffer_needed[step->writes[i]];
        for (int i = 0; step_needed[s] && i < step->buffer_count; i++)
            buffer_needed[step->buffers[i]] = true;
    }
}

/* The pointers that a step's code takes. */
static LLVMValueRef make_table(Bare *bare, const CnnStep *step)
{
    LLVMValueRef *pointers = NEW_ARRAY(bare->module.arena, LLVMValueRef, step->buffer_count);
    for (int i = 0; i < step->buffer_count; i++) {
        const CnnBuffer *buffer = &bare->program->buffers[step->buffers[i]];
        pointers[i] = place(bare, buffer->segment, buffer->offset);
    }
    for (int i = 0; i < step->write_count; i++)
        if (bare->program->buffers[step->writes[i]].segment == SEGMENT_STATE)
            BUG("%s: an evaluation that changes the weights", step->name);
    return object_module_constant(
        &bare->module, NULL, LLVMConstArray2(bare->module.pointer, pointers, (uint64_t)step->buffer_count),
        LINE);
}

/* The CnnCall for all of a step at once. */
static LLVMValueRef make_call(Bare *bare, const CnnStep *step)
{
    const int64_t members[] = {0, step->extent ? step->extent : 1, 1, 1, 1};
    LLVMValueRef values[COUNT(members)];
    _Static_assert(sizeof members == sizeof(CnnCall), "the members of CnnCall");
    for (size_t i = 0; i < COUNT(members); i++)
        values[i] = object_module_number(&bare->module, (uint64_t)members[i]);
    return object_module_constant(&bare->module, NULL,
                                  LLVMConstArray2(bare->module.number, values, COUNT(members)), LINE);
}

static void add_step(Bare *bare, const CnnStep *step)
{
    LLVMValueRef code = object_module_code(&bare->module, bare->request->symbols[step->code]);
    LLVMValueRef arguments[] = {make_table(bare, step), make_call(bare, step)};
    LLVMBuildCall2(bare->builder, bare->code_type, code, arguments, 2, "");
}

static void add_phase(Bare *bare, const CnnPhase *phase, const bool *needed)
{
    for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++)
        if (needed[s])
            add_step(bare, &bare->program->steps[s]);
}

/* What is made of the weights alone is made by the first call, and kept. */
static void add_phase_once(Bare *bare, LLVMValueRef function, const CnnPhase *phase, const bool *needed)
{
    LLVMContextRef context = bare->module.context;
    LLVMValueRef made = add_memory(bare, "made", 1);
    LLVMBasicBlockRef make = LLVMAppendBasicBlockInContext(context, function, "make"),
                      on = LLVMAppendBasicBlockInContext(context, function, "on");
    LLVMValueRef known = LLVMBuildLoad2(bare->builder, bare->byte, made, ""),
                 missing = LLVMBuildICmp(bare->builder, LLVMIntEQ, known, LLVMConstInt(bare->byte, 0, 0), "");
    LLVMBuildCondBr(bare->builder, missing, make, on);
    LLVMPositionBuilderAtEnd(bare->builder, make);
    add_phase(bare, phase, needed);
    LLVMBuildStore(bare->builder, LLVMConstInt(bare->byte, 1, 0), made);
    LLVMBuildBr(bare->builder, on);
    LLVMPositionBuilderAtEnd(bare->builder, on);
}

static void copy(Bare *bare, LLVMValueRef to, unsigned to_alignment, LLVMValueRef from,
                 unsigned from_alignment, uint64_t bytes)
{
    LLVMBuildMemCpy(bare->builder, to, to_alignment, from, from_alignment,
                    object_module_number(&bare->module, bytes));
}

static void add_function(Bare *bare)
{
    enum { FLOAT = sizeof(float) };
    const CnnProgram *program = bare->program;
    const CnnBuffer *outputs = &program->buffers[program->logits];
    Arena *arena = bare->module.arena;
    LLVMContextRef context = bare->module.context;
    bool *needed = NEW_ARRAY(arena, bool, program->step_count);
    find_needed(program, needed, NEW_ARRAY(arena, bool, program->buffer_count));
    LLVMValueRef function = LLVMAddFunction(bare->module.module, bare->request->function, bare->code_type);
    bare->builder = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(bare->builder, LLVMAppendBasicBlockInContext(context, function, "entry"));
    copy(bare, bare->segment[SEGMENT_INPUT], LINE, LLVMGetParam(function, 0), FLOAT,
         input_bytes(bare->request->image));
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        if (phase->when == WHEN_CHANGED)
            add_phase_once(bare, function, phase, needed);
        else
            add_phase(bare, phase, needed);
    }
    copy(bare, LLVMGetParam(function, 1), FLOAT, place(bare, outputs->segment, outputs->offset), FLOAT,
         outputs->lead_bytes);
    LLVMBuildRetVoid(bare->builder);
    LLVMDisposeBuilder(bare->builder);
}

bool cpu_bare_object(const CpuTarget *target, BareRequest *request, Arena *arena, CpuObject *object,
                     const char **complaint)
{
    Bare bare = {.request = request, .program = &request->image->eval};
    if (!object_module_open(&bare.module, target, arena, complaint))
        return false;
    LLVMContextRef context = bare.module.context;
    LLVMTypeRef parameters[] = {bare.module.pointer, bare.module.pointer};
    bare.byte = LLVMInt8TypeInContext(context);
    bare.code_type = LLVMFunctionType(LLVMVoidTypeInContext(context), parameters, 2, 0);
    add_segments(&bare);
    add_function(&bare);
    return object_module_close(&bare.module, object, complaint);
}
