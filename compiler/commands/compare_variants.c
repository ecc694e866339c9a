/* The variants that are asked for, and how one is compiled. */
#include <string.h>

#include "compiler/commands/compare.h"
#include "compiler/commands/variants.h"

static CnnStatus unknown_variant(Arena *arena, const VariantRow *rows, const char *name)
{
    VEC(const char *) names = {0};
    Text list = {.arena = arena};
    for (; rows->name; rows++) {
        text_printf(&list, "%s%s", names.count ? ", " : "", rows->name);
        *vec_push(arena, &names) = rows->name;
    }
    *vec_push(arena, &names) = NULL;
    const char *similar = nearest_name(name, names.items);
    if (similar)
        return command_fail(CNN_BAD_USAGE, "--variants: there is no variant '%s'; did you mean '%s'?", name,
                            similar);
    return command_fail(CNN_BAD_USAGE, "--variants: there is no variant '%s'; there are %s", name,
                        text_string(&list));
}

/* "stride_for_pool+bf16": the changes one after the other. */
static CnnStatus read_settings(Arena *arena, const VariantRow *rows, const char *name, Settings *settings)
{
    while (*name) {
        size_t length = strcspn(name, "+");
        const char *one = arena_text(arena, name, length);
        const VariantRow *row = rows;
        while (row->name && strcmp(row->name, one) != 0)
            row++;
        if (!row->name)
            return unknown_variant(arena, rows, one);
        row->apply(settings, row->which);
        name += length + (name[length] == '+');
    }
    return CNN_OK;
}

/* ---- Names ---- */

typedef VEC(const char *) NameList;

static CnnStatus add_name(Arena *arena, NameList *names, const char *name)
{
    if (!*name)
        return command_fail(CNN_BAD_USAGE, "--variants takes names, separated by commas");
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return command_fail(CNN_BAD_USAGE, "--variants: '%s' stands twice", name);
    if (names->count == VARIANTS_MOST)
        return command_fail(CNN_BAD_USAGE, "--variants: more than %d are too many", VARIANTS_MOST);
    *vec_push(arena, names) = name;
    return CNN_OK;
}

static CnnStatus list_names(Arena *arena, const char *text, bool each, NameList *names)
{
    text = text ? text : "unfused,fused";
    for (size_t length; length = strcspn(text, ","), true; text += length + 1) {
        TRY(add_name(arena, names, arena_text(arena, text, length)));
        if (!text[length])
            break;
    }
    for (int i = 0; each && i < FUSION_COUNT; i++)
        TRY(add_name(arena, names, arena_printf(arena, "no-%s", fusion_table[i].name)));
    return CNN_OK;
}

/* ---- Compiling ---- */

/* The network with the plainest optimizer, whose step is the gradient times the rate. */
static Program *with_plain_optimizer(const Program *program)
{
    Program *plain = NEW(program->arena, Program);
    *plain = *program;
    for (const Optimizer *const *optimizer = optimizer_table; *optimizer; optimizer++)
        if (strcmp((*optimizer)->schema.word, "sgd") == 0)
            plain->optimizer = *optimizer;
    void *args = arena_alloc(program->arena, plain->optimizer->schema.args_bytes);
    schema_defaults(&plain->optimizer->schema, args);
    plain->optimizer_args = args;
    plain->clip_norm = plain->clip_value = 0;
    return plain;
}

static void count_step(const CnnProgram *program, Variant *variant)
{
    variant->kernels = program->step_count;
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        double times = phase->kind == PHASE_CHUNKED ? (double)program->batch : 1;
        for (int s = 0; s < phase->step_count; s++) {
            variant->bytes += times * program->steps[phase->first_step + s].bytes;
            variant->flops += times * program->steps[phase->first_step + s].flops;
        }
    }
}

static CnnStatus compile_variant(Comparison *comparison, const Settings *settings, Variant *variant)
{
    Session *session = comparison->model->session;
    variant->model = *comparison->model;
    variant->model.rewrites = settings->rewrites;
    model_rewrite(&variant->model);
    variant->model.program->precision = settings->precision;
    variant->rewritten = model_rewrites_text(&variant->model);
    session->fusions = settings->fusions;
    session->tune = settings->tune;
    session->exact = settings->exact;
    TRY(model_link(&variant->model, true, &variant->linked));
    session->no_cache |= variant->linked.cache_complaint != NULL; /* said once */
    Model plain = variant->model;
    plain.program = with_plain_optimizer(plain.program);
    TRY(model_link(&plain, true, &variant->plain));
    count_step(&variant->linked.image->train, variant);
    return CNN_OK;
}

CnnStatus variants_open(Comparison *comparison, const char *names, bool each)
{
    Arena *arena = comparison->arena;
    const VariantRow *rows = variant_rows(arena);
    const Settings base = variant_settings(comparison->model);
    NameList list = {0};
    TRY(list_names(arena, names, each, &list));
    Settings *settings = NEW_ARRAY(arena, Settings, list.count);
    comparison->variants = NEW_ARRAY(arena, Variant, list.count);
    bool others = false;
    for (size_t i = 0; i < list.count; i++) {
        settings[i] = base;
        TRY(read_settings(arena, rows, list.items[i], &settings[i]));
        comparison->variants[i].name = list.items[i];
        comparison->variants[i].other_function = !same_function(&settings[i], &settings[0]);
        others |= comparison->variants[i].other_function;
    }
    if (comparison->epochs && !others)
        return command_fail(CNN_BAD_USAGE, "--epochs trains variants that learn another function than the "
                                           "first, such as stride_for_pool; there is none among these");
    comparison->count = (int)list.count;
    for (int i = 0; i < comparison->count; i++)
        TRY(compile_variant(comparison, &settings[i], &comparison->variants[i]));
    return CNN_OK;
}

void variants_close(Comparison *comparison)
{
    for (int i = 0; i < comparison->count; i++) {
        driver_unlink(&comparison->variants[i].linked);
        driver_unlink(&comparison->variants[i].plain);
    }
}
