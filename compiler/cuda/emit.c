/* The frame of a kernel: its arguments, the slice and the axes of the grid, and what the tests' emulator
 * needs to call it. */
#include "compiler/cuda/emit.h"

#include <stdint.h>
#include <string.h>

#include "compiler/base/bug.h"

/* ---- Axes ---- */

bool emit_is_output(const Emit *emit, int axis)
{
    return !emit->computation->axes[axis].reduced;
}

bool emit_is_reduced(const Emit *emit, int axis)
{
    return emit->computation->axes[axis].reduced;
}

static bool is_of_slice(const Emit *emit, int axis)
{
    return emit->schedule->slice && emit->computation->axes[axis].kind == EXTENT_BATCH;
}

const char *emit_extent(Emit *emit, int axis)
{
    const Axis *at = &emit->computation->axes[axis];
    switch (at->kind) {
    case EXTENT_FIXED:
        return arena_printf(emit->arena, "%lld", (long long)at->extent);
    case EXTENT_BATCH:
        return is_of_slice(emit, axis) ? "(end - begin)" : "samples";
    case EXTENT_SLICES:
        return "slices";
    }
    BUG("an axis of kind %d", (int)at->kind);
}

const char *emit_points(Emit *emit, EmitChoose *choose)
{
    Text text = {.arena = emit->arena};
    int64_t fixed = 1;
    for (int a = 0; a < emit->computation->axis_count; a++) {
        if (!choose(emit, a))
            continue;
        if (emit->computation->axes[a].kind == EXTENT_FIXED)
            fixed *= emit->computation->axes[a].extent;
        else
            text_printf(&text, "%s * ", emit_extent(emit, a));
    }
    text_printf(&text, "%lld", (long long)fixed);
    return emit_is_wide(emit) ? arena_printf(emit->arena, "(long long)%s", text_string(&text))
                              : text_string(&text);
}

/* The value of an axis, from a number that may be wide. */
static const char *axis_value(Emit *emit, int axis, const char *number)
{
    return arena_printf(emit->arena, "%s%s%s", is_of_slice(emit, axis) ? "begin + " : "",
                        emit_is_wide(emit) ? "(int)" : "", number);
}

void emit_axes(Emit *emit, EmitChoose *choose, const char *from)
{
    int chosen[AXIS_MAX], count = 0;
    for (int a = 0; a < emit->computation->axis_count; a++)
        if (choose(emit, a))
            chosen[count++] = a;
    if (count == 0)
        return;
    Text used = {.arena = emit->arena};
    const char *rest = from;
    for (int i = count - 1; i > 0; i--) {
        int a = chosen[i];
        const char *number = arena_printf(emit->arena, "(%s %% %s)", rest, emit_extent(emit, a));
        emit_line(emit, "const int i%d = %s;", a, axis_value(emit, a, number));
        emit_line(emit, "const %s of%d = %s / %s;", emit->index, a, rest, emit_extent(emit, a));
        text_printf(&used, "(void)i%d, ", a);
        rest = arena_printf(emit->arena, "of%d", a);
    }
    emit_line(emit, "const int i%d = %s;", chosen[0], axis_value(emit, chosen[0], rest));
    emit_line(emit, "%s(void)i%d;", text_string(&used), chosen[0]);
}

/* ---- The frame ---- */

static const char *element_type(Dtype dtype)
{
    static const char *const types[DTYPE_COUNT] = {[DTYPE_F32] = "float",
                                                   [DTYPE_BF16] = "unsigned short",
                                                   [DTYPE_F16] = "unsigned short",
                                                   [DTYPE_I32] = "int",
                                                   [DTYPE_U8] = "unsigned char"};
    return types[dtype];
}

/* Whether all that counts elements, or points, fits an int. */
static bool is_small(const Computation *computation)
{
    double points = 1;
    for (int a = 0; a < computation->axis_count; a++)
        if (!computation->axes[a].reduced)
            points *= (double)computation->axes[a].extent;
    double most = points;
    for (size_t i = 0; i < computation->exprs.count + computation->stores.count; i++) {
        const Affine *at = i < computation->exprs.count
                               ? &computation->exprs.items[i].at
                               : &computation->stores.items[i - computation->exprs.count].at;
        double reach = (double)(at->base < 0 ? -at->base : at->base);
        for (int a = 0; a < computation->axis_count; a++)
            reach +=
                (double)(at->coef[a] < 0 ? -at->coef[a] : at->coef[a]) * (double)computation->axes[a].extent;
        most = reach > most ? reach : most;
    }
    return most < INT32_MAX;
}

static void arguments(Emit *emit)
{
    const Computation *computation = emit->computation;
    for (size_t i = 0; i < computation->tensors.count; i++) {
        const KernelTensor *tensor = &computation->tensors.items[i];
        text_printf(&emit->out, "%s%s *t%zu, ", tensor->written ? "" : "const ", element_type(tensor->dtype),
                    i);
    }
    text_printf(&emit->out, "const float *guard, int samples, int slices");
}

/* What is the same for all threads of a block. */
static void opening(Emit *emit)
{
    const Computation *computation = emit->computation;
    Text unused = {.arena = emit->arena};
    for (size_t i = 0; i < computation->tensors.count; i++)
        text_printf(&unused, "(void)t%zu, ", i);
    emit_line(emit, "%s(void)samples, (void)slices;", text_string(&unused));
    emit_line(emit, "if (guard && !(fabsf(*guard) <= 0x1.fffffep+127f))");
    emit_line(emit, "    return;");
    if (!emit->schedule->slice)
        return;
    emit_line(emit, "const int slice = CNNC_BLOCK_Z %% slices;");
    emit_line(emit, "const int begin = slice * %lld;", (long long)emit->schedule->slice);
    emit_line(emit, "const int end = begin + %lld < samples ? begin + %lld : samples;",
              (long long)emit->schedule->slice, (long long)emit->schedule->slice);
    emit_line(emit, "(void)end;");
    for (size_t i = 0; i < computation->tensors.count; i++)
        if (computation->tensors.items[i].slice)
            emit_line(emit, "t%zu += (%s)slice * %lld;", i, emit->index,
                      (long long)computation->tensors.items[i].slice);
}

/* For the emulator: a call by an array of arguments, and how many bytes each has. */
static void caller(Emit *emit, const char *symbol)
{
    const Computation *computation = emit->computation;
    size_t count = computation->tensors.count;
    Text call = {.arena = emit->arena}, bytes = {.arena = emit->arena};
    for (size_t i = 0; i < count; i++) {
        const KernelTensor *tensor = &computation->tensors.items[i];
        text_printf(&call, "*(%s%s **)a[%zu], ", tensor->written ? "" : "const ", element_type(tensor->dtype),
                    i);
        text_printf(&bytes, "8, ");
    }
    text_printf(&emit->out,
                "#ifndef __CUDACC__\n"
                "void %s__call(void **a)\n{\n"
                "    %s(%s*(const float **)a[%zu], *(int *)a[%zu], *(int *)a[%zu]);\n}\n"
                "const int %s__count = %zu;\n"
                "const int %s__bytes[] = {%s8, 4, 4};\n"
                "#endif\n",
                symbol, symbol, text_string(&call), count, count + 1, count + 2, symbol, count + 3, symbol,
                text_string(&bytes));
}

const char *cuda_text(const Computation *computation, const CudaSchedule *schedule, const char *symbol,
                      Arena *arena)
{
    Emit emit = {.computation = computation,
                 .schedule = schedule,
                 .arena = arena,
                 .out = {.arena = arena},
                 .index = is_small(computation) ? "int" : "long long",
                 .known = NEW_ARRAY(arena, bool, computation->exprs.count + 1),
                 .sum = ""};
    text_printf(&emit.out, "CNNC_KERNEL CNNC_BOUNDS(%d, 1) %s(", schedule->threads, symbol);
    arguments(&emit);
    text_printf(&emit.out, ")\n{\n");
    emit.depth = 1;
    opening(&emit);
    switch (schedule->form) {
    case CUDA_POINTS:
        emit_form_points(&emit);
        break;
    case CUDA_REDUCE:
        emit_form_reduce(&emit);
        break;
    case CUDA_TILES:
        emit_form_tiles(&emit);
        break;
    }
    text_printf(&emit.out, "}\n");
    caller(&emit, symbol);
    return text_string(&emit.out);
}

Key cuda_key(const Computation *computation, const CudaSchedule *schedule, Arena *arena)
{
    const char *text = cuda_text(computation, schedule, "kernel", arena);
    return key_add(key_start(), text, strlen(text));
}
