/* What may help: each idea is a change of the model's text, which is tried as it would be written. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/variants.h"
#include "compiler/commands/why.h"
#include "compiler/commands/why_edit.h"
#include "runtime/data/source.h"
#include "runtime/pool.h"
#include "runtime/train_args.h"

enum { AUGMENTS_MOST = 5, THREADS_LEAST = 4, SIZE_LEAST = 8 };

typedef struct {
    Arena *arena;
    const Model *model;
    const char *text;
    IdeaList *list;
} Ideas;

static void add(Ideas *ideas, Idea idea)
{
    if (idea.text && strcmp(idea.text, ideas->text) != 0)
        *vec_push(ideas->arena, ideas->list) = idea;
}

/* ---- How it is compiled ---- */

static const char *variant_cost(const char *name)
{
    if (strcmp(name, "bf16") == 0)
        return "digits, 3 are kept of each value: look at the accuracy";
    if (strcmp(name, "f16") == 0)
        return "range, large values overflow: updates may be left out, look at the accuracy";
    if (strcmp(name, "f32") == 0)
        return "nothing in accuracy";
    return "accuracy, perhaps: another function is learnt (`cnnc compare --epochs 5` tells)";
}

/* A rewrite that finds nothing to do is no idea. */
static bool fits(const Model *model, const VariantRow *row, const Settings *settings)
{
    RewritePlaces places[REWRITE_COUNT];
    if (strcmp(row->statement, "rewrite") != 0)
        return true;
    rewrite_program(model->checked, &settings->rewrites, places);
    return places[row->which].count > 0;
}

static void add_variants(Ideas *ideas)
{
    Settings own = variant_settings(ideas->model);
    for (const VariantRow *row = variant_rows(ideas->arena); row->name; row++) {
        Settings changed = own;
        row->apply(&changed, row->which);
        if (!row->section || same_function(&own, &changed) || !fits(ideas->model, row, &changed))
            continue;
        EditPlace place = {row->section, row->statement, ""};
        add(ideas, (Idea){.name = row->name,
                          .change = arena_printf(ideas->arena, "%s %s", row->statement, row->value),
                          .cost = variant_cost(row->name),
                          .text = edit_set(ideas->arena, ideas->text, &place, row->value)});
    }
}

static void add_threads(Ideas *ideas, int64_t threads)
{
    Arena *arena = ideas->arena;
    const char *value = arena_printf(arena, "%" PRId64, threads);
    EditPlace place = {"compile", "threads", "count"};
    add(ideas, (Idea){.name = arena_printf(arena, "threads_%s", value),
                      .change = arena_printf(arena, "threads %s", value),
                      .cost = "nothing, the numbers learnt are the same",
                      .text = edit_set(arena, ideas->text, &place, value)});
}

static int own_threads(const Ideas *ideas)
{
    return ideas->model->session->threads ? ideas->model->session->threads : cnn_cores();
}

static void add_all_threads(Ideas *ideas)
{
    int own = own_threads(ideas), cores = cnn_cores();
    if (own < cores)
        add_threads(ideas, cores);
    if (own >= THREADS_LEAST)
        add_threads(ideas, own / 2);
}

/* ---- What is learnt ---- */

static void add_batch(Ideas *ideas, int64_t times)
{
    Arena *arena = ideas->arena;
    const Program *program = ideas->model->program;
    int64_t batch = program->batch * times, images = cnn_data_epoch_count(program->data, PART_TRAIN);
    if (batch > images / 2 || batch > BATCH_MOST || program->joined)
        return;
    const char *value = arena_printf(arena, "%" PRId64, batch);
    EditPlace place = {"train", "batch", "size"};
    int64_t whole = program->batch * program->accumulate;
    add(ideas, (Idea){.name = arena_printf(arena, "batch_%s", value),
                      .change = arena_printf(arena, "batch %s", value),
                      .cost = arena_printf(
                          arena, "updates, %s an epoch in place of %s: a higher rate may make up for it",
                          count_text(arena, (images + whole * times - 1) / (whole * times)),
                          count_text(arena, (images + whole - 1) / whole)),
                      .text = edit_set(arena, ideas->text, &place, value)});
}

static void add_narrow(Ideas *ideas)
{
    const char *change = "half the filters and units of each layer but the last";
    const char *text = edit_half_constant(ideas->arena, ideas->text, &change);
    if (!text)
        text = edit_half_widths(ideas->arena, ideas->text);
    add(ideas,
        (Idea){
            .name = "half_width", .change = change, .cost = "capacity: look at the accuracy", .text = text});
}

/* ---- The data ---- */

static const CnnStatement *data_statement(const Ideas *ideas, const char *word)
{
    CnnStatements data = ideas->model->program->recipe.data;
    for (int i = 0; i < data.count; i++)
        if (strcmp(data.items[i].schema->word, word) == 0)
            return &data.items[i];
    return NULL;
}

static const char *source_word(const Ideas *ideas)
{
    CnnStatements data = ideas->model->program->recipe.data;
    for (int i = 0; i < data.count; i++)
        if (source_kind_of(data.items[i].schema))
            return data.items[i].schema->word;
    return NULL;
}

/* Height and width of `resize`, or of the pictures. */
static Dims input_size(const Ideas *ideas)
{
    const CnnStatement *resize = data_statement(ideas, "resize");
    for (const Field *field = resize ? resize->schema->fields : NULL; field && field->name; field++)
        if (field->kind == FIELD_WINDOW)
            return *(const Dims *)(const void *)((const char *)resize->args + field->offset);
    return cnn_data_shape(ideas->model->program->data);
}

static void add_input(Ideas *ideas)
{
    Arena *arena = ideas->arena;
    Dims size = input_size(ideas), seen = cnn_data_shape(ideas->model->program->data);
    int64_t height = (size.value[0] + 1) / 2, width = (size.value[1] + 1) / 2;
    if (height < SIZE_LEAST || width < SIZE_LEAST)
        return;
    EditPlace resize = {"data", "resize", "size"}, input = {"model", "input", "shape"};
    const char *value = arena_printf(arena, "%" PRId64 "x%" PRId64, height, width);
    const char *change = arena_printf(arena, "resize %s", value), *source = source_word(ideas);
    const char *text = data_statement(ideas, "resize") ? edit_set(arena, ideas->text, &resize, value)
                       : source ? edit_add_behind(arena, ideas->text, "data", source, change)
                                : NULL;
    const char *written = edit_value(arena, ideas->text, &input);
    if (text && written && *written >= '0' && *written <= '9') {
        if (seen.value[0] != size.value[0] || seen.value[1] != size.value[1])
            return; /* a crop follows: what the network would see is not known */
        text = edit_set(arena, text, &input, arena_printf(arena, "%sx%" PRId64, value, seen.value[2]));
    }
    add(ideas, (Idea){.name = "half_input",
                      .change = change,
                      .cost = arena_printf(arena,
                                           "detail, %s pixels in place of %" PRId64 "x%" PRId64
                                           ": look at the accuracy",
                                           value, size.value[0], size.value[1]),
                      .text = text});
}

static void add_cache(Ideas *ideas, const char *where, const char *cost)
{
    Arena *arena = ideas->arena;
    const char *source = source_word(ideas), *change = arena_printf(arena, "cache %s", where);
    const char *behind = data_statement(ideas, "resize") ? "resize" : source;
    if (!data_statement(ideas, "cache") && behind)
        add(ideas, (Idea){.name = arena_printf(arena, "cache_%s", where),
                          .change = change,
                          .cost = cost,
                          .text = edit_add_behind(arena, ideas->text, "data", behind, change),
                          .of_data = true});
}

static void add_loader_threads(Ideas *ideas, int threads)
{
    Arena *arena = ideas->arena;
    *vec_push(arena, ideas->list) = (Idea){.name = arena_printf(arena, "loader_threads_%d", threads),
                                           .change = arena_printf(arena, "--loader-threads %d", threads),
                                           .cost = "nothing; it is a flag of `cnnc run`",
                                           .loader_threads = threads,
                                           .of_data = true};
}

static void add_augments(Ideas *ideas)
{
    static const char cost[] = "variety: the network may learn the pictures by heart";
    Arena *arena = ideas->arena;
    const char *const *words = edit_words(arena, ideas->text, "data", "augment");
    int count = 0;
    while (words[count])
        count++;
    for (int i = 0; i < count && count > 1 && count <= AUGMENTS_MOST; i++)
        add(ideas, (Idea){.name = arena_printf(arena, "without_%s", words[i]),
                          .change = arena_printf(arena, "augment without %s", words[i]),
                          .cost = cost,
                          .text = edit_remove(arena, ideas->text, "data", "augment", words[i]),
                          .of_data = true});
    add(ideas, (Idea){.name = "without_augment",
                      .change = "no augment",
                      .cost = cost,
                      .text = edit_remove(arena, ideas->text, "data", "augment", NULL),
                      .of_data = true});
}

IdeaList why_ideas(Arena *arena, const Model *model, const char *text)
{
    IdeaList list = {0};
    Ideas ideas = {arena, model, text, &list};
    int threads = own_threads(&ideas);
    add_variants(&ideas);
    add_input(&ideas);
    add_narrow(&ideas);
    add_batch(&ideas, 2);
    add_batch(&ideas, 4);
    add_all_threads(&ideas);
    add_cache(&ideas, "memory", "memory; it helps from the second epoch on");
    add_cache(&ideas, "disk", "disk; later trainings have it from their first epoch on");
    add_loader_threads(&ideas, 2 * threads);
    if (threads > 1)
        add_loader_threads(&ideas, threads / 2);
    add_augments(&ideas);
    return list;
}

/* ---- Choosing ---- */

const Idea *why_find(const IdeaList *ideas, const char *flag, const char *name)
{
    for (size_t i = 0; i < ideas->count; i++)
        if (strcmp(ideas->items[i].name, name) == 0)
            return &ideas->items[i];
    Arena *arena = arena_new();
    Text list = {.arena = arena};
    for (size_t i = 0; i < ideas->count; i++)
        text_printf(&list, "%s%s", i ? ", " : "", ideas->items[i].name);
    command_fail(CNN_BAD_USAGE, "%s: this model has no idea '%s'; it has %s", flag, name, text_string(&list));
    arena_free(arena);
    return NULL;
}

CnnStatus why_choose(Arena *arena, IdeaList *ideas, const char *names)
{
    IdeaList chosen = {0};
    while (*names) {
        size_t length = strcspn(names, ",");
        const Idea *idea = why_find(ideas, "--ideas", arena_text(arena, names, length));
        if (!idea)
            return CNN_BAD_USAGE;
        *vec_push(arena, &chosen) = *idea;
        names += length + (names[length] == ',');
    }
    *ideas = chosen;
    return CNN_OK;
}

/* ---- Ranking ---- */

bool why_helps(const Idea *idea)
{
    return idea->factor > 0 && idea->factor >= idea->least;
}

double why_moved(const IdeaList *ideas)
{
    double most = 1;
    for (size_t i = 0; i < ideas->count; i++)
        most = fmax(most, ideas->items[i].moved);
    return most;
}

static int steadier_first(const void *a, const void *b)
{
    const Idea *x = a, *y = b;
    return (x->moved > y->moved) - (x->moved < y->moved);
}

/* The median of those that were tried; the others have 0. */
static double median_moved(IdeaList *ideas)
{
    size_t untried = 0;
    qsort(ideas->items, ideas->count, sizeof *ideas->items, steadier_first);
    while (untried < ideas->count && ideas->items[untried].moved == 0)
        untried++;
    return untried < ideas->count ? ideas->items[(untried + ideas->count) / 2].moved : 1;
}

static int better_first(const void *a, const void *b)
{
    const Idea *x = a, *y = b;
    return (y->factor > x->factor) - (y->factor < x->factor);
}

void why_rank(IdeaList *ideas)
{
    if (ideas->count == 0)
        return;
    double usual = median_moved(ideas); /* two windows may be alike by chance */
    for (size_t i = 0; i < ideas->count; i++)
        ideas->items[i].least = fmax(WHY_HELPS, fmax(usual, ideas->items[i].moved));
    qsort(ideas->items, ideas->count, sizeof *ideas->items, better_first);
}
