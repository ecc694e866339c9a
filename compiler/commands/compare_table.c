/* The table of a comparison, and what it says in words. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/compare.h"
#include "compiler/commands/layers.h"

/* ---- Figures ---- */

int compare_fastest(const Comparison *comparison)
{
    int best = 0;
    for (int v = 1; v < comparison->count; v++)
        if (comparison->variants[v].seconds < comparison->variants[best].seconds)
            best = v;
    return best;
}

int compare_rounds_won(const Comparison *comparison, const Variant *faster, const Variant *slower)
{
    int won = 0;
    for (int round = 0; round < comparison->rounds; round++)
        won += faster->rounds[round] < slower->rounds[round];
    return won;
}

double compare_share(const Comparison *comparison, const Variant *variant)
{
    return comparison->peak > 0 ? variant->flops / variant->seconds / comparison->peak : 0;
}

const Totals *compare_judged(const Variant *variant, const char **part)
{
    const TrainingOutcome *outcome = &variant->outcome;
    *part = outcome->validation.samples ? "validation" : "test";
    const Totals *totals = outcome->validation.samples ? &outcome->validation : &outcome->test;
    return variant->trained && totals->samples ? totals : NULL;
}

/* ---- The table ---- */

static int name_width(const Comparison *comparison)
{
    size_t width = strlen("variant");
    for (int v = 0; v < comparison->count; v++)
        if (strlen(comparison->variants[v].name) > width)
            width = strlen(comparison->variants[v].name);
    return (int)width;
}

static const char *relative_text(Arena *arena, double relative)
{
    return relative == 0 ? "none" : arena_printf(arena, "%.1e", relative);
}

static void print_row(const Comparison *comparison, const Variant *variant, int width, Text *out)
{
    Arena *arena = comparison->arena;
    double share = compare_share(comparison, variant);
    double images = (double)comparison->batches.samples / variant->seconds;
    bool first = variant == comparison->variants;
    text_printf(out, "%-*s %9.3f %11s %8d %10s %10s %6s", width, variant->name, 1e3 * variant->seconds,
                count_text(arena, (int64_t)llround(images)), variant->kernels,
                bytes_text(arena, variant->bytes), bytes_text(arena, (double)variant->memory),
                share > 0 ? arena_printf(arena, "%.0f %%", 100 * share) : "?");
    text_printf(out, " %8s %9s %8s\n", first ? "-" : relative_text(arena, variant->loss_difference),
                first ? "-" : relative_text(arena, variant->gradient.relative),
                first ? "-" : relative_text(arena, variant->weight.relative));
}

static void print_outcomes(const Comparison *comparison, int width, Text *out)
{
    const char *part;
    if (!comparison->epochs)
        return;
    compare_judged(&comparison->variants[0], &part);
    text_printf(out, "\nAfter %" PRId64 " epoch%s, on the %s part\n%-*s %9s", comparison->epochs,
                comparison->epochs == 1 ? "" : "s", part, width, "variant", "loss");
    const CnnProgram *program = &comparison->variants[0].linked.image->eval;
    for (int m = 0; m < program->metric_count; m++)
        text_printf(out, " %9s", program->metrics[m].name);
    text_printf(out, " %9s\n", "samples");
    for (int v = 0; v < comparison->count; v++) {
        const Totals *totals = compare_judged(&comparison->variants[v], &part);
        if (!totals)
            continue;
        text_printf(out, "%-*s %9.4f", width, comparison->variants[v].name, totals_loss(totals));
        for (int m = 0; m < program->metric_count; m++)
            text_printf(out, " %9.4f", totals_metric(totals, m));
        text_printf(out, " %9" PRId64 "\n", totals->samples);
    }
}

void compare_print(const Comparison *comparison, Text *out)
{
    int width = name_width(comparison);
    for (int v = 0; v < comparison->count; v++)
        if (*comparison->variants[v].rewritten)
            text_printf(out, "%s: %s", comparison->variants[v].name, comparison->variants[v].rewritten);
    text_printf(out, "%-*s %9s %11s %8s %10s %10s %6s %8s %9s %8s\n", width, "variant", "ms/step", "images/s",
                "kernels", "moved/step", "memory", "peak", "loss", "gradients", "weights");
    for (int v = 0; v < comparison->count; v++)
        print_row(comparison, &comparison->variants[v], width, out);
    text_printf(out,
                "Medians of %d round%s of %" PRId64 " steps or more, batch %" PRId64
                ", %d thread%s. peak: share of ",
                comparison->rounds, comparison->rounds == 1 ? "" : "s", comparison->steps,
                comparison->batches.samples, comparison->threads, comparison->threads == 1 ? "" : "s");
    if (comparison->peak > 0)
        text_printf(out, "the %.0f GFLOP/s of f32\nmultiply-adds that this machine reaches. ",
                    1e-9 * comparison->peak);
    else
        text_printf(out, "a peak that could not be\nmeasured. ");
    text_printf(out,
                "loss, gradients, weights: largest difference from %s, of\ngradients and weights relative to "
                "the tensor's largest element.\n",
                comparison->variants[0].name);
    print_outcomes(comparison, width, out);
}

/* ---- The verdict ---- */

/* Slower in each round: then chance, which would need to fall the same way every time, does not explain it.
 */
static void judge_speed(const Comparison *comparison, const Variant *a, const Variant *b, Text *out)
{
    const Variant *faster = a->seconds <= b->seconds ? a : b, *slower = faster == a ? b : a;
    double ratio = slower->seconds / faster->seconds;
    int won = compare_rounds_won(comparison, faster, slower), rounds = comparison->rounds;
    const char *verdict = rounds < 3      ? "too few rounds to tell from noise"
                          : won == rounds ? "beyond the noise"
                                          : "within the noise";
    if (ratio >= 1.5)
        text_printf(out, "%s is %.2f times as fast as %s", faster->name, ratio, slower->name);
    else
        text_printf(out, "%s is %.1f %% faster than %s", faster->name, 100 * (ratio - 1), slower->name);
    text_printf(out, ", in %d of %d rounds: %s.\n", won, rounds, verdict);
}

/* What a variant's time is judged by: one with a fusion left out by that with all of them, if it is there;
 * the others by the fastest. */
static const Variant *rival_of(const Comparison *comparison, const Variant *variant)
{
    for (int v = 0; strncmp(variant->name, "no-", 3) == 0 && v < comparison->count; v++)
        if (strcmp(comparison->variants[v].name, "fused") == 0)
            return &comparison->variants[v];
    return &comparison->variants[compare_fastest(comparison)];
}

static int find_metric(const CnnProgram *program, const char *name)
{
    for (int m = 0; m < program->metric_count; m++)
        if (strcmp(program->metrics[m].name, name) == 0)
            return m;
    return -1;
}

/* A difference of two shares of `samples` each is called real from two standard errors on. */
static void judge_accuracy(const Variant *first, const Variant *other, Text *out)
{
    const char *part;
    const Totals *a = compare_judged(first, &part), *b = compare_judged(other, &part);
    int metric = find_metric(&first->linked.image->eval, "accuracy");
    if (!a || !b || metric < 0)
        return;
    double p = totals_metric(a, metric), q = totals_metric(b, metric);
    double error = sqrt(p * (1 - p) / (double)a->samples + q * (1 - q) / (double)b->samples);
    text_printf(out,
                "%s gets %.2f %% of the %s part right, %s %.2f %%: %+.2f points, %s what chance may do.\n",
                other->name, 100 * q, part, first->name, 100 * p, 100 * (q - p),
                fabs(q - p) > 2 * error ? "more than" : "no more than");
}

static void note_functions(const Comparison *comparison, Text *out)
{
    int count = 0;
    for (int v = 1; v < comparison->count; v++)
        if (comparison->variants[v].other_function)
            text_printf(out, "%s%s", count++ ? ", " : "", comparison->variants[v].name);
    if (count)
        text_printf(out, " learn%s another function than %s: the differences are no errors.\n",
                    count == 1 ? "s" : "", comparison->variants[0].name);
}

const char *compare_verdict(const Comparison *comparison)
{
    Text out = {.arena = comparison->arena};
    text_printf(&out, "%s is the fastest.\n", comparison->variants[compare_fastest(comparison)].name);
    for (int v = 0; v < comparison->count; v++) {
        const Variant *rival = rival_of(comparison, &comparison->variants[v]);
        if (rival != &comparison->variants[v])
            judge_speed(comparison, rival, &comparison->variants[v], &out);
    }
    for (int v = 1; v < comparison->count; v++)
        judge_accuracy(&comparison->variants[0], &comparison->variants[v], &out);
    note_functions(comparison, &out);
    return text_string(&out);
}
