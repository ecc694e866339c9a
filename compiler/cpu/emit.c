/* Kernels as LLVM IR: the loops around the register tile. Walks the schedule and decides nothing; what is in
 * a tile is emit_tile.c. Tiles at the ends of an axis, where guards may fail, stand at compile-time positions
 * and get code of their own. */
#include "compiler/cpu/emit.h"

#include <string.h>

#include "compiler/base/bug.h"

enum { EDGES_MOST = 6, VECTORS_MOST = 64 };

static void emit_level(Emit *emit, int level);

static void at_constant(Emit *emit, int level, int axis, int64_t at)
{
    Standpoint outer = emit->place;
    size_t mark = emit->memo.count;
    place_fix(emit, axis, at);
    emit_level(emit, level + 1);
    emit->place = outer;
    expr_forget(emit, mark);
}

static Bound in_loop(Emit *emit, int level, int axis, Bound start, Bound end, int64_t step)
{
    if (!start.value && !end.value) { /* constants: no loop for none or one */
        int64_t count = (end.constant - start.constant) / step;
        if (count == 1)
            at_constant(emit, level, axis, start.constant);
        if (count <= 1)
            return bound_add(start, count * step);
    }
    Loop loop;
    loop_begin(emit, &loop, axis, start, end, step, step);
    emit_level(emit, level + 1);
    return loop_end(emit, &loop);
}

/* ---- Output axes that rows lie along, or nothing ---- */

/* True when the guard could be decided if the axis stood at a compile-time point: all else in it will be. */
static bool decided_at_point(const Emit *emit, const Guard *guard, int axis)
{
    for (int i = 0; i < emit->computation->axis_count; i++) {
        bool point = (emit->place.bound[i] && !emit->place.index[i]) || i == emit->schedule->spread_axis;
        if (i != axis && guard->at.coef[i] && !emit->schedule->unrolled[i] && !point)
            return false;
    }
    return true;
}

/* Guards may fail in the tile of `size` points at `at` of the axis, and code for exactly this tile would know
 * where. */
static bool is_edge(Emit *emit, int axis, int64_t at, int64_t size)
{
    Standpoint saved = emit->place;
    emit->place.bound[axis] = true;
    emit->place.low[axis] = at;
    emit->place.high[axis] = at + size - 1;
    emit->place.offset[axis] = 0;
    bool edge = false;
    for (size_t i = 0; i < emit->computation->guards.count && !edge; i++) {
        const Guard *guard = &emit->computation->guards.items[i];
        int64_t low, high;
        place_interval(emit, &guard->at, &low, &high);
        edge =
            guard->at.coef[axis] && (low < 0 || high >= guard->extent) && decided_at_point(emit, guard, axis);
    }
    emit->place = saved;
    return edge;
}

/* [0, extent) in tiles of `size`, the last perhaps smaller: runs of like tiles become loops. */
static void fixed_tiles(Emit *emit, int level, int axis, int64_t extent, int64_t size, bool edges)
{
    int64_t count = extent / size, edge_count = 0;
    for (int64_t t = 0; t < count && edges; t++)
        edge_count += is_edge(emit, axis, t * size, size);
    edges = edges && edge_count <= EDGES_MOST;
    for (int64_t t = 0, next; t < count; t = next) {
        next = t + 1;
        if (edges && is_edge(emit, axis, t * size, size)) {
            at_constant(emit, level, axis, t * size);
            continue;
        }
        while (next < count && !(edges && is_edge(emit, axis, next * size, size)))
            next++;
        in_loop(emit, level, axis, bound_constant(t * size), bound_constant(next * size), size);
    }
    if (axis == emit->schedule->row_axis && extent % size) {
        emit->rows = (int)(extent % size);
        at_constant(emit, level, axis, count * size);
        emit->rows = emit->schedule->rows;
    }
}

/* Fewer rows than those of a tile, by matrix instructions: whole tiles of theirs, then one of as many rows as
 * there are. */
static void rest_of_rows(Emit *emit, int level, int axis, Bound rest, Bound high)
{
    enum { TILE = 16 };
    if (emit->schedule->rows > TILE) {
        emit->rows = TILE;
        rest = in_loop(emit, level, axis, rest, high, TILE);
    }
    Loop loop;
    loop_begin(emit, &loop, axis, rest, high, TILE, 1);
    emit->rows_left = LLVMBuildSub(emit->builder, bound_value(emit, high), loop.index, "");
    emit_level(emit, level + 1);
    emit->rows_left = NULL;
    loop_end(emit, &loop);
    emit->rows = emit->schedule->rows;
}

static void output_tiles(Emit *emit, int level, int axis)
{
    bool row = axis == emit->schedule->row_axis;
    int64_t size = row ? emit->schedule->rows : 1;
    Bound low, high;
    axis_range(emit, axis, &low, &high);
    if (!low.value && !high.value) {
        fixed_tiles(emit, level, axis, high.constant, size,
                    emit->schedule->primitive != PRIMITIVE_TILE && (row || emit->schedule->peeled[axis]));
        return;
    }
    Bound rest = in_loop(emit, level, axis, low, high, size);
    if (emit->matrix && size > 1) {
        rest_of_rows(emit, level, axis, rest, high);
    } else if (size > 1 && !emit->weights) { /* whose rows are divided by whole tiles */
        emit->rows = 1;
        in_loop(emit, level, axis, rest, high, 1);
        emit->rows = emit->schedule->rows;
    }
}

/* ---- The vector axis ---- */

static void with_vectors(Emit *emit, int vectors, LLVMValueRef last_mask)
{
    emit->vectors = vectors;
    memset(emit->mask, 0, VECTORS_MOST * sizeof *emit->mask);
    emit->mask[vectors - 1] = last_mask;
}

static void vector_tiles(Emit *emit, int level, int axis)
{
    int lanes = emit->lanes, vectors = emit->schedule->vectors;
    int64_t step = (int64_t)lanes * vectors;
    Bound low, high;
    axis_range(emit, axis, &low, &high);
    with_vectors(emit, vectors, NULL);
    if (!low.value && !high.value) {
        int64_t whole = high.constant / step * step, rest = high.constant - whole;
        if (whole)
            in_loop(emit, level, axis, low, bound_constant(whole), step);
        if (rest) {
            int used = (int)(rest % lanes);
            with_vectors(emit, (int)((rest + lanes - 1) / lanes), used ? lanes_mask(emit, used) : NULL);
            at_constant(emit, level, axis, whole);
        }
    } else {
        Bound at = in_loop(emit, level, axis, low, high, step);
        Loop loop;
        loop_begin(emit, &loop, axis, at, high, lanes, 1);
        LLVMValueRef left = LLVMBuildSub(emit->builder, bound_value(emit, high), loop.index, "");
        LLVMValueRef narrow = lanes_splat(emit, LLVMBuildTrunc(emit->builder, left, emit->i32, ""));
        with_vectors(emit, 1, LLVMBuildICmp(emit->builder, LLVMIntSLT, lanes_ramp(emit, 1), narrow, ""));
        emit_level(emit, level + 1);
        loop_end(emit, &loop);
    }
    with_vectors(emit, 1, NULL);
}

/* ---- Reduced axes outside the tile ---- */

static void blocks(Emit *emit, int level, int axis)
{
    int64_t block = emit->schedule->block[axis];
    Bound low, high;
    axis_range(emit, axis, &low, &high);
    emit->inner[axis] = block;
    if (emit->schedule->unrolled[axis]) {
        for (int64_t at = low.constant; at < high.constant; at++)
            at_constant(emit, level, axis, at);
        return;
    }
    if (high.value) {
        Loop loop;
        loop_begin(emit, &loop, axis, low, high, block, 1);
        emit_level(emit, level + 1);
        loop_end(emit, &loop);
        return;
    }
    int64_t whole = high.constant / block * block;
    in_loop(emit, level, axis, low, bound_constant(whole), block);
    if (whole < high.constant) {
        emit->inner[axis] = high.constant - whole;
        at_constant(emit, level, axis, whole);
    }
}

static void emit_level(Emit *emit, int level)
{
    expr_hoist(emit);
    if (emit->matrix)
        matrix_level(emit, level);
    if (emit->weights)
        weights_level(emit, level);
    if (level == emit->schedule->order_count) {
        tile_emit(emit);
        return;
    }
    int axis = emit->schedule->order[level];
    if (emit->computation->axes[axis].reduced)
        blocks(emit, level, axis);
    else if (axis == emit->schedule->vector_axis)
        vector_tiles(emit, level, axis);
    else
        output_tiles(emit, level, axis);
}

/* ---- The function ---- */

static LLVMValueRef load_call(Emit *emit, LLVMValueRef call, size_t offset)
{
    LLVMValueRef at = LLVMConstInt(emit->i64, offset, false);
    LLVMValueRef pointer = LLVMBuildGEP2(emit->builder, emit->i8, call, &at, 1, "");
    return LLVMBuildLoad2(emit->builder, emit->i64, pointer, "");
}

static void add_attribute(Emit *emit, const char *name, const char *value)
{
    LLVMAttributeRef attribute =
        value
            ? LLVMCreateStringAttribute(emit->context, name, (unsigned)strlen(name), value,
                                        (unsigned)strlen(value))
            : LLVMCreateEnumAttribute(emit->context, LLVMGetEnumAttributeKindForName(name, strlen(name)), 0);
    LLVMAddAttributeAtIndex(emit->function, LLVMAttributeFunctionIndex, attribute);
}

static void make_function(Emit *emit, const char *symbol)
{
    LLVMTypeRef parameters[2] = {emit->pointer, emit->pointer};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(emit->context), parameters, 2, false);
    emit->function = LLVMAddFunction(emit->module, symbol, type);
    add_attribute(emit, "nounwind", NULL);
    add_attribute(emit, "prefer-vector-width", "512");
    LLVMPositionBuilderAtEnd(emit->builder, LLVMAppendBasicBlockInContext(emit->context, emit->function, ""));
    LLVMTypeRef zero = LLVMArrayType2(emit->f32, (unsigned)emit->lanes);
    emit->zeros = LLVMAddGlobal(emit->module, zero, "zeros");
    LLVMSetInitializer(emit->zeros, LLVMConstNull(zero));
    LLVMSetGlobalConstant(emit->zeros, true);
    LLVMSetLinkage(emit->zeros, LLVMPrivateLinkage);
    LLVMValueRef call = LLVMGetParam(emit->function, 1);
    emit->begin = load_call(emit, call, offsetof(CnnCall, begin));
    emit->end = load_call(emit, call, offsetof(CnnCall, end));
    emit->samples = load_call(emit, call, offsetof(CnnCall, samples));
    emit->slices = load_call(emit, call, offsetof(CnnCall, slices));
    emit->first = LLVMBuildICmp(emit->builder, LLVMIntNE, load_call(emit, call, offsetof(CnnCall, first)),
                                LLVMConstInt(emit->i64, 0, false), "");
}

static void load_buffers(Emit *emit)
{
    LLVMValueRef buffers = LLVMGetParam(emit->function, 0);
    size_t tensors = emit->computation->tensors.count;
    LLVMValueRef *pointers = NEW_ARRAY(emit->arena, LLVMValueRef, tensors);
    for (size_t i = 0; i < tensors; i++) {
        LLVMValueRef at = LLVMConstInt(emit->i64, i, false);
        LLVMValueRef place = LLVMBuildGEP2(emit->builder, emit->pointer, buffers, &at, 1, "");
        pointers[i] = LLVMBuildLoad2(emit->builder, emit->pointer, place, "");
    }
    emit->place.stream = NEW_ARRAY(emit->arena, LLVMValueRef, emit->streams.count);
    for (size_t i = 0; i < emit->streams.count; i++) {
        int tensor = emit->streams.items[i].tensor;
        emit->place.stream[i] = tensor < 0 ? local_memory(emit, tensor) : pointers[tensor];
    }
}

LLVMModuleRef emit_kernel(LLVMContextRef context, const CpuTarget *target, const Computation *computation,
                          const CpuSchedule *schedule, const char *symbol, Arena *arena)
{
    Emit emit = {.target = target,
                 .computation = computation,
                 .schedule = schedule,
                 .arena = arena,
                 .context = context,
                 .module = LLVMModuleCreateWithNameInContext("kernel", context),
                 .builder = LLVMCreateBuilderInContext(context),
                 .f32 = LLVMFloatTypeInContext(context),
                 .i1 = LLVMInt1TypeInContext(context),
                 .i8 = LLVMInt8TypeInContext(context),
                 .i16 = LLVMInt16TypeInContext(context),
                 .i32 = LLVMInt32TypeInContext(context),
                 .i64 = LLVMInt64TypeInContext(context),
                 .pointer = LLVMPointerTypeInContext(context, 0),
                 .lanes = schedule->vector_axis < 0 ? 1 : target->lanes,
                 .rows = schedule->row_axis < 0 ? 1 : schedule->rows,
                 .vectors = 1};
    emit.mask = NEW_ARRAY(arena, LLVMValueRef, VECTORS_MOST);
    make_function(&emit, symbol);
    expr_prepare(&emit);
    local_prepare(&emit);
    load_buffers(&emit);
    local_pack(&emit);
    if (schedule->primitive == PRIMITIVE_TILE)
        matrix_prepare(&emit);
    emit_level(&emit, 0);
    if (schedule->primitive == PRIMITIVE_TILE)
        matrix_finish(&emit);
    LLVMBuildRetVoid(emit.builder);
    LLVMDisposeBuilder(emit.builder);
    return emit.module;
}
