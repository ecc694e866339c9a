/* `augment { … }`: the stage that applies the changes. */
#include "runtime/augment/augment.h"

#include <stdlib.h>
#include <string.h>

#define PLANNED(word, doc, message)
#define AUGMENT(name) extern const AugmentKind augment_##name;
#include "runtime/augment/augments.def"
#undef AUGMENT
#define AUGMENT(name) &augment_##name,
const AugmentKind *const augment_kinds[] = {
#include "runtime/augment/augments.def"
    NULL,
};

static const Field augment_fields[] = {FIELDS_END};
const Schema augment_schema = {
    .word = "augment",
    .doc = "Changes every training sample at random, differently in each epoch. Changes of place (rotate, "
           "shift, shear, zoom, "
           "flip, crop) are applied together, in the order of writing, by one interpolation; then the "
           "others, in the order "
           "of writing.",
    .places = IN_DATA,
    .body = IN_AUGMENT,
    .fields = augment_fields,
    .example = "augment { rotate 20deg -> flip horizontal }",
};

typedef struct {
    const AugmentKind *kind;
    const void *args;
} Change;

typedef struct {
    Transform transform;
    FillArgs fill;
    int count;
    Change change[];
} Augment;

Draw draw_begin(uint64_t key, uint32_t stream)
{
    return (Draw){.key = key, .stream = stream};
}

double draw_unit(Draw *draw)
{
    if (draw->left == 0) {
        draw->words = cnn_random4(draw->key, draw->block++, draw->stream, 0, PURPOSE_AUGMENT);
        draw->left = 4;
    }
    return cnn_uniform(draw->words.word[4 - draw->left--]);
}

double draw_between(Draw *draw, double low, double high)
{
    return low + (high - low) * draw_unit(draw);
}

void map_compose(AugmentMap *map, const double m[2][3])
{
    AugmentMap old = *map;
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 3; j++)
            map->m[i][j] = old.m[i][0] * m[0][j] + old.m[i][1] * m[1][j];
        map->m[i][2] += old.m[i][2];
    }
}

static CnnStatus augment_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    const Augment *augment = (const Augment *)transform;
    AugmentMap map = {sample->now->height, sample->now->width, {{1, 0, 0}, {0, 1, 0}}};
    const AugmentMap unchanged = map;
    TRY(sample_to_float(sample, error));
    for (int i = 0; i < augment->count; i++) {
        const Change *change = &augment->change[i];
        Draw draw = draw_begin(sample->key, (uint32_t)i);
        if (!change->kind->map || !(sample->augmented || change->kind->always))
            continue;
        change->kind->map(change->args, sample->augmented ? &draw : NULL, &map);
    }
    if (memcmp(&map, &unchanged, sizeof map) != 0) {
        TRY(picture_reserve(sample->spare, map.height, map.width, sample->now->channels, DTYPE_F32, error));
        map_apply(&map, &augment->fill, sample->now, sample->spare);
        sample_swap(sample);
    }
    for (int i = 0; i < augment->count && sample->augmented; i++) {
        const Change *change = &augment->change[i];
        Draw draw = draw_begin(sample->key, (uint32_t)i);
        if (change->kind->change)
            TRY(change->kind->change(change->args, &draw, &transform->out, sample, error));
    }
    return CNN_OK;
}

static const AugmentKind *augment_find(const Schema *schema)
{
    for (const AugmentKind *const *kind = augment_kinds; *kind; kind++)
        if ((*kind)->schema == schema)
            return *kind;
    return NULL;
}

static CnnStatus augment_plan_change(const CnnStatement *statement, const AugmentKind *kind, Layout *layout,
                                     CnnError *error)
{
    if (!kind)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' cannot stand in 'augment'", statement->schema->word);
    if (kind->wants_range && !layout->ranged)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' must know between which values the samples lie, which is not known of "
                        "spectrograms, nor of arrays of this type",
                        statement->schema->word);
    if (kind->wants_colour && layout->channels != 3)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' needs samples of 3 channels, these have %lld",
                        statement->schema->word, (long long)layout->channels);
    return kind->plan ? kind->plan(statement->args, layout, error) : CNN_OK;
}

static void augment_close(Transform *transform)
{
    free(transform);
}

static CnnStatus augment_plan(const CnnStatement *statement, const Layout *in, Transform **out,
                              CnnError *error)
{
    const CnnStatements *body = &statement->body;
    Augment *augment = calloc(1, sizeof *augment + (size_t)body->count * sizeof augment->change[0]);
    if (!augment)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'augment'");
    augment->transform = (Transform){.out = *in, .apply = augment_apply, .close = augment_close};
    augment->transform.out.rate = 0;
    FillArgs defaults;
    augment->fill = *(const FillArgs *)recipe_args(*body, &fill_schema, &defaults);
    CnnStatus status = CNN_OK;
    for (int i = 0; i < body->count && status == CNN_OK; i++) {
        const CnnStatement *item = &body->items[i];
        const AugmentKind *kind = augment_find(item->schema);
        status = augment_plan_change(item, kind, &augment->transform.out, error);
        augment->change[augment->count++] = (Change){kind, item->args};
    }
    if (status == CNN_OK)
        *out = &augment->transform;
    else
        augment_close(&augment->transform);
    return status;
}

static bool augment_wants_size(const void *args)
{
    (void)args;
    return true;
}

const TransformKind transform_augment = {
    .schema = &augment_schema, .plan = augment_plan, .wants_size = augment_wants_size};
