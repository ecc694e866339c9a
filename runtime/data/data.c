/* Opening the `data` section: the source, its split, the stages in their order, and what can be asked of
 * them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/held_out.h"
#include "runtime/data/pipeline.h"
#include "runtime/weights.h"

const char *const data_part_names[PART_COUNT] = {"training", "validation", "test"};

static const TransformKind *transform_kind(const Schema *schema)
{
    for (const TransformKind *const *kind = transform_kinds; *kind; kind++)
        if ((*kind)->schema == schema)
            return *kind;
    return NULL;
}

/* Passes a failure on, with the place of the statement that is to blame before it. */
static CnnStatus data_blame(const CnnStatement *statement, CnnStatus status, const CnnError *cause,
                            CnnError *error)
{
    if (status == CNN_OK)
        return CNN_OK;
    return cnn_fail(error, status, "%s%s%s", statement && statement->where ? statement->where : "",
                    statement && statement->where ? ": " : "", cause->text);
}

/* Finds the one source; NULL where there is none. That no statement stands twice is the checker's rule. */
static CnnStatus data_find_source(const CnnRecipe *recipe, const CnnStatement **source, CnnError *error)
{
    *source = NULL;
    for (int i = 0; i < recipe->data.count; i++) {
        const CnnStatement *statement = &recipe->data.items[i];
        CnnError cause = {0};
        if (!source_kind_of(statement->schema))
            continue;
        if (*source) {
            cnn_fail(&cause, CNN_BAD_INPUT, "'%s' is a second source beside '%s'", statement->schema->word,
                     (*source)->schema->word);
            return data_blame(statement, CNN_BAD_INPUT, &cause, error);
        }
        *source = statement;
    }
    return CNN_OK;
}

/* Where relative paths start from. */
static void data_set_folder(CnnData *data, const CnnRecipe *recipe)
{
    const char *path = recipe->model_path ? recipe->model_path : "", *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) < sizeof data->folder - 1)
        memcpy(data->folder, path, slash == path ? 1 : (size_t)(slash - path));
}

static CnnStatus data_name_classes(CnnData *data, CnnError *error)
{
    const SourceInfo *info = &data->source->info;
    size_t count = (size_t)info->classes;
    for (int part = 0; part < PART_COUNT && count > 0; part++) {
        data->class_counts[part] = calloc(count, sizeof *data->class_counts[part]);
        if (!data->class_counts[part])
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu classes", count);
        for (int64_t i = 0; i < data->split.count[part]; i++)
            data->class_counts[part]
                              [(int64_t)data->source->label(data->source, data->split.index[part][i])]++;
    }
    if (info->class_names || count == 0)
        return CNN_OK;
    data->class_names = calloc(count, sizeof *data->class_names);
    for (size_t c = 0; c < count; c++)
        if (!data->class_names || asprintf(&data->class_names[c], "%zu", c) < 0)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of %zu classes", count);
    return CNN_OK;
}

/* The first stage that asks for a size of its own tells the source, if nothing before it depends on the size.
 */
static bool data_any_size(const CnnData *data)
{
    for (int i = 0; i < data->stage_count; i++)
        if (!data->stages[i]->pointwise)
            return false;
    return true;
}

/* Learns the size of all samples from the first that can be read. */
static CnnStatus data_learn_size(CnnData *data, CnnError *error)
{
    enum { TRIES = 16 };
    CnnError first = {0};
    Picture picture = {0};
    if (data->is_loose)
        return loose_size(&data->loose, &data->height, &data->width, error);
    CnnStatus status = CNN_BAD_INPUT;
    for (int64_t i = 0; i < data->source->info.count && i < TRIES && status == CNN_BAD_INPUT; i++) {
        status = data->source->read(data->source, i, 0, 0, &picture, &first);
        data->first = i;
    }
    data->height = picture.height;
    data->width = picture.width;
    picture_free(&picture);
    return status == CNN_OK ? CNN_OK : cnn_fail(error, status, "%s", first.text);
}

static CnnStatus data_source_layout(CnnData *data, Layout *layout, CnnError *error)
{
    const SourceInfo *info = &data->source->info;
    data->black = calloc((size_t)info->channels, sizeof(float));
    data->white = calloc((size_t)info->channels, sizeof(float));
    if (!data->black || !data->white)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld channels",
                        (long long)info->channels);
    for (int64_t c = 0; c < info->channels; c++) {
        data->black[c] = (float)info->low;
        data->white[c] = (float)info->high;
    }
    data->first = -1;
    data->height = info->height;
    data->width = info->width;
    *layout = (Layout){.height = info->height,
                       .width = info->width,
                       .channels = info->channels,
                       .rate = info->rate,
                       .ranged = info->ranged,
                       .black = data->black,
                       .white = data->white};
    return CNN_OK;
}

/* The channels of a stage that depend on what is measured: as the weights have them, or measured now. */
static CnnStatus data_find_channels(CnnData *data, const CnnRecipe *recipe, Transform *stage, CnnError *error)
{
    char name[NAME_BYTES];
    CnnError cause = {0};
    WeightFile *file;
    if (!recipe->weights)
        return cnn_data_prepare(data, 0, error);
    TRY(cnn_weights_open(recipe->weights, &file, error));
    const NamedTensor *counted = cnn_weights_find(file, stage->fit->sized_by);
    CnnStatus status = CNN_BAD_INPUT;
    if (counted && counted->rank == 1 && counted->dim[0] > 0)
        status = stage->fit->size(stage, counted->dim[0], &cause);
    else
        cnn_fail(&cause, status, "it has no '%s', so it was not trained with this stage",
                 stage->fit->sized_by);
    cnn_weights_close(file);
    return status == CNN_OK
               ? CNN_OK
               : cnn_fail(error, status, "%s: %s", name_printable(recipe->weights, name), cause.text);
}

/* Adds the stage of one statement, if it is one. `layout` is that of the samples before it, and then behind
 * it. */
static CnnStatus data_add_stage(CnnData *data, const CnnRecipe *recipe, const CnnStatement *statement,
                                Layout *layout, CnnError *error)
{
    const TransformKind *kind = transform_kind(statement->schema);
    if (!kind)
        return CNN_OK;
    if (kind->wants_size && kind->wants_size(statement->args) && layout->height == 0) {
        TRY(data_learn_size(data, error));
        layout->height = data->height;
        layout->width = data->width;
    }
    Transform *stage;
    TRY(kind->plan(statement, layout, &stage, error));
    if (stage->want_height > 0 && data_any_size(data)) {
        data->want_height = stage->want_height;
        data->want_width = stage->want_width;
    }
    bool fixed = !stage->fit && !stage->pointwise && !(kind->schema->body & IN_AUGMENT);
    data->fixed_stages += fixed && data->fixed_stages == data->stage_count;
    data->stage_by[data->stage_count] = statement;
    data->stages[data->stage_count++] = stage;
    data->measured = data->measured && !stage->fit;
    if (stage->out.channels == 0)
        TRY(data->is_loose ? loose_size_stage(&data->loose, stage, error)
                           : data_find_channels(data, recipe, stage, error));
    *layout = stage->out;
    return CNN_OK;
}

static CnnStatus data_plan(CnnData *data, const CnnRecipe *recipe, const CnnStatement *source,
                           CnnError *error)
{
    Layout layout;
    TRY(data_source_layout(data, &layout, error));
    data->stages = calloc((size_t)recipe->data.count, sizeof(Transform *));
    data->stage_by = calloc((size_t)recipe->data.count, sizeof *data->stage_by);
    if (!data->stages || !data->stage_by)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the stages");
    for (int i = 0; i < recipe->data.count; i++) {
        CnnError cause = {0};
        CnnStatus status = data_add_stage(data, recipe, &recipe->data.items[i], &layout, &cause);
        TRY(data_blame(&recipe->data.items[i], status, &cause, error));
    }
    if (layout.height == 0) {
        CnnError cause = {0};
        TRY(data_blame(source, data_learn_size(data, &cause), &cause, error));
    }
    return CNN_OK;
}

static Dims data_shape_behind(const CnnData *data, int stages)
{
    const Layout *last = stages ? &data->stages[stages - 1]->out : NULL;
    int64_t height = last && last->height ? last->height : data->height,
            width = last && last->width ? last->width : data->width;
    return (Dims){3, {height, width, last ? last->channels : data->source->info.channels}};
}

Dims data_fixed_shape(const CnnData *data)
{
    return data_shape_behind(data, data->fixed_stages);
}

/* A cache keeps the same of a sample in every epoch, and all its records have one size. */
static CnnStatus data_check_cache(const CnnData *data, CnnError *error)
{
    const CacheArgs *args = data->cache_by ? data->cache_by->args : NULL;
    if (args && args->folder && args->where + 1 != CACHE_DISK)
        return cnn_fail(error, CNN_BAD_INPUT, "'folder' is for 'cache disk'");
    if (args && data->source->read_random)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'cache' keeps what is read in the first epoch, and the source reads another piece "
                        "in each: say crop=middle there, or leave 'cache' out");
    if (!args || data_fixed_shape(data).value[0] > 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "'cache' keeps samples as they are before '%s', where they differ in size: write "
                    "'resize' before that",
                    data->stage_by[data->fixed_stages]->schema->word);
}

/* The source that the data name, and which of its samples are drawn. */
static CnnStatus data_take_source(CnnData *data, const CnnRecipe *recipe, const CnnStatement *source,
                                  CnnError *error)
{
    SplitArgs split_defaults;
    ShuffleArgs shuffle_defaults;
    BadArgs bad_defaults;
    CnnError cause = {0};
    data->held_out_by = recipe_find(recipe->data, &validation_schema);
    TRY(data_blame(source, source_open(source, data->folder, &data->source, &cause), &cause, error));
    if (data->held_out_by)
        TRY(data_blame(data->held_out_by,
                       held_out_join(data->held_out_by, data->folder, &data->source, &cause), &cause, error));
    const SplitArgs *split = recipe_args(recipe->data, &split_schema, &split_defaults);
    TRY(data_blame(recipe_find(recipe->data, &split_schema),
                   split_make(data->source, split, &data->split, &cause), &cause, error));
    data->shuffle = ((const ShuffleArgs *)recipe_args(recipe->data, &shuffle_schema, &shuffle_defaults))->on;
    data->bad = *(const BadArgs *)recipe_args(recipe->data, &bad_schema, &bad_defaults);
    data->cache_by = recipe_find(recipe->data, &cache_schema);
    const CnnStatement *balance = recipe_find(recipe->data, &balance_schema);
    return data_blame(
        balance,
        balance_open(balance ? balance->args : NULL, data->source, &data->split, &data->balance, &cause),
        &cause, error);
}

/* Loose files in its place: none is looked at twice, and each counts for itself. */
static CnnStatus data_take_files(CnnData *data, const CnnRecipe *recipe, const CnnStatement *source,
                                 const LooseRequest *request, CnnError *error)
{
    data->is_loose = true;
    data->bad = (BadArgs){.policy = BAD_SKIP, .at_most = 1};
    TRY(loose_open(recipe, source, request, &data->loose, &data->source, error));
    return split_make_test(data->source, &data->split, error);
}

/* `request`: NULL for the data themselves. */
static CnnStatus data_open_all(CnnData *data, const CnnRecipe *recipe, const LooseRequest *request,
                               CnnError *error)
{
    const CnnStatement *source;
    CnnError cause = {0};
    TRY(data_find_source(recipe, &source, error));
    if (!source && !request)
        return cnn_fail(error, CNN_BAD_INPUT, "'data' names no source, such as: folder \"data/plants\"");
    data_set_folder(data, recipe);
    TRY(request ? data_take_files(data, recipe, source, request, error)
                : data_take_source(data, recipe, source, error));
    data->source_by = source;
    data->mix = mix_of(recipe->data);
    TRY(data_name_classes(data, error));
    TRY(data_plan(data, recipe, source, error));
    return data_blame(data->cache_by, data_check_cache(data, &cause), &cause, error);
}

static CnnStatus data_open(const CnnRecipe *recipe, const LooseRequest *request, CnnData **out,
                           CnnError *error)
{
    CnnData *data = calloc(1, sizeof *data);
    if (!data)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open the data");
    data->measured = true;
    data->seed = 1;
    CnnStatus status = data_open_all(data, recipe, request, error);
    if (status == CNN_OK)
        *out = data;
    else
        cnn_data_close(data);
    return status;
}

CnnStatus cnn_data_open(const CnnRecipe *recipe, CnnData **out, CnnError *error)
{
    return data_open(recipe, NULL, out, error);
}

CnnStatus cnn_data_open_loose(const CnnRecipe *recipe, const LooseRequest *request, CnnData **out,
                              CnnError *error)
{
    return data_open(recipe, request, out, error);
}

void cnn_data_close(CnnData *data)
{
    if (!data)
        return;
    for (int i = 0; i < data->stage_count; i++)
        data->stages[i]->close(data->stages[i]);
    for (int64_t c = 0; data->class_names && c < data->source->info.classes; c++)
        free(data->class_names[c]);
    for (int part = 0; part < PART_COUNT; part++)
        free(data->class_counts[part]);
    cache_close(data->cache);
    balance_close(&data->balance);
    split_free(&data->split);
    free(data->class_names);
    free(data->stages);
    free(data->stage_by);
    free(data->black);
    free(data->white);
    if (data->source)
        data->source->close(data->source);
    loose_close(&data->loose);
    free(data);
}

Dims cnn_data_shape(const CnnData *data)
{
    return data_shape_behind(data, data->stage_count);
}

int64_t cnn_data_classes(const CnnData *data)
{
    return data->source->info.classes;
}

const char *cnn_data_class_name(const CnnData *data, int64_t class_index)
{
    const char *const *names = data->source->info.class_names;
    return names ? names[class_index] : data->class_names[class_index];
}

Dtype cnn_data_label_dtype(const CnnData *data)
{
    return data->source->info.classes > 0 ? DTYPE_I32 : DTYPE_F32;
}

static int64_t label_width(const Mix *mix, Dtype label_dtype)
{
    bool mixed = mix_wanted(mix) && label_dtype == DTYPE_I32;
    return mixed ? (int64_t)(sizeof(MixedLabel) / sizeof(int32_t)) : 1;
}

int64_t cnn_data_label_width(const CnnData *data)
{
    return label_width(&data->mix, cnn_data_label_dtype(data));
}

int64_t cnn_label_width(CnnStatements data, Dtype label_dtype)
{
    Mix mix = mix_of(data);
    return label_width(&mix, label_dtype);
}

const char *cnn_data_unpacked(const CnnData *data, uint64_t *bytes)
{
    *bytes = data->source->info.unpacked_bytes;
    return data->source->info.unpacked;
}

const char *cnn_data_index(const CnnData *data, uint64_t *bytes)
{
    *bytes = data->source->info.index_bytes;
    return data->source->info.index;
}

int64_t cnn_data_count(const CnnData *data, Part part)
{
    return data->split.count[part];
}

int64_t cnn_data_class_count(const CnnData *data, Part part, int64_t class_index)
{
    return data->class_counts[part][class_index];
}

void cnn_data_name(const CnnData *data, Part part, int64_t index, char *out, size_t bytes)
{
    data->source->name(data->source, data->split.index[part][index], out, bytes);
}

void cnn_data_test_all(CnnData *data)
{
    split_test_all(&data->split);
}

void cnn_data_set_seed(CnnData *data, uint64_t seed)
{
    data->seed = seed;
}

size_t data_sample_bytes(const CnnData *data)
{
    Dims shape = cnn_data_shape(data);
    return (size_t)(shape.value[0] * shape.value[1] * shape.value[2]) * sizeof(float);
}

size_t data_label_bytes(const CnnData *data)
{
    return (size_t)cnn_data_label_width(data) * dtype_bytes(cnn_data_label_dtype(data));
}

CnnStatus data_judge_skipped(const CnnData *data, Part part, int64_t count, const char *first_reason,
                             CnnError *error)
{
    int64_t all = data->split.count[part];
    if (count > 0 && data->bad.policy == BAD_STOP)
        return cnn_fail(error, CNN_BAD_INPUT, "%s", first_reason);
    if ((double)count <= data->bad.at_most * (double)all)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "%lld of the %lld samples of the %s part cannot be read, more than the %g%% that 'bad' "
                    "allows; the first: %s",
                    (long long)count, (long long)all, data_part_names[part], 100 * data->bad.at_most,
                    first_reason);
}
