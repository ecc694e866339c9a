/* Loose files of one sample each that is no picture: a .npy array or a TIFF, with any number of bands and any
 * type of values. */
#include <stdlib.h>
#include <string.h>

#include "runtime/data/class_folders.h"
#include "runtime/data/decode.h"
#include "runtime/data/loose.h"
#include "runtime/data/scene.h"

typedef struct {
    Source source;
    Members members; /* the paths are the files' */
    SampleForm form;
    bool bands_first;
} LooseTiles;

bool loose_is_tile_name(const char *name)
{
    static const char *const endings[] = {"npy", "tif", "tiff", NULL};
    return name_ends_as(name, endings);
}

/* A file is one sample, and its values have the range of the training's, or `scale` would mean something
 * else. */
static CnnStatus tile_check(const LooseTiles *tiles, const Scene *scene, CnnError *error)
{
    const SampleForm *form = &tiles->form;
    char name[NAME_BYTES];
    double low, high;
    bool ranged = npy_range(scene->type, &low, &high);
    if (scene->height != form->height || scene->width != form->width || scene->bands != form->channels)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: is %lld x %lld x %lld (height x width x bands), the training's samples were %lld x "
            "%lld x %lld",
            name_printable(scene->path, name), (long long)scene->height, (long long)scene->width,
            (long long)scene->bands, (long long)form->height, (long long)form->width,
            (long long)form->channels);
    if (ranged != form->ranged || (ranged && (low != form->low || high != form->high)))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: its values are of type %s, whose range is not that of the training's samples",
                        name_printable(scene->path, name), npy_type_name(scene->type));
    return CNN_OK;
}

static CnnStatus tile_read(Scene *scene, Picture *out, CnnError *error)
{
    bool as_stored = scene->type == NPY_U1;
    uint64_t count = (uint64_t)(scene->height * scene->width * scene->bands);
    size_t bytes = scene->value_bytes;
    unsigned char *scratch;
    char name[NAME_BYTES];
    SceneWindow all = {0, 0, scene->height, scene->width};
    TRY(picture_reserve(out, scene->height, scene->width, scene->bands, as_stored ? DTYPE_U8 : DTYPE_F32,
                        error));
    TRY(decoder_bytes(out, (count + (uint64_t)scene->width) * bytes, &scratch, error));
    TRY(scene_read(scene, &all, scratch, scratch + count * bytes, error));
    if (as_stored) {
        memcpy(out->data, scratch, count);
        return CNN_OK;
    }
    npy_to_float(scene->type, scratch, count, out->data);
    int64_t wrong = npy_is_real(scene->type) ? npy_find_not_finite(out->data, count) : -1;
    if (wrong >= 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: value %lld is %g", name_printable(scene->path, name),
                        (long long)wrong, ((const float *)out->data)[wrong]);
    return CNN_OK;
}

static CnnStatus loose_tile(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                            Picture *out, CnnError *error)
{
    (void)want_height, (void)want_width;
    const LooseTiles *tiles = (const LooseTiles *)source;
    char path[PATH_MAX];
    Scene *scene;
    bool known;
    TRY(members_path(&tiles->members, index, path, error));
    TRY(scene_open(&file_tree, path, tiles->bands_first, &scene, &known, error));
    CnnStatus status = tile_check(tiles, scene, error);
    if (status == CNN_OK)
        status = tile_read(scene, out, error);
    scene_close(scene);
    return status;
}

static void loose_tile_name(Source *source, int64_t index, char *out, size_t bytes)
{
    members_name(&((const LooseTiles *)source)->members, index, out, bytes);
}

static void loose_tiles_close(Source *source)
{
    free(source);
}

CnnStatus loose_tiles_open(bool bands_first, const LooseFiles *files, Source **out, CnnError *error)
{
    const SampleForm *form = &files->form;
    LooseTiles *tiles = calloc(1, sizeof *tiles);
    if (!tiles)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open arrays");
    tiles->source = (Source){
        .read = loose_tile, .label = loose_label, .name = loose_tile_name, .close = loose_tiles_close};
    tiles->source.info = (SourceInfo){.height = form->height,
                                      .width = form->width,
                                      .channels = form->channels,
                                      .ranged = form->ranged,
                                      .low = form->low,
                                      .high = form->high};
    tiles->members = loose_members(files);
    tiles->form = *form;
    tiles->bands_first = bands_first;
    *out = &tiles->source;
    return CNN_OK;
}

static CnnStatus loose_values_open(const void *args, const LooseFiles *files, Source **out, CnnError *error)
{
    (void)args;
    return loose_tiles_open(false, files, out, error);
}

const LooseKind *loose_as_values(const SampleForm *form)
{
    static const LooseKind kind = {loose_is_tile_name, "files .npy or .tif", loose_values_open};
    const LooseKind *pictures = loose_as_pictures(form);
    return pictures ? pictures : &kind;
}
