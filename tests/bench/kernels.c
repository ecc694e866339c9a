/* How fast single kernels are: GFLOP/s on one core, and their share of the peak measured in the same run, for
 * the shapes that matter most. Arguments select kernels by a part of their name; --tile ROWSxVECTORS[uN]
 * forces a tile,
 * --cpu NAME makes code for another CPU (x86-64-v3). */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "runtime/clock.h"
#include "tests/ops/computations.h"

typedef struct {
    CpuCode *code;
    CnnCode *function;
    double compile_seconds;
} Compiled;

/* Time that this thread has run: other programs' does not count. */
static double now(void)
{
    return cnn_thread_clock();
}

static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static Compiled compile(Arena *arena, const CpuTarget *target, Kernel *kernel)
{
    Compiled compiled = {0};
    CpuObject object;
    const char *symbol, *complaint;
    CpuCompileOptions options = {.threads = 1};
    Kernel *kernels[1] = {kernel};
    double start = processor_seconds();
    if (!cpu_compile(target, kernels, &symbol, 1, &options, arena, &object, &complaint) ||
        !(compiled.code = cpu_load(&object, &symbol, 1, &compiled.function, &complaint))) {
        fprintf(stderr, "%s\n", complaint);
        exit(1);
    }
    compiled.compile_seconds = processor_seconds() - start;
    return compiled;
}

/* Seconds of one call: the least of many. */
static double measure(const Compiled *compiled, void *const *buffers, const CnnCall *call)
{
    double least = INFINITY, start = now();
    for (int i = 0; i < 200 && (i < 5 || now() - start < 0.4); i++) {
        double before = now();
        compiled->function(buffers, call);
        double seconds = now() - before;
        least = seconds < least ? seconds : least;
    }
    return least;
}

/* Multiply-adds in registers: 24 sums, one step after the other. */
static double measure_peak(Arena *arena, const CpuTarget *target)
{
    int64_t lanes = target->lanes, terms = 1 << 14;
    Builder b = builder_new(arena, "peak");
    int x = builder_axis(&b, "x", false, EXTENT_FIXED, 12),
        c = builder_axis(&b, "c", false, EXTENT_FIXED, lanes * 2);
    int k = builder_axis(&b, "k", true, EXTENT_FIXED, terms);
    int ta = builder_tensor(&b, DTYPE_F32, false, 12), tb = builder_tensor(&b, DTYPE_F32, false, lanes * 2);
    int out = builder_tensor(&b, DTYPE_F32, true, 12 * lanes * 2);
    ExprId product = builder_scalar(&b, SCALAR_mul, builder_load(&b, ta, affine(0, 1, X(x, 1))),
                                    builder_load(&b, tb, affine(0, 1, X(c, 1))), 0);
    builder_store(&b, STORE_WRITE, out, affine(0, 2, X(x, lanes * 2), X(c, 1)),
                  builder_sum(&b, product, NULL, 0));
    b.computation->parallel = x;
    Kernel kernel = {.name = "peak", .computation = b.computation};
    kernel.cpu = (CpuSchedule){.order_count = 2,
                               .order = {x, c},
                               .reduce_count = 1,
                               .reduce = {k},
                               .vector_axis = c,
                               .vectors = 2,
                               .row_axis = x,
                               .rows = target->registers == 32 ? 12 : 4,
                               .spread_axis = -1,
                               .unroll = 4};
    Compiled compiled = compile(arena, target, &kernel);
    Memory memory = memory_new(arena, &b, 1);
    CnnCall call = {.end = 12, .samples = 1, .slices = 1, .first = 1};
    double seconds = measure(&compiled, memory.stored, &call);
    cpu_unload(compiled.code);
    return 2.0 * 12 * (double)(lanes * 2 * terms) / seconds;
}

typedef struct {
    const char *filter, *tile;
    const CpuTarget *target;
    double peak;
} Bench;

static void force_tile(CpuSchedule *schedule, const char *tile)
{
    int rows, vectors, unroll;
    int read = sscanf(tile, "%dx%du%d", &rows, &vectors, &unroll);
    if (read >= 2) {
        schedule->rows = rows;
        schedule->vectors = vectors;
    }
    if (read >= 3)
        schedule->unroll = unroll;
}

static void run(const Bench *bench, const char *name, Arena *arena, Builder b, int64_t samples, double flops)
{
    if (bench->filter && !strstr(name, bench->filter))
        return;
    Kernel kernel = {.name = name, .computation = b.computation};
    cpu_schedule(bench->target, b.computation, &kernel.cpu);
    if (bench->tile)
        force_tile(&kernel.cpu, bench->tile);
    const char *complaint = cpu_schedule_legal(b.computation, &kernel.cpu, arena);
    if (complaint) {
        fprintf(stderr, "%s: %s\n", name, complaint);
        exit(1);
    }
    Compiled compiled = compile(arena, bench->target, &kernel);
    Memory memory = memory_new(arena, &b, 1);
    const Axis *axis = &b.computation->axes[b.computation->parallel];
    CnnCall call = {.end = axis->kind == EXTENT_BATCH ? samples : axis->extent,
                    .samples = samples,
                    .slices = 1,
                    .first = 1};
    double seconds = measure(&compiled, memory.stored, &call);
    int spread = kernel.cpu.spread_axis < 0 ? 1 : (int)b.computation->axes[kernel.cpu.spread_axis].extent;
    printf("%-34s %8.1f GFLOP/s %4.0f %%  %9.4f ms  tile %2d x %d x %d u%d  compiled in %4.0f ms\n", name,
           flops / seconds * 1e-9, 100 * flops / seconds / bench->peak, seconds * 1e3, kernel.cpu.rows,
           spread, kernel.cpu.vectors, kernel.cpu.unroll, compiled.compile_seconds * 1e3);
    cpu_unload(compiled.code);
}

static void run_conv(const Bench *bench, const char *name, ConvShape shape)
{
    Arena *arena = arena_new();
    char text[128];
    snprintf(text, sizeof text, "%s forward", name);
    run(bench, text, arena, conv_forward(arena, &shape), shape.batch, conv_flops(&shape));
    ConvShape plain = shape;
    plain.pool = plain.bias = false;
    if (shape.pool) {
        plain.bias = true;
        snprintf(text, sizeof text, "%s forward no pool", name);
        run(bench, text, arena, conv_forward(arena, &plain), shape.batch, conv_flops(&plain));
    }
    snprintf(text, sizeof text, "%s dW", name);
    run(bench, text, arena, conv_weights(arena, &plain), shape.batch, conv_flops(&plain));
    snprintf(text, sizeof text, "%s dx", name);
    run(bench, text, arena, conv_inputs(arena, &plain), shape.batch, conv_flops(&plain));
    arena_free(arena);
}

/* b[c][a] = a[a][c]: two memory accesses an element, counted as two operations. */
static void run_permute(const Bench *bench, int64_t rows, int64_t columns)
{
    Arena *arena = arena_new();
    Builder b = builder_new(arena, "permute");
    int a = builder_axis(&b, "a", false, EXTENT_FIXED, columns),
        c = builder_axis(&b, "c", false, EXTENT_FIXED, rows);
    int from = builder_tensor(&b, DTYPE_F32, false, rows * columns),
        to = builder_tensor(&b, DTYPE_F32, true, rows * columns);
    builder_store(&b, STORE_WRITE, to, affine(0, 2, X(a, rows), X(c, 1)),
                  builder_load(&b, from, affine(0, 2, X(c, columns), X(a, 1))));
    simplify(b.computation);
    char text[128];
    snprintf(text, sizeof text, "permute %lldx%lld", (long long)rows, (long long)columns);
    run(bench, text, arena, b, 1, 2.0 * (double)(rows * columns));
    arena_free(arena);
}

/* The graph permutes the weights for dx first: see run_permute. */
static void run_dense(const Bench *bench, int64_t batch, int64_t in, int64_t out)
{
    Arena *arena = arena_new();
    char text[128];
    double flops = 2.0 * (double)(batch * in * out);
    snprintf(text, sizeof text, "dense %lldx%lld forward", (long long)in, (long long)out);
    run(bench, text, arena, dense(arena, batch, out, in, false, false, 'm'), batch, flops);
    snprintf(text, sizeof text, "dense %lldx%lld dW", (long long)in, (long long)out);
    run(bench, text, arena, dense(arena, in, out, batch, true, false, 'k'), batch, flops);
    snprintf(text, sizeof text, "dense %lldx%lld dx", (long long)in, (long long)out);
    run(bench, text, arena, dense(arena, batch, in, out, false, false, 'm'), batch, flops);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    Arena *arena = arena_new();
    Bench bench = {.target = cpu_host(arena)};
    const char *complaint = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tile") == 0 && i + 1 < argc)
            bench.tile = argv[++i];
        else if (strcmp(argv[i], "--cpu") == 0 && i + 1 < argc)
            bench.target = cpu_target(arena, argv[++i], &complaint);
        else
            bench.filter = argv[i];
    }
    if (!bench.target) {
        fprintf(stderr, "%s\n", complaint);
        return 2;
    }
    bench.peak = measure_peak(arena, bench.target);
    printf("%s, %d lanes: peak %.1f GFLOP/s\n", bench.target->cpu, bench.target->lanes, bench.peak * 1e-9);
    run_conv(&bench, "28x28x1->32", (ConvShape){4, 28, 28, 1, 32, 3, 1, 1, 0, .bias = true});
    run_conv(&bench, "26x26x32->64", (ConvShape){4, 26, 26, 32, 64, 3, 1, 1, 0, .pool = true});
    run_conv(&bench, "64x64x3->32", (ConvShape){2, 64, 64, 3, 32, 3, 1, 1, 0, .pool = true});
    run_conv(&bench, "31x31x32->64", (ConvShape){2, 31, 31, 32, 64, 3, 1, 1, 0, .pool = true});
    run_conv(&bench, "14x14x64->126", (ConvShape){4, 14, 14, 64, 126, 3, 1, 1, 0, .pool = true});
    run_conv(&bench, "224x224x3->16", (ConvShape){1, 224, 224, 3, 16, 3, 1, 1, 0, .pool = true});
    run_conv(&bench, "111x111x16->16", (ConvShape){1, 111, 111, 16, 16, 3, 1, 1, 0, .pool = true});
    run_conv(&bench, "same 28x28x64->64", (ConvShape){2, 28, 28, 64, 64, 3, 1, 1, 1, .bias = true});
    run_conv(&bench, "same 32x32x32->32 pool", (ConvShape){2, 32, 32, 32, 32, 3, 1, 1, 1, .pool = true});
    run_conv(&bench, "same 8x8x256->256", (ConvShape){2, 8, 8, 256, 256, 3, 1, 1, 1, .bias = true});
    run_conv(&bench, "same 32x32x64->64", (ConvShape){2, 32, 32, 64, 64, 3, 1, 1, 1, .bias = true});
    run_conv(&bench, "same 4x4x512->512", (ConvShape){4, 4, 4, 512, 512, 3, 1, 1, 1, .bias = true});
    run_conv(&bench, "same 16x16x128->128", (ConvShape){4, 16, 16, 128, 128, 3, 1, 1, 1, .bias = true});
    run_dense(&bench, 64, 9216, 128);
    run_dense(&bench, 32, 1024, 512);
    run_permute(&bench, 9216, 128);
    run_permute(&bench, 128, 64);
    arena_free(arena);
    return 0;
}
