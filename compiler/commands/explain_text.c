/* The model's text with notes under its lines. Layers that are alike (of a `repeat`, or of a block) share a
 * note. */
#include <string.h>

#include "compiler/commands/explain.h"
#include "compiler/commands/layers.h"
#include "compiler/commands/wrap.h"

enum { INDENT = 8, LABEL = 10, NAME_WIDTH = 40, SHARES = 34 };

/* Kernels that do the same for layers of the same word. */
typedef struct {
    int layer; /* of the first; -1: none */
    const char *owner;
    StepPart part;
    const char *what;
    int count;
    double seconds, flops;
} Note;
typedef VEC(Note) Notes;

static const char *layer_word(const Explanation *explanation, int layer)
{
    return layer < 0 ? "" : explanation->program->layers.items[layer].word;
}

static void add_row(const Explanation *explanation, const KernelRow *row, Notes *notes)
{
    size_t i = 0;
    for (; i < notes->count; i++) {
        const Note *note = &notes->items[i];
        if (note->part == row->part && strcmp(note->what, row->what) == 0 &&
            (note->layer < 0) == (row->layer < 0) &&
            strcmp(layer_word(explanation, note->layer), layer_word(explanation, row->layer)) == 0)
            break;
    }
    if (i == notes->count)
        *vec_push(explanation->arena, notes) =
            (Note){.layer = row->layer, .owner = row->owner, .part = row->part, .what = row->what};
    Note *note = &notes->items[i];
    note->count++;
    note->flops += row->flops;
    if (explanation->bench)
        note->seconds += explanation->bench->kernels[row - explanation->table->rows];
}

/* ---- Lines ---- */

static void print_wrapped(const char *label, const char *text, Text *out)
{
    wrap_text(INDENT, LABEL, label, text, out);
}

/* "12.3 % of the step, 81 % of peak" */
static const char *shares_text(const Explanation *explanation, double seconds, double flops)
{
    const Bench *bench = explanation->bench;
    if (!bench || seconds <= 0)
        return "";
    const char *step =
        arena_printf(explanation->arena, "%.1f %% of the step", 100 * seconds / bench->seconds);
    if (bench->roof.flops <= 0)
        return step;
    return arena_printf(explanation->arena, "%s, %.0f %% of peak", step,
                        100 * flops / seconds / bench->roof.flops);
}

static void print_note(const Explanation *explanation, const Note *note, Text *out)
{
    Arena *arena = explanation->arena;
    const char *word = note->layer < 0 ? note->owner : layer_word(explanation, note->layer);
    const char *who = note->count == 1 ? name_shortened(arena, note->owner, NAME_WIDTH)
                                       : arena_printf(arena, "%d x %s", note->count, word);
    const char *text = arena_printf(arena, "%s: %s", who, note->what);
    const char *shares = shares_text(explanation, note->seconds, note->flops);
    int room = WRAP_WIDTH - INDENT - LABEL - SHARES;
    if (*shares && (int)strlen(text) <= room)
        text = arena_printf(arena, "%-*s  %s", room - 2, text, shares);
    else if (*shares)
        text = arena_printf(arena, "%s: %s", text, shares);
    print_wrapped(step_part_names[note->part], text, out);
}

static void print_notes(const Explanation *explanation, const Notes *notes, Text *out)
{
    for (StepPart part = 0; part < STEP_PARTS; part++)
        for (size_t i = 0; i < notes->count; i++)
            if (notes->items[i].part == part)
                print_note(explanation, &notes->items[i], out);
}

/* ---- What a line became ---- */

static bool is_on_line(const Explanation *explanation, int layer, int line)
{
    return layer >= 0 && explanation->line_of[layer] == line;
}

static void print_kernels(const Explanation *explanation, int line, Text *out)
{
    Notes notes = {0};
    for (int r = 0; r < explanation->table->count; r++)
        if (is_on_line(explanation, explanation->table->rows[r].layer, line))
            add_row(explanation, &explanation->table->rows[r], &notes);
    print_notes(explanation, &notes, out);
}

/* Where else something of a layer is done: "backward in conv2's kernel (line 5)". */
static const char *guest_text(const Explanation *explanation, int layer, int line)
{
    Text text = {.arena = explanation->arena};
    for (int r = 0; r < explanation->table->count; r++) {
        const KernelRow *row = &explanation->table->rows[r];
        if (row->part == STEP_UPDATE || is_on_line(explanation, row->layer, line) ||
            !explain_row_has(explanation, row, layer))
            continue;
        text_printf(&text, "%s%s in %s's kernel", text.length ? ", " : "", step_part_names[row->part],
                    name_shortened(explanation->arena, row->owner, NAME_WIDTH));
        if (row->layer >= 0)
            text_printf(&text, " (line %d)", explanation->line_of[row->layer]);
    }
    return text_string(&text);
}

/* Kernels of other lines that do something of this one's. */
static void print_guests(const Explanation *explanation, int line, Text *out)
{
    const Program *program = explanation->program;
    const char **texts = NEW_ARRAY(explanation->arena, const char *, program->layers.count);
    for (size_t layer = 0; layer < program->layers.count; layer++)
        texts[layer] =
            is_on_line(explanation, (int)layer, line) ? guest_text(explanation, (int)layer, line) : "";
    for (size_t layer = 0; layer < program->layers.count; layer++) {
        const char *text = texts[layer];
        Text names = {.arena = explanation->arena};
        for (size_t i = layer; i < program->layers.count && *text; i++) {
            if (strcmp(texts[i], text) != 0)
                continue;
            text_printf(&names, "%s%s", names.length ? ", " : "", program->layers.items[i].name);
            texts[i] = "";
        }
        if (*text)
            print_wrapped("joined", arena_printf(explanation->arena, "%s: %s", text_string(&names), text),
                          out);
    }
}

static void print_bytes(const Explanation *explanation, int line, Text *out)
{
    Arena *arena = explanation->arena;
    double moved = 0, unfused = 0;
    for (size_t layer = 0; layer < explanation->program->layers.count; layer++) {
        if (!is_on_line(explanation, (int)layer, line))
            continue;
        moved += parts_sum(&explanation->bytes[layer + 1]);
        unfused += parts_sum(&explanation->unfused[layer + 1]);
    }
    const char *change = moved <= unfused
                             ? arena_printf(arena, "fusion saves %s", bytes_text(arena, unfused - moved))
                             : "it is read for kernels of other lines that were fused";
    if (moved == 0 && unfused == 0)
        print_wrapped("bytes", "none: other lines read its values where they are", out);
    else
        print_wrapped("bytes",
                      arena_printf(arena, "%s moved in a step, %s unfused: %s", bytes_text(arena, moved),
                                   bytes_text(arena, unfused), change),
                      out);
}

/* How many layers of this line are apart for the same reason as number `index`; 0: told before. */
static int count_alike(const Explanation *explanation, size_t index, int line)
{
    const Apart *first = &explanation->aparts.items[index];
    int count = 0;
    for (size_t i = 0; i < explanation->aparts.count; i++) {
        const Apart *apart = &explanation->aparts.items[i];
        if (!is_on_line(explanation, apart->layer, line) ||
            memcmp(apart->in, first->in, sizeof apart->in) != 0 || apart->why != first->why ||
            strcmp(layer_word(explanation, apart->layer), layer_word(explanation, first->layer)) != 0)
            continue;
        if (i < index)
            return 0;
        count++;
    }
    return count;
}

static const char *parts_text(Arena *arena, const Apart *apart)
{
    Text text = {.arena = arena};
    for (int p = 0; p < STEP_PARTS; p++)
        if (apart->in[p])
            text_printf(&text, "%s%s", text.length ? " and " : "", step_part_names[p]);
    return text_string(&text);
}

static void print_aparts(const Explanation *explanation, int line, Text *out)
{
    Arena *arena = explanation->arena;
    for (size_t i = 0; i < explanation->aparts.count; i++) {
        const Apart *apart = &explanation->aparts.items[i];
        int count = is_on_line(explanation, apart->layer, line) ? count_alike(explanation, i, line) : 0;
        if (!count)
            continue;
        const RefusalInfo *info = &refusal_table[apart->why];
        const LayerRow *layers = explanation->program->layers.items;
        const char *who = count == 1 ? layers[apart->layer].name
                                     : arena_printf(arena, "%d x %s", count, layers[apart->layer].word);
        const char *from = count == 1 && apart->other >= 0 && apart->other != apart->layer
                               ? arena_printf(arena, ", not with %s", layers[apart->other].name)
                               : "";
        const char *detail = apart->detail ? arena_printf(arena, " (%s)", apart->detail) : "";
        print_wrapped(
            "apart",
            arena_printf(arena, "%s %s%s: %s%s", who, parts_text(arena, apart), from, info->why, detail),
            out);
        if (info->change)
            print_wrapped("", arena_printf(arena, "what would change it: %s", info->change), out);
    }
}

static void print_line_notes(const Explanation *explanation, int line, Text *out)
{
    bool has = false;
    for (size_t layer = 0; layer < explanation->program->layers.count; layer++)
        has = has || is_on_line(explanation, (int)layer, line);
    if (!has)
        return;
    print_kernels(explanation, line, out);
    print_guests(explanation, line, out);
    print_bytes(explanation, line, out);
    print_aparts(explanation, line, out);
}

/* ---- The rest ---- */

static void print_rest(const Explanation *explanation, Text *out)
{
    Notes notes = {0};
    for (int r = 0; r < explanation->table->count; r++)
        if (explanation->table->rows[r].layer < 0)
            add_row(explanation, &explanation->table->rows[r], &notes);
    if (!notes.count)
        return;
    text_printf(out, "\nKernels of no line\n");
    print_notes(explanation, &notes, out);
}

static void print_totals(const Explanation *explanation, Text *out)
{
    Arena *arena = explanation->arena;
    const Plan *plan = explanation->table->plan;
    double moved, unfused;
    int chunked = 0;
    explain_bytes(explanation, &moved, &unfused);
    for (size_t p = 0; p < plan->phases.count; p++)
        chunked += plan->phases.items[p].kind == PHASE_CHUNKED;
    text_printf(out, "\n%d kernel%s in %zu phase%s, %d of them for a few samples at a time",
                explanation->table->count, explanation->table->count == 1 ? "" : "s", plan->phases.count,
                plan->phases.count == 1 ? "" : "s", chunked);
    text_printf(out, "; unfused: %d kernels.\n%s moved in a step; unfused: %s.\n",
                explanation->unfused_kernels, bytes_text(arena, moved), bytes_text(arena, unfused));
    const Bench *bench = explanation->bench;
    if (!bench)
        return;
    text_printf(out, "A step of %lld images takes %.3f ms in %d thread%s.\n",
                (long long)bench->program->batch, 1e3 * bench->seconds, bench->threads,
                bench->threads == 1 ? "" : "s");
    if (bench->roof.flops > 0)
        text_printf(out, "peak: the %.0f GFLOP/s of f32 that this machine reaches.\n",
                    1e-9 * bench->roof.flops);
}

void explain_print(const Explanation *explanation, const char *text, size_t length, Text *out)
{
    int line = 1;
    for (size_t at = 0; at < length; line++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t bytes = end ? (size_t)(end - (text + at)) : length - at;
        text_printf(out, "%4d  %.*s\n", line, (int)bytes, text + at);
        print_line_notes(explanation, line, out);
        at += bytes + 1;
    }
    print_rest(explanation, out);
    print_totals(explanation, out);
}
