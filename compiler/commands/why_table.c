/* The answer as text of at most 100 columns. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/why.h"
#include "compiler/commands/wrap.h"

enum { WHAT_WIDTH = 44, NAME_WIDTH = 20, LAYER_WIDTH = 36, LAYERS_SHOWN = 6, CHANGE_INDENT = 44 };
/* The share of the time from which the data are the bound, or worth a word beside it. */
static const double WAITED = 0.1, BESIDE = 0.1;
static const double LAYER_LEAST = 0.01, MEMORY_LEAST = 0.1;

static const char *time_text(Arena *arena, double seconds)
{
    int64_t whole = llround(seconds);
    if (seconds < 0.0995)
        return arena_printf(arena, "%.1f ms", 1e3 * seconds);
    if (seconds < 99.95)
        return arena_printf(arena, "%.2f s", seconds);
    if (whole < 3600)
        return arena_printf(arena, "%" PRId64 " min %02d s", whole / 60, (int)(whole % 60));
    return arena_printf(arena, "%" PRId64 " h %02d min", whole / 3600, (int)(whole / 60 % 60));
}

static const char *rate_text(Arena *arena, double rate)
{
    return count_text(arena, llround(rate));
}

const char *why_bound(const Why *why)
{
    Arena *arena = why->arena;
    const Fed *fed = &why->pace.training;
    double waited = fed->waited / fed->seconds, beside = why_loader_share(why),
           steps = (double)why->bench.program->batch / why->bench.seconds;
    const char *rates = arena_printf(arena, "alone, the loader delivers %s images/s, and steps take %s",
                                     rate_text(arena, why->loaded), rate_text(arena, steps));
    if (waited >= WAITED)
        return arena_printf(arena, "the data: steps wait for them %.0f %% of the time (%s)", 100 * waited,
                            rates);
    if (beside >= BESIDE)
        return arena_printf(arena,
                            "the network's steps, and the loader's threads take %.0f %% of the cores' time "
                            "from them (%s)",
                            100 * beside, rates);
    return arena_printf(arena, "the network's steps (%s)", rates);
}

static void print_whole(const Why *why, Text *out)
{
    Arena *arena = why->arena;
    const Fed *training = &why->pace.training, *validation = &why->pace.validation;
    double rate = (double)training->images / training->seconds;
    text_printf(out, "%s: an epoch of %s images, batch %" PRId64 ", in %d thread%s\n",
                why->model->program->name, count_text(arena, why->images), why->bench.program->batch,
                why->bench.threads, why->bench.threads == 1 ? "" : "s");
    Text line = {.arena = arena};
    text_printf(&line, "%s: training %s (%s images/s)", time_text(arena, why->seconds),
                time_text(arena, (double)why->images / rate), rate_text(arena, rate));
    if (validation->images)
        text_printf(&line, ", validation %s (%s images)",
                    time_text(arena, (double)why->validation_images * validation->seconds /
                                         (double)validation->images),
                    count_text(arena, why->validation_images));
    wrap_text(2, 10, "takes", text_string(&line), out);
    bench_print_delay(&why->bench, out);
    wrap_text(2, 10, "bound by", why_bound(why), out);
}

/* ---- The split ---- */

static void print_row(const Why *why, const char *what, double seconds, double whole, Text *out)
{
    text_printf(out, "  %-*s %12s %6.1f %%\n", WHAT_WIDTH, what, time_text(why->arena, seconds),
                100 * seconds / whole);
}

static void print_split(const Why *why, Text *out)
{
    Split split = why_split(why);
    double cores = why->seconds * why->bench.threads;
    text_printf(out, "\nWhere the epoch's time goes\n");
    print_row(why, "waiting for data", split.waiting, why->seconds, out);
    for (int p = 0; p < STEP_PARTS; p++)
        print_row(why, step_part_names[p], split.part[p], why->seconds, out);
    print_row(why, "workers that wait for each other, calls", split.between, why->seconds, out);
    print_row(why, "steps slowed down by the loader's threads", split.slowed, why->seconds, out);
    if (why->validation_images)
        print_row(why, "validation", split.validation, why->seconds, out);
    text_printf(out,
                "What the loader's threads do meanwhile, in seconds of a core and as share of all cores\n");
    print_row(why, "reading, decoding", split.reading, cores, out);
    print_row(why, "resize, scale and the like", split.transforming, cores, out);
    print_row(why, "augment", split.augmenting, cores, out);
}

/* ---- Layers ---- */

int *why_layers(const Why *why)
{
    const PartSums *layers = bench_layers(&why->bench);
    int count = (int)why->bench.table->program->layers.count;
    int *best = NEW_ARRAY(why->arena, int, LAYERS_SHOWN + 1), shown = 0;
    double all = 0;
    for (int i = 0; i <= count; i++)
        all += parts_sum(&layers[i]);
    for (int i = 0; i < count; i++) {
        double seconds = parts_sum(&layers[i + 1]);
        if (seconds < LAYER_LEAST * all)
            continue;
        int at = shown < LAYERS_SHOWN ? shown++ : LAYERS_SHOWN;
        for (; at > 0 && parts_sum(&layers[best[at - 1] + 1]) < seconds; at--)
            if (at < LAYERS_SHOWN)
                best[at] = best[at - 1];
        if (at < LAYERS_SHOWN)
            best[at] = i;
    }
    best[shown] = -1;
    return best;
}

/* The kernel of a layer that takes longest. */
static int longest_kernel(const Bench *bench, int layer)
{
    int longest = -1;
    for (int r = 0; r < bench->table->count; r++)
        if (bench->table->rows[r].layer == layer &&
            (longest < 0 || bench->kernels[r] > bench->kernels[longest]))
            longest = r;
    return longest;
}

LayerPeak why_layer(const Why *why, int layer)
{
    const Bench *bench = &why->bench;
    LayerPeak peak = {.seconds = parts_sum(&bench_layers(bench)[layer + 1])};
    for (int r = 0; r < bench->table->count; r++)
        if (bench->table->rows[r].layer == layer)
            peak.flops += bench->table->rows[r].flops;
    if (bench->roof.flops > 0)
        peak.share = peak.flops / peak.seconds / bench->roof.flops;
    peak.bound = bench_bound(bench, longest_kernel(bench, layer), &peak.bound_share);
    return peak;
}

static void print_layer(const Why *why, int layer, Text *out)
{
    LayerPeak peak = why_layer(why, layer);
    const char *name =
        name_shortened(why->arena, why->bench.table->program->layers.items[layer].name, LAYER_WIDTH);
    text_printf(out, "  %-*s %6.1f %% %9.1f", LAYER_WIDTH, name, 100 * peak.seconds / why->bench.seconds,
                1e-9 * peak.flops / peak.seconds);
    if (peak.share > 0)
        text_printf(out, " %5.0f %%", 100 * peak.share);
    else
        text_printf(out, " %7s", "");
    text_printf(out, "  %s, %.0f %% of it\n", bound_names[peak.bound], 100 * peak.bound_share);
}

static void print_layers(const Why *why, Text *out)
{
    const int *layers = why_layers(why);
    text_printf(out, "\n  %-*s %8s %9s %7s  %s\n", LAYER_WIDTH, "layers that take longest", "step", "GFLOP/s",
                "of peak", "its longest kernel is bound by");
    for (int i = 0; layers[i] >= 0; i++)
        print_layer(why, layers[i], out);
}

/* ---- Ideas ---- */

static void print_idea(const Why *why, const Idea *idea, Text *out)
{
    Arena *arena = why->arena;
    Text text = {.arena = arena};
    text_printf(&text, "%s; costs %s", idea->change, idea->cost);
    if (fabs(idea->memory / why->memory - 1) > MEMORY_LEAST)
        text_printf(&text, "; memory %s, was %s", bytes_text(arena, idea->memory),
                    bytes_text(arena, why->memory));
    wrap_text(2, CHANGE_INDENT,
              arena_printf(arena, "%-*s %12s %6.2f x", NAME_WIDTH, idea->name,
                           time_text(arena, idea->seconds), idea->factor),
              text_string(&text), out);
}

static bool some(const Why *why, bool helps)
{
    for (size_t i = 0; i < why->ideas.count; i++)
        if (why->ideas.items[i].factor > 0 && why_helps(&why->ideas.items[i]) == helps)
            return true;
    return false;
}

static void print_tried(const Why *why, bool helps, const char *title, Text *out)
{
    if (!some(why, helps))
        return;
    text_printf(out, "\n%s\n", title);
    for (size_t i = 0; i < why->ideas.count; i++) {
        const Idea *idea = &why->ideas.items[i];
        if (idea->factor > 0 && why_helps(idea) == helps)
            print_idea(why, idea, out);
    }
}

static void print_untried(const Why *why, Text *out)
{
    for (size_t i = 0; i < why->ideas.count; i++) {
        const Idea *idea = &why->ideas.items[i];
        if (idea->refused)
            wrap_text(2, CHANGE_INDENT, idea->name, arena_printf(why->arena, "not tried: %s", idea->refused),
                      out);
    }
    if (why->data_cheap && !why->options.ideas)
        wrap_text(0, 0, "",
                  "The data cost next to nothing: caches, threads of the loader and fewer augmentations "
                  "were not tried.",
                  out);
}

static void print_moved(const Why *why, Text *out)
{
    double moved = why_moved(&why->ideas);
    if (moved > WHY_HELPS)
        wrap_text(
            0, 0, "",
            arena_printf(why->arena,
                         "The model as it is took up to %.0f %% longer in one window than in the next: an "
                         "idea counts as faster only beyond what they differed by around it, and around "
                         "half of all ideas. On a quiet machine, or with more --seconds, factors are surer.",
                         100 * (moved - 1)),
            out);
}

static void print_advice(const Why *why, Text *out)
{
    for (size_t i = 0; i < why->ideas.count; i++)
        if (why_helps(&why->ideas.items[i]) && why->ideas.items[i].text) {
            wrap_text(
                0, 0, "",
                arena_printf(why->arena,
                             "cnnc why %s --apply %s -o faster.cnn writes the model so changed; several "
                             "names are joined by commas.",
                             why->model->path, why->ideas.items[i].name),
                out);
            return;
        }
}

void why_print(const Why *why, Text *out)
{
    print_whole(why, out);
    print_split(why, out);
    print_layers(why, out);
    print_tried(why, true,
                arena_printf(why->arena, "What makes an epoch faster here (each tried for %.0f s)",
                             why->tried_seconds),
                out);
    print_tried(
        why, false,
        some(why, true) ? "Tried, and no faster" : "Nothing that was tried makes an epoch faster here", out);
    print_untried(why, out);
    print_moved(why, out);
    print_advice(why, out);
}
