#include "compiler/commands/sweep_points.h"

#include "compiler/base/text.h"
#include "runtime/rng.h"

/* Draws in a row that may give nothing new before it is said that there is no more. */
enum { DRAWS_MOST = 10000 };

static CnnStatus check_axes(const SweepAxes *axes, int64_t random, CnnError *error)
{
    double grid = 1;
    bool varies = false;
    for (size_t i = 0; i < axes->count; i++) {
        varies |= sweep_axis_varies(&axes->items[i]);
        grid *= axes->items[i].open ? 1 : (double)axes->items[i].values.count;
    }
    if (!varies)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "nothing is varied: -D NAME=VALUE,VALUE or --set PATH=VALUE,VALUE say what is (seeds "
                        "alone: cnnc run --seeds N)");
    if (!random && grid > SWEEP_POINTS_MOST)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "the grid has %.0f points, more than %d: --random N draws some of them", grid,
                        SWEEP_POINTS_MOST);
    return CNN_OK;
}

static SweepPoint grid_point(Arena *arena, const SweepAxes *axes, int64_t number)
{
    SweepPoint point = {NEW_ARRAY(arena, const char *, axes->count)};
    for (size_t i = axes->count; i-- > 0;) {
        int64_t count = (int64_t)axes->items[i].values.count;
        point.values[i] = axes->items[i].values.items[number % count];
        number /= count;
    }
    return point;
}

static int64_t grid_count(const SweepAxes *axes)
{
    int64_t count = 1;
    for (size_t i = 0; i < axes->count; i++)
        count *= (int64_t)axes->items[i].values.count;
    return count;
}

static SweepPoint random_point(Arena *arena, const SweepAxes *axes, uint64_t seed, uint32_t draw)
{
    SweepPoint point = {NEW_ARRAY(arena, const char *, axes->count)};
    for (size_t i = 0; i < axes->count; i++) {
        Random4 words = cnn_random4(seed, draw, (uint32_t)i, 0, PURPOSE_SWEEP);
        point.values[i] = sweep_axis_draw(arena, &axes->items[i], cnn_uniform(words.word[0]));
    }
    return point;
}

static bool is_new(const SweepAxes *axes, const SweepPoints *points, const SweepPoint *point)
{
    for (size_t p = 0; p < points->count; p++) {
        size_t i = 0;
        while (i < axes->count && strcmp(points->items[p].values[i], point->values[i]) == 0)
            i++;
        if (i == axes->count)
            return false;
    }
    return true;
}

static CnnStatus draw_points(Arena *arena, const SweepAxes *axes, int64_t random, uint64_t seed,
                             SweepPoints *points, CnnError *error)
{
    int vain = 0;
    for (uint32_t draw = 0; (int64_t)points->count < random && vain < DRAWS_MOST; draw++) {
        SweepPoint point = random_point(arena, axes, seed, draw);
        vain++;
        if (!is_new(axes, points, &point))
            continue;
        *vec_push(arena, points) = point;
        vain = 0;
    }
    if ((int64_t)points->count == random)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_USAGE, "--random %lld: there are no more than %zu different points",
                    (long long)random, points->count);
}

CnnStatus sweep_points_make(Arena *arena, const SweepAxes *axes, int64_t random, uint64_t seed,
                            SweepPoints *points, CnnError *error)
{
    *points = (SweepPoints){0};
    TRY(check_axes(axes, random, error));
    if (random)
        return draw_points(arena, axes, random, seed, points, error);
    for (int64_t i = 0, count = grid_count(axes); i < count; i++)
        *vec_push(arena, points) = grid_point(arena, axes, i);
    return CNN_OK;
}

const char *sweep_point_text(Arena *arena, const SweepAxes *axes, const SweepPoint *point)
{
    Text text = {.arena = arena};
    for (size_t i = 0; i < axes->count; i++)
        if (sweep_axis_varies(&axes->items[i]))
            text_printf(&text, "%s%s=%s", text.length ? ", " : "", axes->items[i].name, point->values[i]);
    return text_string(&text);
}
