#include "compiler/commands/variants.h"

#include <string.h>

#include "compiler/base/bug.h"

static void keep(Settings *settings, int which)
{
    (void)settings, (void)which;
}

static void unfuse(Settings *settings, int which)
{
    (void)which;
    for (int i = 0; i < FUSION_COUNT; i++)
        settings->fusions.off[i] = true;
}

static void leave_out(Settings *settings, int which)
{
    settings->fusions.off[which] = true;
}

static void rewrite(Settings *settings, int which)
{
    settings->rewrites.on[which] = true;
}

static void set_precision(Settings *settings, int which)
{
    settings->precision = (Precision)which;
}

static void untune(Settings *settings, int which)
{
    settings->tune = (TuneMode)which;
}

static void set_exact(Settings *settings, int which)
{
    settings->exact = which;
}

const VariantRow *variant_rows(Arena *arena)
{
    static const VariantRow fixed[] = {
        {.name = "fused", .apply = keep},
        {.name = "unfused", .apply = unfuse},
        {"f32", set_precision, PRECISION_F32, "train", "precision", "f32"},
        {"bf16", set_precision, PRECISION_BF16, "train", "precision", "bf16"},
        {"f16", set_precision, PRECISION_F16, "train", "precision", "f16"},
        {.name = "untuned", .apply = untune, .which = TUNE_OFF},
        {.name = "exact", .apply = set_exact, .which = true},
    };
    VEC(VariantRow) rows = {0};
    for (size_t i = 0; i < COUNT(fixed); i++)
        *vec_push(arena, &rows) = fixed[i];
    for (int i = 0; i < REWRITE_COUNT; i++)
        *vec_push(arena, &rows) =
            (VariantRow){rewrite_table[i].name, rewrite, i, "compile", "rewrite", rewrite_table[i].name};
    for (int i = 0; i < FUSION_COUNT; i++)
        *vec_push(arena, &rows) = (VariantRow){
            .name = arena_printf(arena, "no-%s", fusion_table[i].name), .apply = leave_out, .which = i};
    *vec_push(arena, &rows) = (VariantRow){0};
    return rows.items;
}

Settings variant_settings(const Model *model)
{
    const Session *session = model->session;
    return (Settings){session->fusions, model->rewrites, model->checked->precision, session->tune,
                      session->exact};
}

bool same_function(const Settings *a, const Settings *b)
{
    return a->precision == b->precision && memcmp(&a->rewrites, &b->rewrites, sizeof a->rewrites) == 0;
}
