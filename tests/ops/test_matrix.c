/* Products with weights in pairs, by the matrix instructions of this machine, against the interpreter; and
 * that a machine without them computes the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "compiler/cpu/matrix.h"
#include "compiler/derive/derive.h"
#include "compiler/ops/make.h"
#include "compiler/ir/op.h"
#include "tests/ops/computations.h"

static int tiled; /* kernels that have run by matrix instructions */

/* ---- Running kernels ---- */

static Builder builder_of(Arena *arena, const Graph *graph, Computation *computation)
{
    Builder builder = {.arena = arena, .computation = computation};
    for (size_t t = 0; t < computation->tensors.count; t++)
        builder.elements[t] = type_elements(graph_type(graph, computation->tensors.items[t].node));
    return builder;
}

/* Memory whose f32 values are bf16, too: a picture that is not stored as bf16 is rounded when it is copied.
 */
static Memory rounded_memory(Arena *arena, const Builder *b)
{
    Memory memory = memory_new(arena, b, 7);
    for (int t = 0; t < memory.count; t++) {
        for (int64_t i = 0; i < memory.elements[t] && memory.dtype[t] == DTYPE_F32; i++) {
            float value = cnn_bf16_value(cnn_bf16_of((float)memory_get(&memory, t, i)));
            memory_set(&memory, t, i, (double)value);
            memory.exact[t][i] = (double)value;
        }
    }
    return memory;
}

static void run(Arena *arena, const CpuTarget *target, const Builder *b, const CpuSchedule *schedule,
                const CnnCall *call, Memory *memory)
{
    const char *complaint = cpu_schedule_legal(b->computation, schedule, arena), *symbol;
    if (complaint)
        fail_msg("%s", complaint);
    Kernel kernel = {.name = b->computation->name, .computation = b->computation, .cpu = *schedule};
    Kernel *list[1] = {&kernel};
    CpuObject object;
    CpuCompileOptions options = {.threads = 1};
    CnnCode *code;
    assert_true(cpu_compile(target, list, &symbol, 1, &options, arena, &object, &complaint));
    CpuCode *loaded = cpu_load(&object, &symbol, 1, &code, &complaint);
    assert_non_null(loaded);
    *memory = rounded_memory(arena, b);
    code(memory->stored, call);
    cpu_unload(loaded);
}

static void compare(const Builder *b, const Memory *got, const Memory *exact, const char *what)
{
    for (int t = 0; t < got->count; t++) {
        bool bf16 = got->dtype[t] == DTYPE_BF16;
        for (int64_t i = 0; i < b->elements[t]; i++) {
            double want = exact->exact[t][i], have = memory_get(got, t, i);
            if (!(fabs(want - have) <= (bf16 ? 0.005 : 1e-5) * (1 + fabs(want))))
                fail_msg("%s, %s: t%d[%lld] is %.9g, should be %.9g", b->computation->name, what, t,
                         (long long)i, have, want);
        }
    }
    if (!memory_margins_whole(got))
        fail_msg("%s, %s: wrote outside a tensor", b->computation->name, what);
}

static void check_kernel(Arena *arena, const Graph *graph, Computation *computation, int64_t begin,
                         int64_t samples)
{
    Builder b = builder_of(arena, graph, computation);
    CnnCall call = {.begin = begin, .end = samples, .samples = samples, .slices = 1, .first = 1};
    if (computation->axes[computation->parallel].kind == EXTENT_FIXED) {
        call.begin = 0;
        call.end = computation->axes[computation->parallel].extent;
    }
    Memory exact = rounded_memory(arena, &b), got;
    interp_computation(computation, exact.exact, &call);
    const CpuTarget *host = cpu_host(arena);
    CpuSchedule schedule;
    cpu_schedule(host, computation, &schedule);
    if (host->tile && schedule.primitive != PRIMITIVE_TILE) {
        MatrixForm form;
        const char *complaint = matrix_form(computation, &form);
        Text text = {.arena = arena};
        computation_print(computation, &text);
        print_error("%s\n", text_string(&text));
        fail_msg("%s: no matrix instructions: %s", computation->name, complaint ? complaint : "not worth it");
    }
    tiled += schedule.primitive == PRIMITIVE_TILE;
    run(arena, host, &b, &schedule, &call, &got);
    compare(&b, &got, &exact, "this machine");
    CpuTarget plain = *host;
    plain.tile = plain.dot = false;
    cpu_schedule(&plain, computation, &schedule);
    assert_int_equal(schedule.primitive, PRIMITIVE_FMA);
    run(arena, &plain, &b, &schedule, &call, &got);
    compare(&b, &got, &exact, "without matrix instructions");
}

/* Every kernel that sums. */
static void check(Arena *arena, const Graph *graph, int64_t begin, int64_t samples, bool chunked)
{
    const PairOptions odd = {.odd = true};
    graph = pair_weights(graph, &odd);
    graph_verify(graph, "pair_weights");
    PlanOptions options = {.cache_bytes = chunked ? 1 << 20 : 1};
    Plan *plan = plan_make(arena, graph, &options);
    lower_plan(plan);
    int checked = 0;
    for (size_t g = 0; g < plan->groups.count; g++) {
        for (size_t k = 0; k < plan->groups.items[g].kernels.count; k++) {
            Computation *computation = plan->groups.items[g].kernels.items[k]->computation;
            if (computation->accs.count == 0 || !computation->accs.items[0].contraction)
                continue;
            check_kernel(arena, graph, computation, begin, samples);
            checked++;
        }
    }
    assert_true(checked > 0);
}

/* ---- Graphs ---- */

typedef struct {
    int64_t batch, height, width, channels, filters, window, stride, dilation, pad;
    bool pool, f32;
} Shape;

static const Shape shapes[] = {
    {2, 6, 20, 16, 16, 3, 1, 1, 0, .pool = false}, {2, 6, 18, 32, 48, 3, 1, 1, 0, .pool = false},
    {2, 7, 9, 6, 20, 3, 1, 1, 1, .pool = false},   {1, 5, 40, 64, 70, 3, 1, 1, 1, .pool = false},
    {2, 9, 33, 3, 16, 3, 1, 1, 0, .f32 = true},    {2, 9, 21, 1, 32, 3, 1, 1, 1, .f32 = true},
    {2, 6, 18, 17, 10, 3, 1, 1, 1, .pool = false}, {2, 6, 36, 8, 19, 5, 2, 1, 2, .pool = false},
    {1, 8, 25, 10, 32, 3, 1, 2, 2, .pool = false}, {1, 4, 17, 100, 130, 1, 1, 1, 0, .pool = false},
    {2, 8, 8, 320, 16, 3, 1, 1, 1, .pool = false}, {2, 13, 38, 4, 16, 3, 1, 1, 0, .pool = true},
    {2, 12, 36, 34, 24, 3, 1, 1, 1, .pool = true}, {2, 13, 13, 3, 33, 3, 1, 1, 0, .pool = true, .f32 = true},
};

static Graph *new_graph(Arena *arena, int64_t batch)
{
    Graph *graph = graph_new(arena, NULL, batch);
    graph->slice = batch;
    return graph;
}

static NodeId leaf(Graph *graph, const char *name, LeafKind kind, Dtype dtype, Lead lead, int rank,
                   const int64_t *dim)
{
    return graph_leaf(graph, (Span){0}, name, type_make(dtype, lead, rank, dim), (LeafAttrs){.kind = kind});
}

static WindowAttrs window_of_shape(const Shape *s)
{
    return (WindowAttrs){s->window, s->window, s->stride, s->stride, s->dilation, s->dilation, s->pad,
                         s->pad,    s->pad,    s->pad,    1,         s->height,   s->width};
}

static void store_bf16(Graph *graph, NodeId node)
{
    graph->nodes.items[node].type.dtype = DTYPE_BF16;
}

static Graph *forward(Arena *arena, const Shape *s)
{
    Graph *graph = new_graph(arena, s->batch);
    const int64_t picture[] = {s->batch, s->height, s->width, s->channels},
                  kernel[] = {s->window, s->window, s->channels, s->filters};
    WindowAttrs attrs = window_of_shape(s);
    NodeId in[2] = {leaf(graph, "x", LEAF_INPUT, s->f32 ? DTYPE_F32 : DTYPE_BF16, LEAD_BATCH, 4, picture),
                    leaf(graph, "w", LEAF_PARAMETER, DTYPE_F32, LEAD_NONE, 4, kernel)};
    NodeId bias = leaf(graph, "b", LEAF_PARAMETER, DTYPE_F32, LEAD_NONE, 1, &s->filters);
    Make make = make_at(graph, in[0]);
    NodeId y = make_op(make, OP_conv2d, &attrs, in, 2);
    if (s->pool) {
        WindowAttrs pool = {
            2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1, graph_type(graph, y)->dim[1], graph_type(graph, y)->dim[2]};
        NodeId pooled = make_op(make, OP_maxpool, &pool, &y, 1);
        y = pooled;
    }
    y = make_max(make, make_add(make, y, bias), make_constant(make, 0));
    store_bf16(graph, y);
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = y, .name = "y"});
    return graph;
}

static Graph *input_gradient(Arena *arena, const Shape *s)
{
    Graph *graph = new_graph(arena, s->batch);
    int64_t span = (s->window - 1) * s->dilation,
            height = (s->height + 2 * s->pad - span - 1) / s->stride + 1,
            width = (s->width + 2 * s->pad - span - 1) / s->stride + 1;
    const int64_t slope[] = {s->batch, height, width, s->filters},
                  picture[] = {s->batch, s->height, s->width, s->channels},
                  kernel[] = {s->window, s->window, s->channels, s->filters};
    static const int swap[] = {0, 1, 3, 2};
    WindowAttrs attrs = window_of_shape(s);
    NodeId w = leaf(graph, "w", LEAF_PARAMETER, DTYPE_F32, LEAD_NONE, 4, kernel);
    NodeId dy = leaf(graph, "dy", LEAF_INPUT, DTYPE_BF16, LEAD_BATCH, 4, slope);
    NodeId x = leaf(graph, "x", LEAF_INPUT, DTYPE_BF16, LEAD_BATCH, 4, picture);
    Make make = make_at(graph, dy);
    NodeId in[2] = {dy, make_permute(make, w, swap)};
    NodeId zero = make_constant(make, 0);
    NodeId dx =
        make_select(make, make_greater(make, x, zero), make_op(make, OP_conv2d_dx, &attrs, in, 2), zero);
    store_bf16(graph, dx);
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = dx, .name = "dx"});
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = make_sum(make, dx, 7), .name = "db"});
    Graph *sliced = slice_sums(graph);
    graph_verify(sliced, "slice");
    return sliced;
}

static void convolutions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Arena *arena = arena_new();
        check(arena, forward(arena, &shapes[i]), 0, shapes[i].batch, true);
        arena_free(arena);
    }
}

static Graph *weight_gradient(Arena *arena, const Shape *s, int64_t slice)
{
    Graph *graph = new_graph(arena, s->batch);
    graph->slice = slice;
    int64_t span = (s->window - 1) * s->dilation,
            height = (s->height + 2 * s->pad - span - 1) / s->stride + 1,
            width = (s->width + 2 * s->pad - span - 1) / s->stride + 1;
    const int64_t slope[] = {s->batch, height, width, s->filters},
                  pooled[] = {s->batch, height / 2, width / 2, s->filters},
                  picture[] = {s->batch, s->height, s->width, s->channels};
    WindowAttrs attrs = window_of_shape(s), pool = {2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1, height, width};
    NodeId in[2] = {leaf(graph, "x", LEAF_INPUT, s->f32 ? DTYPE_F32 : DTYPE_BF16, LEAD_BATCH, 4, picture)};
    Make make = make_at(graph, in[0]);
    if (s->pool) {
        NodeId from[2] = {leaf(graph, "dp", LEAF_INPUT, DTYPE_BF16, LEAD_BATCH, 4, pooled),
                          leaf(graph, "choice", LEAF_INPUT, DTYPE_U8, LEAD_BATCH, 4, pooled)};
        in[1] = make_op(make, OP_maxpool_dx, &pool, from, 2);
    } else {
        in[1] = leaf(graph, "dy", LEAF_INPUT, DTYPE_BF16, LEAD_BATCH, 4, slope);
    }
    NodeId dw = make_op(make, OP_conv2d_dw, &attrs, in, 2);
    graph_result(graph, (Result){.role = RESULT_VALUE, .node = dw, .name = "dw"});
    Graph *sliced = slice ? slice_sums(graph) : graph;
    graph_verify(sliced, "slice");
    return sliced;
}

static void a_part_of_the_batch(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Shape shape = shapes[2];
    shape.batch = 5;
    check(arena, forward(arena, &shape), 2, 4, true);
    arena_free(arena);
}

static void input_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].pool || shapes[i].channels == 1)
            continue;
        Arena *arena = arena_new();
        check(arena, input_gradient(arena, &shapes[i]), 0, shapes[i].batch, true);
        arena_free(arena);
    }
}

static void weight_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].channels == 1 && shapes[i].pad) /* no channels that lie side by side */
            continue;
        Arena *arena = arena_new();
        check(arena, weight_gradient(arena, &shapes[i], shapes[i].batch), 0, shapes[i].batch, true);
        arena_free(arena);
    }
}

static void dense_layers(void **state)
{
    (void)state;
    static const int64_t sizes[][4] = {/* samples, room, terms, columns */
                                       {37, 40, 64, 48},
                                       {5, 5, 34, 10},
                                       {32, 32, 100, 130},
                                       {20, 50, 1000, 17}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int transposed = 0; transposed < 2; transposed++) {
            Arena *arena = arena_new();
            int64_t samples = sizes[i][0], room = sizes[i][1], terms = sizes[i][2], columns = sizes[i][3];
            Graph *graph = new_graph(arena, room);
            const int64_t a[] = {room, terms}, plain[] = {terms, columns}, turned[] = {columns, terms};
            NodeId x = leaf(graph, "x", LEAF_INPUT, DTYPE_BF16, LEAD_BATCH, 2, a);
            NodeId w = leaf(graph, "w", LEAF_PARAMETER, DTYPE_F32, LEAD_NONE, 2, transposed ? turned : plain);
            Make make = make_at(graph, x);
            NodeId y = make_matmul(make, x, w, false, transposed);
            graph_result(graph, (Result){.role = RESULT_VALUE, .node = y, .name = "y"});
            check(arena, graph, 3, samples, true);
            arena_free(arena);
        }
    }
}

static void they_have_been_used(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    if (cpu_host(arena)->tile)
        assert_true(tiled > 20);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),    cmocka_unit_test(a_part_of_the_batch),
        cmocka_unit_test(input_gradients), cmocka_unit_test(weight_gradients),
        cmocka_unit_test(dense_layers),    cmocka_unit_test(they_have_been_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
