/* Expressions as values: each is evaluated once for a place (the memo), loads are as wide as they must be. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit.h"

/* A bit beside those of the axes: needs accumulators, so it is never known before the reduced loops. */
static const uint32_t AFTER_SUMS = 1u << 31;

/* ---- What is known before any code is made ---- */

static int stream_of(Emit *emit, int tensor, const Affine *at)
{
    for (size_t i = 0; i < emit->streams.count; i++) {
        const Stream *stream = &emit->streams.items[i];
        if (stream->tensor == tensor && memcmp(stream->coef, at->coef, sizeof at->coef) == 0)
            return (int)i;
    }
    Stream *stream = vec_push(emit->arena, &emit->streams);
    stream->tensor = tensor;
    memcpy(stream->coef, at->coef, sizeof at->coef);
    return (int)emit->streams.count - 1;
}

static uint32_t affine_axes(const Affine *at)
{
    uint32_t axes = 0;
    for (int i = 0; i < AXIS_MAX; i++)
        axes |= at->coef[i] ? 1u << i : 0;
    return axes;
}

static uint32_t guard_axes(const Computation *computation, int first, int count)
{
    uint32_t axes = 0;
    for (int i = 0; i < count; i++)
        axes |= affine_axes(&computation->guards.items[first + i].at);
    return axes;
}

static int expr_inputs(const Expr *expr)
{
    return expr->kind == EXPR_SCALAR ? scalar_table[expr->scalar].arity : expr->kind == EXPR_RANDOM ? 4 : 0;
}

static bool is_heavy(const Expr *expr)
{
    if (expr->kind == EXPR_RANDOM)
        return true;
    if (expr->kind != EXPR_SCALAR)
        return false;
    switch (expr->scalar) {
    case SCALAR_div:
    case SCALAR_sqrt:
    case SCALAR_rsqrt:
    case SCALAR_exp:
    case SCALAR_expm1:
    case SCALAR_log:
    case SCALAR_log1p:
    case SCALAR_tanh:
    case SCALAR_sigmoid:
    case SCALAR_erf:
    case SCALAR_power:
        return true;
    default:
        return false;
    }
}

static uint32_t output_axes(const Computation *computation)
{
    uint32_t axes = 0;
    for (int i = 0; i < computation->axis_count; i++)
        axes |= computation->axes[i].reduced ? 0 : 1u << i;
    return axes;
}

/* Axes in guards of stores and accumulators: what depends on them may be meant for points inside only. */
static uint32_t guarded_axes(const Computation *computation)
{
    uint32_t axes = 0;
    for (size_t i = 0; i < computation->stores.count; i++)
        axes |= guard_axes(computation, computation->stores.items[i].guard_first,
                           computation->stores.items[i].guard_count);
    for (size_t i = 0; i < computation->accs.count; i++)
        axes |= guard_axes(computation, computation->accs.items[i].guard_first,
                           computation->accs.items[i].guard_count);
    return axes;
}

void expr_prepare(Emit *emit)
{
    const Computation *computation = emit->computation;
    size_t count = computation->exprs.count;
    emit->stream_of_expr = NEW_ARRAY(emit->arena, int, count);
    emit->stream_of_store = NEW_ARRAY(emit->arena, int, computation->stores.count);
    emit->depends = NEW_ARRAY(emit->arena, uint32_t, MEMO_KINDS * count);
    emit->heavy = NEW_ARRAY(emit->arena, bool, count);
    emit->memo_last = NEW_ARRAY(emit->arena, int, MEMO_KINDS *count);
    uint32_t outputs = output_axes(computation), guarded = guarded_axes(computation);
    for (size_t i = 0; i < count; i++) {
        const Expr *expr = &computation->exprs.items[i];
        uint32_t depends = affine_axes(&expr->at) | affine_axes(&expr->at2);
        if (expr->kind == EXPR_LOAD) {
            emit->stream_of_expr[i] = stream_of(emit, expr->index, &expr->at);
            depends |= guard_axes(computation, expr->guard_first, expr->guard_count);
        }
        if (expr->kind == EXPR_ACC || expr->kind == EXPR_ACC_AT)
            depends = outputs | AFTER_SUMS;
        bool heavy = is_heavy(expr);
        for (int k = 0; k < expr_inputs(expr); k++)
            depends |= emit->depends[expr->in[k]];
        emit->depends[i] = depends;
        emit->depends[MEMO_RAW * count + i] = depends;
        emit->depends[MEMO_BLOCK * count + i] = emit->depends[MEMO_BLOCK_SECOND * count + i] =
            affine_axes(&expr->at2);
        emit->heavy[i] = heavy && !(depends & guarded);
        for (size_t kind = 0; kind < MEMO_KINDS; kind++)
            emit->memo_last[kind * count + i] = -1;
    }
    for (size_t i = 0; i < computation->stores.count; i++)
        emit->stream_of_store[i] =
            stream_of(emit, computation->stores.items[i].tensor, &computation->stores.items[i].at);
}

/* ---- Memo ---- */

/* Where in `depends` and `memo_last` this stands; values stand first, under the expression's own number. */
static ExprId memo_id(const Emit *emit, MemoKind kind, ExprId id)
{
    return (ExprId)kind * (ExprId)emit->computation->exprs.count + id;
}

static bool memo_fits(const Emit *emit, const Memo *memo, uint32_t depends)
{
    for (int i = 0; i < emit->computation->axis_count; i++)
        if (depends >> i & 1 &&
            (memo->index[i] != emit->place.index[i] || memo->offset[i] != emit->place.offset[i]))
            return false;
    return true;
}

static LLVMValueRef recall(const Emit *emit, ExprId id)
{
    for (int at = emit->memo_last[id]; at >= 0; at = emit->memo.items[at].previous)
        if (memo_fits(emit, &emit->memo.items[at], emit->depends[id]))
            return emit->memo.items[at].value;
    return NULL;
}

static void remember(Emit *emit, ExprId id, LLVMValueRef value)
{
    Memo *memo = vec_push(emit->arena, &emit->memo);
    memo->value = value;
    memcpy(memo->index, emit->place.index, sizeof memo->index);
    memcpy(memo->offset, emit->place.offset, sizeof memo->offset);
    memo->expr = id;
    memo->previous = emit->memo_last[id];
    emit->memo_last[id] = (int)emit->memo.count - 1;
}

void expr_forget(Emit *emit, size_t mark)
{
    while (emit->memo.count > mark) {
        const Memo *memo = &emit->memo.items[--emit->memo.count];
        emit->memo_last[memo->expr] = memo->previous;
    }
}

/* ---- Memory ---- */

LLVMTypeRef expr_storage_type(const Emit *emit, Dtype dtype)
{
    switch (dtype) {
    case DTYPE_F32:
        return emit->f32;
    case DTYPE_BF16:
        return emit->i16;
    case DTYPE_I32:
        return emit->i32;
    case DTYPE_U8:
        return emit->i8;
    case DTYPE_COUNT:
        break;
    }
    BUG("element type %d", (int)dtype);
}

static LLVMValueRef from_storage(Emit *emit, Dtype dtype, LLVMValueRef raw)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMTypeRef real = lanes_type_like(emit, emit->f32, raw), word = lanes_type_like(emit, emit->i32, raw);
    switch (dtype) {
    case DTYPE_BF16:
        raw = LLVMBuildZExt(builder, raw, word, "");
        return LLVMBuildBitCast(builder, LLVMBuildShl(builder, raw, lanes_word(emit, raw, 16), ""), real, "");
    case DTYPE_I32:
        return LLVMBuildSIToFP(builder, raw, real, "");
    case DTYPE_U8:
        return LLVMBuildSIToFP(builder, LLVMBuildZExt(builder, raw, word, ""), real, "");
    default:
        return raw;
    }
}

/* Rounds to nearest, ties to even, in integers: the machines' instructions flush small numbers to zero, and
 * not all have them. */
static LLVMValueRef to_bf16(Emit *emit, LLVMValueRef value)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef bits = LLVMBuildBitCast(builder, value, lanes_type_like(emit, emit->i32, value), "");
    LLVMValueRef sixteen = lanes_word(emit, bits, 16);
    LLVMValueRef odd =
        LLVMBuildAnd(builder, LLVMBuildLShr(builder, bits, sixteen, ""), lanes_word(emit, bits, 1), "");
    LLVMValueRef up =
        LLVMBuildAdd(builder, LLVMBuildAdd(builder, bits, lanes_word(emit, bits, 0x7FFF), ""), odd, "");
    LLVMValueRef quiet = LLVMBuildOr(builder, bits, lanes_word(emit, bits, 0x400000), "");
    LLVMValueRef nan = LLVMBuildFCmp(builder, LLVMRealUNO, value, value, "");
    LLVMValueRef rounded = LLVMBuildLShr(builder, LLVMBuildSelect(builder, nan, quiet, up, ""), sixteen, "");
    return LLVMBuildTrunc(builder, rounded, lanes_type_like(emit, emit->i16, value), "");
}

LLVMValueRef expr_as_bf16(Emit *emit, Dtype dtype, LLVMValueRef raw)
{
    return dtype == DTYPE_BF16 ? raw : to_bf16(emit, from_storage(emit, dtype, raw));
}

static LLVMValueRef to_storage(Emit *emit, Dtype dtype, LLVMValueRef value)
{
    LLVMBuilderRef builder = emit->builder;
    if (dtype == DTYPE_F32)
        return value;
    if (dtype == DTYPE_BF16)
        return to_bf16(emit, value);
    LLVMValueRef word = LLVMBuildFPToSI(builder, value, lanes_type_like(emit, emit->i32, value), "");
    return dtype == DTYPE_I32 ? word
                              : LLVMBuildTrunc(builder, word, lanes_type_like(emit, emit->i8, value), "");
}

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
static LLVMValueRef load_raw(Emit *emit, int stream, const Affine *at, LLVMValueRef condition)
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
    return from_storage(emit, dtype, load_raw(emit, stream, at, condition));
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
    value = to_storage(emit, dtype, value);
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

/* ---- Values ---- */

static LLVMValueRef guarded_load(Emit *emit, ExprId id, bool raw)
{
    const Expr *expr = emit_expr(emit, id);
    if (id + 1 == emit->schedule->packed)
        return local_packed(emit);
    LLVMValueRef condition;
    GuardState state = place_guards(emit, expr->guard_first, expr->guard_count, &condition);
    if (state == GUARDS_FAIL)
        return raw ? LLVMConstNull(emit->i32) : LLVMConstNull(emit->f32);
    condition = lanes_and(emit, condition, emit->condition);
    int stream = emit->stream_of_expr[id];
    return raw ? load_raw(emit, stream, &expr->at, condition) : expr_load(emit, stream, &expr->at, condition);
}

/* The value as a 32-bit integer. */
static LLVMValueRef integer_value(Emit *emit, ExprId id)
{
    const Expr *expr = emit_expr(emit, id);
    if (expr->kind == EXPR_LOAD && emit->computation->tensors.items[expr->index].dtype == DTYPE_I32)
        return guarded_load(emit, id, true);
    LLVMValueRef value = expr_value(emit, id);
    return LLVMBuildFPToSI(emit->builder, value, lanes_type_like(emit, emit->i32, value), "");
}

/* The words of the block of a random number's sample: made once where the sample is known. They are
 * remembered under numbers past those of the expressions. */
static void random_sample(Emit *emit, ExprId id, LLVMValueRef block[2])
{
    const Expr *expr = emit_expr(emit, id);
    ExprId first_word = memo_id(emit, MEMO_BLOCK, id), second_word = memo_id(emit, MEMO_BLOCK_SECOND, id);
    block[0] = recall(emit, first_word);
    block[1] = recall(emit, second_word);
    if (block[0] && block[1])
        return;
    LLVMValueRef key[2] = {integer_value(emit, expr->in[0]), integer_value(emit, expr->in[1])};
    LLVMValueRef sample = place_affine_lanes(emit, &expr->at2), first = integer_value(emit, expr->in[3]);
    lanes_match(emit, &sample, &first);
    LLVMValueRef counter[4] = {LLVMBuildAdd(emit->builder, sample, first, ""),
                               LLVMConstInt(emit->i32, 0, false), integer_value(emit, expr->in[2]),
                               LLVMConstInt(emit->i32, (uint32_t)expr->index, false)};
    random_block(emit, key, counter, block);
    remember(emit, first_word, block[0]);
    remember(emit, second_word, block[1]);
}

static LLVMValueRef random_value(Emit *emit, ExprId id)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef block[2];
    random_sample(emit, id, block);
    LLVMValueRef word = random_element(emit, block, place_affine_lanes(emit, &emit_expr(emit, id)->at));
    /* 24 bits: exact as a signed conversion, which every machine has. */
    word = LLVMBuildLShr(builder, word, lanes_word(emit, word, 8), "");
    LLVMValueRef real = LLVMBuildSIToFP(builder, word, lanes_type_like(emit, emit->f32, word), "");
    return LLVMBuildFMul(builder, real, lanes_real(emit, real, 1.0 / 16777216.0), "");
}

LLVMValueRef expr_affine(Emit *emit, const Affine *at)
{
    LLVMValueRef value = place_affine_lanes(emit, at);
    return LLVMBuildSIToFP(emit->builder, value, lanes_type_like(emit, emit->f32, value), "");
}

static bool is_byte(const Emit *emit, ExprId id)
{
    const Expr *expr = emit_expr(emit, id);
    return expr->kind == EXPR_LOAD && expr->guard_count == 0 && !emit->condition &&
           emit->computation->tensors.items[expr->index].dtype == DTYPE_U8;
}

/* A byte from memory against a number known now (a pool's choice against a tap): compared as bytes, which
 * takes neither widening nor conversion. NULL: it is not of this kind. */
static LLVMValueRef equal_bytes(Emit *emit, const Expr *expr)
{
    const Expr *number = emit_expr(emit, expr->in[1]);
    if (!is_byte(emit, expr->in[0]) || (number->kind != EXPR_CONST && number->kind != EXPR_AXIS))
        return NULL;
    double value = number->imm;
    if (number->kind == EXPR_AXIS) {
        LLVMValueRef here = place_affine_lanes(emit, &number->at);
        if (lanes_wide(here) || !LLVMIsAConstantInt(here))
            return NULL;
        value = (double)LLVMConstIntGetSExtValue(here);
    }
    if (value < 0 || value > UINT8_MAX || value != (double)(int)value)
        return NULL;
    ExprId raw = memo_id(emit, MEMO_RAW, expr->in[0]);
    LLVMValueRef bytes = recall(emit, raw);
    if (!bytes) {
        bytes = guarded_load(emit, expr->in[0], true);
        remember(emit, raw, bytes);
    }
    LLVMValueRef wanted = LLVMConstInt(emit->i8, (uint64_t)value, false);
    lanes_match(emit, &wanted, &bytes);
    LLVMValueRef same = LLVMBuildICmp(emit->builder, LLVMIntEQ, bytes, wanted, "");
    return lanes_select(emit, same, lanes_real(emit, bytes, 1), lanes_real(emit, bytes, 0));
}

static LLVMValueRef evaluate(Emit *emit, ExprId id)
{
    const Expr *expr = emit_expr(emit, id);
    switch (expr->kind) {
    case EXPR_CONST:
        return LLVMConstReal(emit->f32, (double)(float)expr->imm);
    case EXPR_LOAD:
        return guarded_load(emit, id, false);
    case EXPR_AXIS:
        return expr_affine(emit, &expr->at);
    case EXPR_ACC:
        return tile_accumulator(emit, expr->index, false);
    case EXPR_ACC_AT:
        return tile_accumulator(emit, expr->index, true);
    case EXPR_SCALAR: {
        LLVMValueRef in[3] = {expr->scalar == SCALAR_equal ? equal_bytes(emit, expr) : NULL};
        if (in[0])
            return in[0];
        for (int i = 0; i < scalar_table[expr->scalar].arity; i++)
            in[i] = expr_value(emit, expr->in[i]);
        return math_scalar(emit, expr->scalar, in);
    }
    case EXPR_RANDOM:
        return random_value(emit, id);
    }
    BUG("expression of kind %d", (int)expr->kind);
}

LLVMValueRef expr_value(Emit *emit, ExprId id)
{
    LLVMValueRef value = recall(emit, id);
    if (!value) {
        value = evaluate(emit, id);
        remember(emit, id, value);
    }
    return value;
}

void expr_hoist(Emit *emit)
{
    const CpuSchedule *schedule = emit->schedule;
    uint32_t known = 0;
    for (int i = 0; i < emit->computation->axis_count; i++)
        if (emit->place.bound[i] && i != schedule->vector_axis && i != schedule->row_axis)
            known |= 1u << i;
    size_t count = emit->computation->exprs.count;
    for (size_t i = 0; i < count; i++) {
        LLVMValueRef block[2];
        if (emit_expr(emit, (ExprId)i)->kind == EXPR_RANDOM &&
            !(emit->depends[MEMO_BLOCK * count + i] & ~known))
            random_sample(emit, (ExprId)i, block);
        if (emit->heavy[i] && !(emit->depends[i] & ~known))
            expr_value(emit, (ExprId)i);
    }
}
