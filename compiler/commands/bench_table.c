/* A benchmark as tables of at most 100 columns. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/bench.h"
#include "compiler/commands/layers.h"

/* Kernels and layers that take less are added up in one line. */
static const double LEAST_SHARE = 0.01, LEAST_DELAY = 0.03;
enum { KERNEL_WIDTH = 41, OWNER_WIDTH = 28, LAYER_WIDTH = 40, KERNELS_LEAST = 10 };

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

void bench_print_delay(const Bench *bench, Text *out)
{
    if (bench->delayed > LEAST_DELAY)
        text_printf(out, "              NOTE: other programs had the cores for %.0f %% of this time\n",
                    100 * bench->delayed);
}

static void print_whole(const Bench *bench, Text *out)
{
    Arena *arena = bench->arena;
    double samples = (double)bench->program->batch, rate = bench_flops(bench) / bench->seconds;
    text_printf(out, "%s: %s of %.0f image%s in %d thread%s\n", bench->model->program->name,
                bench->options.evaluation ? "an evaluation step" : "a training step", samples,
                plural(bench->program->batch), bench->threads, plural(bench->threads));
    text_printf(out, "  step        %.3f ms (median of %d window%s; the best %.3f): %s images/s\n",
                1e3 * bench->seconds, bench->options.windows, plural(bench->options.windows),
                1e3 * bench->best, count_text(arena, llround(samples / bench->seconds)));
    bench_print_delay(bench, out);
    text_printf(out, "  arithmetic  %.1f GFLOP/s", 1e-9 * rate);
    if (bench->roof.flops > 0)
        text_printf(out, ", %.0f %% of the %.0f that this machine reaches in f32",
                    100 * rate / bench->roof.flops, 1e-9 * bench->roof.flops);
    text_printf(out, "\n  bandwidth   %.0f GB/s from the cores' caches, %.0f GB/s from beyond them\n",
                1e-9 * bench->roof.cache, 1e-9 * bench->roof.memory);
    text_printf(
        out,
        "  first step  done %.2f s after the start (compiling %.2f s: %d kernel%s, %d more from the cache)\n",
        bench->first_step, bench->linked->seconds, bench->linked->compiled, plural(bench->linked->compiled),
        bench->linked->cached);
    text_printf(out, "  memory      %s of the process at most, %s of these for the network and its step\n",
                bytes_text(arena, (double)bench->memory),
                bytes_text(arena, (double)cnn_device_bytes(bench->device)));
    if (bench->loaded > 0)
        text_printf(out,
                    "  loader      %s images/s alone; steps that it feeds wait for it %.0f %% of the time\n",
                    count_text(arena, llround(bench->loaded)), 100 * bench->waited);
}

/* ---- Layers ---- */

static void add_to(PartSums *sum, const PartSums *seconds)
{
    for (int p = 0; p < STEP_PARTS; p++)
        sum->of[p] += seconds->of[p];
}

static void print_layer(const Bench *bench, const char *name, const PartSums *seconds, Text *out)
{
    text_printf(out, "%-*s", LAYER_WIDTH, name);
    for (int p = 0; p < STEP_PARTS; p++) {
        if (seconds->of[p] > 0)
            text_printf(out, " %10.1f", 1e6 * seconds->of[p]);
        else
            text_printf(out, " %10s", "");
    }
    text_printf(out, " %10.1f %6.1f%%\n", 1e6 * parts_sum(seconds),
                100 * parts_sum(seconds) / bench->seconds);
}

static void print_layers(const Bench *bench, Text *out)
{
    const Program *program = bench->table->program;
    PartSums *seconds = bench_layers(bench);
    PartSums all = {0}, others = {0};
    int other_count = 0;
    text_printf(out, "\n%-*s %10s %10s %10s %10s %7s\n", LAYER_WIDTH, "layer, us a step", "forward",
                "backward", "update", "all", "share");
    for (size_t i = 0; i < program->layers.count; i++) {
        const PartSums *own = &seconds[i + 1];
        add_to(&all, own);
        if (parts_sum(own) > LEAST_SHARE * bench->seconds) {
            print_layer(bench, name_shortened(bench->arena, program->layers.items[i].name, LAYER_WIDTH), own,
                        out);
        } else if (parts_sum(own) > 0) {
            add_to(&others, own);
            other_count++;
        }
    }
    if (other_count)
        print_layer(bench, arena_printf(bench->arena, "%d other%s", other_count, plural(other_count)),
                    &others, out);
    add_to(&all, &seconds[0]);
    print_layer(bench, bench->options.evaluation ? "loss" : "loss, optimizer's rates", &seconds[0], out);
    print_layer(bench, "all kernels", &all, out);
    text_printf(out, "%-*s %43.1f %6.1f%%\n", LAYER_WIDTH, "waiting, calls",
                1e6 * (bench->seconds - parts_sum(&all)), 100 * (1 - parts_sum(&all) / bench->seconds));
}

/* ---- Kernels ---- */

/* "conv2 backward: input gradient + ..", cut at a "+" where it is too long. */
static const char *kernel_text(Arena *arena, const KernelRow *row)
{
    const char *text =
        arena_printf(arena, "%s: %s", name_shortened(arena, row->owner, OWNER_WIDTH), row->what);
    if (strlen(text) <= KERNEL_WIDTH)
        return text;
    int length = KERNEL_WIDTH - 2;
    while (length > OWNER_WIDTH && text[length] != '+')
        length--;
    return arena_printf(arena, "%.*s..", text[length] == '+' ? length + 2 : KERNEL_WIDTH - 2, text);
}

static void print_kernel(const Bench *bench, int index, Text *out)
{
    const KernelRow *row = &bench->table->rows[index];
    double seconds = bench->kernels[index], share, of_peak = 0;
    Bound bound = bench_bound(bench, index, &share);
    if (bench->roof.flops > 0)
        of_peak = row->flops / seconds / bench->roof.flops;
    const char *limit = arena_printf(bench->arena, "%s %.0f%%", bound_names[bound], 100 * share);
    text_printf(out, "%8.1f %5.1f%% %7.1f %4.0f%% %6.2f %-12s %-8s %s\n", 1e6 * seconds,
                100 * seconds / bench->seconds, 1e-9 * row->flops / seconds, 100 * of_peak,
                row->bytes > 0 ? row->flops / row->bytes : 0, limit, step_part_names[row->part],
                kernel_text(bench->arena, row));
}

static void print_kernels(const Bench *bench, Text *out)
{
    const int *order = bench_sorted(bench);
    int count = bench->table->count, shown = 0;
    double all = 0, rest = 0;
    text_printf(out, "\n%8s %6s %7s %5s %6s %-12s %-8s %s\n", "us/step", "share", "GFLOP/s", "peak", "FLOP/B",
                "bound by", "", "kernel");
    for (; shown < count; shown++) {
        double seconds = bench->kernels[order[shown]];
        if (seconds <= 0 || (shown >= KERNELS_LEAST && seconds < LEAST_SHARE * bench->seconds))
            break;
        print_kernel(bench, order[shown], out);
        all += seconds;
    }
    for (int i = shown; i < count; i++)
        rest += bench->kernels[order[i]];
    if (shown < count)
        text_printf(out, "%8.1f %5.1f%% %42s %d other%s\n", 1e6 * rest, 100 * rest / bench->seconds, "",
                    count - shown, plural(count - shown));
    text_printf(out, "%8.1f %5.1f%% %42s all %d\n", 1e6 * (all + rest), 100 * (all + rest) / bench->seconds,
                "", count);
    text_printf(
        out,
        "Times are those of all workers, divided by their number. peak: share of the measured f32 peak.\n"
        "FLOP/B: operations for each byte read or written. bound by: what the kernel would wait for at\n"
        "least, and what share of that limit it reaches; docs/performance.md says what to make of it.\n");
}

void bench_print(const Bench *bench, bool quiet, Text *out)
{
    print_whole(bench, out);
    if (quiet)
        return;
    print_layers(bench, out);
    print_kernels(bench, out);
}
