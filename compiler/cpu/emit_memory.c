/* Loads and stores: of one element, of vectors that lie side by side or apart, where conditions hold. */
#include <string.h>

#include "compiler/cpu/emit.h"

static LLVMValueRef call_masked(Emit *emit, const char *name, LLVMTypeRef *types, LLVMValueRef *arguments,
                                unsigned count)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(emit->module, id, types, 2);
    return LLVMBuildCall2(emit->builder, LLVMGlobalGetValueType(function), function, arguments, count, "");
}

static LLVMValueRef all_lanes(const Emit *emit)
{
    return lanes_mask(emit, emit->lanes);
}

/* The addresses of all lanes, `step` elements apart. */
static LLVMValueRef lane_pointers(Emit *emit, LLVMValueRef pointer, int64_t step, LLVMTypeRef element)
{
    LLVMValueRef ramp = lanes_ramp(emit, step);
    return LLVMBuildGEP2(emit->builder, element, pointer, &ramp, 1, "");
}

static LLVMValueRef any_lane(Emit *emit, LLVMValueRef mask)
{
    return lanes_intrinsic(emit, "llvm.vector.reduce.or", LLVMTypeOf(mask), &mask, 1);
}

static int64_t lane_step(const Emit *emit, int stream)
{
    return emit->lanes == 1 ? 0 : emit->streams.items[stream].coef[emit->schedule->vector_axis];
}

static LLVMValueRef load_lanes(Emit *emit, LLVMValueRef pointer, LLVMTypeRef element, int64_t step,
                               LLVMValueRef mask)
{
    LLVMTypeRef type = LLVMVectorType(element, (unsigned)emit->lanes);
    LLVMValueRef align = LLVMConstInt(
        emit->i32, LLVMGetTypeKind(element) == LLVMFloatTypeKind ? 4 : LLVMGetIntTypeWidth(element) / 8,
        false);
    if (step == 1) {
        LLVMTypeRef types[2] = {type, emit->pointer};
        return call_masked(emit, "llvm.masked.load", types,
                           (LLVMValueRef[]){pointer, align, mask, LLVMConstNull(type)}, 4);
    }
    LLVMValueRef pointers = lane_pointers(emit, pointer, step, element);
    LLVMTypeRef types[2] = {type, LLVMTypeOf(pointers)};
    return call_masked(emit, "llvm.masked.gather", types,
                       (LLVMValueRef[]){pointers, align, mask ? mask : all_lanes(emit), LLVMConstNull(type)},
                       4);
}

/* As it lies in memory; zero where the condition fails. */
LLVMValueRef expr_load_raw(Emit *emit, int stream, const Affine *at, LLVMValueRef condition)
{
    Dtype dtype = emit->computation->tensors.items[emit->streams.items[stream].tensor].dtype;
    LLVMTypeRef element = expr_storage_type(emit, dtype);
    LLVMValueRef pointer = place_pointer(emit, stream, at);
    int64_t step = lane_step(emit, stream);
    LLVMValueRef mask = step ? emit->mask[emit->vector] : NULL;
    LLVMValueRef safe = condition;
    if (condition && lanes_wide(condition)) {
        safe = step ? NULL : any_lane(emit, condition);
        mask = step ? lanes_and(emit, mask, condition) : NULL;
    }
    if (step && step != 1) {
        mask = safe ? lanes_and(emit, mask, lanes_splat(emit, safe)) : mask;
        safe = NULL;
    }
    if (safe)
        pointer = LLVMBuildSelect(emit->builder, safe, pointer, emit->zeros, "");
    LLVMValueRef value;
    if (step && (mask || step != 1)) {
        value = load_lanes(emit, pointer, element, step, mask);
    } else {
        value = LLVMBuildLoad2(emit->builder, lanes_type(emit, element, step != 0), pointer, "");
        LLVMSetAlignment(value, (unsigned)dtype_bytes(dtype));
    }
    if (condition && lanes_wide(condition) && !step)
        value = lanes_select(emit, condition, value, LLVMConstNull(LLVMTypeOf(lanes_splat(emit, value))));
    return value;
}

LLVMValueRef expr_load(Emit *emit, int stream, const Affine *at, LLVMValueRef condition)
{
    Dtype dtype = emit->computation->tensors.items[emit->streams.items[stream].tensor].dtype;
    return storage_read(emit, dtype, expr_load_raw(emit, stream, at, condition));
}

/* A store that a uniform condition allows: a block of its own, since memory must not be touched otherwise. */
static void store_if(Emit *emit, LLVMValueRef condition, LLVMValueRef value, LLVMValueRef pointer,
                     unsigned align)
{
    LLVMBasicBlockRef then = NULL, after = NULL;
    if (condition) {
        then = LLVMAppendBasicBlockInContext(emit->context, emit->function, "");
        after = LLVMAppendBasicBlockInContext(emit->context, emit->function, "");
        LLVMBuildCondBr(emit->builder, condition, then, after);
        LLVMPositionBuilderAtEnd(emit->builder, then);
    }
    LLVMSetAlignment(LLVMBuildStore(emit->builder, value, pointer), align);
    if (condition) {
        LLVMBuildBr(emit->builder, after);
        LLVMPositionBuilderAtEnd(emit->builder, after);
    }
}

void expr_store(Emit *emit, int stream, const Affine *at, LLVMValueRef value, LLVMValueRef condition)
{
    Dtype dtype = emit->computation->tensors.items[emit->streams.items[stream].tensor].dtype;
    unsigned align = (unsigned)dtype_bytes(dtype);
    LLVMValueRef pointer = place_pointer(emit, stream, at);
    int64_t step = lane_step(emit, stream);
    if (step)
        value = lanes_splat(emit, value);
    value = storage_write(emit, dtype, value);
    LLVMValueRef mask = step ? emit->mask[emit->vector] : NULL;
    if (mask || (condition && lanes_wide(condition))) {
        mask = lanes_and(emit, mask, condition);
        condition = NULL;
    }
    if (!step || (step == 1 && !mask)) {
        store_if(emit, condition, value, pointer, align);
        return;
    }
    mask = condition ? lanes_splat(emit, condition) : mask ? mask : all_lanes(emit);
    LLVMValueRef width = LLVMConstInt(emit->i32, align, false);
    if (step == 1) {
        LLVMTypeRef types[2] = {LLVMTypeOf(value), emit->pointer};
        call_masked(emit, "llvm.masked.store", types, (LLVMValueRef[]){value, pointer, width, mask}, 4);
        return;
    }
    LLVMValueRef pointers = lane_pointers(emit, pointer, step, expr_storage_type(emit, dtype));
    LLVMTypeRef types[2] = {LLVMTypeOf(value), LLVMTypeOf(pointers)};
    call_masked(emit, "llvm.masked.scatter", types, (LLVMValueRef[]){value, pointers, width, mask}, 4);
}
