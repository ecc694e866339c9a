/* Tiles of a scene of many bands. A sample is the piece around a pixel that has a label; it is read from the
 * scene when it is needed. */
#include "runtime/data/multiband.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/decode.h"
#include "runtime/data/loose.h"
#include "runtime/data/stamp.h"

enum { SIDE_MOST = 4096, STEP_MOST = 1 << 20 };

static const Field multiband_fields[] = {
    FIELD(MultibandArgs, scene, FIELD_TEXT, .path = true, .doc = "TIFF or .npy file of the scene"),
    FIELD(MultibandArgs, tile, FIELD_WINDOW, .least = 1, .most = SIDE_MOST, .named_only = true,
          .doc = "height and width of a sample in pixels, around the labelled one"),
    FIELD(MultibandArgs, mask, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc =
              "picture, TIFF or .npy file as large as the scene: the class of each pixel, as a whole number"),
    FIELD(MultibandArgs, points, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "instead of a mask: CSV with the columns row, column (from 0) and label (a whole number)"),
    FIELD(MultibandArgs, unlabelled, FIELD_INTEGER, .preset = "0", .least = -9e15, .most = 9e15,
          .named_only = true, .doc = "the value of the mask that means: no class, and so no sample"),
    FIELD(MultibandArgs, step, FIELD_INTEGER, .preset = "1", .least = 1, .most = STEP_MOST,
          .named_only = true, .doc = "pixels from one tile to the next, in both directions; with a mask"),
    FIELD(MultibandArgs, edge, FIELD_WORD, .preset = "inside", .words = "inside reflect", .named_only = true,
          .doc = "inside: only tiles that lie in the scene; reflect: of all pixels, what lies outside is "
                 "mirrored"),
    FIELD(MultibandArgs, bands, FIELD_WORD, .preset = "last", .words = "last first", .named_only = true,
          .doc = "which dimension of a .npy array is that of the bands"),
    FIELDS_END,
};
const Schema multiband_schema = {
    .word = "multiband",
    .doc =
        "Tiles of a scene of many spectral bands, each with the class of its middle pixel. TIFF in strips or "
        "tiles, bands in planes or not, whole numbers of 8 to 64 bits and reals; or an array of numpy's. "
        "Tiles "
        "are read when they are needed, so the scene may be larger than the memory.",
    .source = "TIFF, revision 6.0; numpy.lib.format, versions 1.0 to 3.0",
    .places = IN_DATA | IN_SOURCE,
    .fields = multiband_fields,
    .args_bytes = sizeof(MultibandArgs),
    .example = "multiband \"scene.tif\", tile=9x9, mask=\"classes.png\", step=2",
};

SceneWindow multiband_tile(const MultibandSource *multiband, int64_t row, int64_t column)
{
    const SourceInfo *info = &multiband->source.info;
    return (SceneWindow){row - info->height / 2, column - info->width / 2, info->height, info->width};
}

SceneWindow multiband_clip(const Scene *scene, SceneWindow window)
{
    int64_t bottom = window.top + window.height, right = window.left + window.width;
    window.top = window.top < 0 ? 0 : window.top;
    window.left = window.left < 0 ? 0 : window.left;
    window.height = (bottom < scene->height ? bottom : scene->height) - window.top;
    window.width = (right < scene->width ? right : scene->width) - window.left;
    return window;
}

bool multiband_fits(const MultibandSource *multiband, int64_t row, int64_t column)
{
    SceneWindow tile = multiband_tile(multiband, row, column),
                inside = multiband_clip(multiband->scene, tile);
    return multiband->edge == EDGE_REFLECT || (inside.height == tile.height && inside.width == tile.width);
}

/* Outside, the scene goes on mirrored: d c b a | a b c d. */
static int64_t mirror(int64_t i, int64_t extent)
{
    return i < 0 ? -1 - i : i >= extent ? 2 * extent - 1 - i : i;
}

/* Fills a tile from the part of it that lies in the scene. */
static void fill_up(const Scene *scene, const SceneWindow *tile, const SceneWindow *inside,
                    const unsigned char *from, unsigned char *to)
{
    size_t pixel = (size_t)scene->bands * scene->value_bytes;
    for (int64_t y = 0; y < tile->height; y++) {
        int64_t row = mirror(tile->top + y, scene->height) - inside->top;
        for (int64_t x = 0; x < tile->width; x++, to += pixel) {
            int64_t column = mirror(tile->left + x, scene->width) - inside->left;
            memcpy(to, from + (size_t)(row * inside->width + column) * pixel, pixel);
        }
    }
}

static CnnStatus multiband_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                                  Picture *out, CnnError *error)
{
    (void)want_height, (void)want_width;
    MultibandSource *multiband = (MultibandSource *)source;
    Scene *scene = multiband->scene;
    int64_t row = multiband->centre[index] / scene->width, column = multiband->centre[index] % scene->width;
    SceneWindow tile = multiband_tile(multiband, row, column), inside = multiband_clip(scene, tile);
    bool whole = inside.height == tile.height && inside.width == tile.width,
         as_stored = scene->type == NPY_U1;
    size_t bytes = scene->value_bytes;
    uint64_t count = (uint64_t)(tile.height * tile.width * scene->bands);
    unsigned char *scratch;
    TRY(picture_reserve(out, tile.height, tile.width, scene->bands, as_stored ? DTYPE_U8 : DTYPE_F32, error));
    TRY(decoder_bytes(out, (2 * count + (uint64_t)tile.width) * bytes, &scratch, error));
    unsigned char *read = scratch, *filled = scratch + count * bytes, *line = scratch + 2 * count * bytes;
    TRY(scene_read(scene, &inside, read, line, error));
    if (whole)
        filled = read;
    else
        fill_up(scene, &tile, &inside, read, filled);
    if (as_stored) {
        memcpy(out->data, filled, count);
        return CNN_OK;
    }
    npy_to_float(scene->type, filled, count, out->data);
    int64_t wrong = npy_is_real(scene->type) ? npy_find_not_finite(out->data, count) : -1;
    char name[NAME_BYTES];
    if (wrong >= 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: a value of band %lld near row %lld, column %lld is %g",
                        name_printable(scene->path, name), (long long)(wrong % scene->bands), (long long)row,
                        (long long)column, ((const float *)out->data)[wrong]);
    return CNN_OK;
}

static double multiband_label(Source *source, int64_t index)
{
    return ((const MultibandSource *)source)->label[index];
}

static void multiband_name(Source *source, int64_t index, char *out, size_t bytes)
{
    const MultibandSource *multiband = (const MultibandSource *)source;
    const Scene *scene = multiband->scene;
    char name[NAME_BYTES];
    snprintf(out, bytes, "%s[%lld, %lld]", name_printable(scene->path, name),
             (long long)(multiband->centre[index] / scene->width),
             (long long)(multiband->centre[index] % scene->width));
}

/* The labels say which tiles are samples, so their file belongs to the content too. */
static void multiband_stamp(Source *source, Stamp *stamp)
{
    const MultibandSource *multiband = (const MultibandSource *)source;
    stamp_place(stamp, multiband->scene->path);
    stamp_file(stamp, multiband->scene->path, "scene");
    stamp_file(stamp, multiband->labels, "labels");
}

static void multiband_close(Source *source)
{
    MultibandSource *multiband = (MultibandSource *)source;
    scene_close(multiband->scene);
    for (int64_t c = 0; multiband->class_names && c < source->info.classes; c++)
        free(multiband->class_names[c]);
    free(multiband->class_names);
    free(multiband->labels);
    free(multiband->value);
    free(multiband->centre);
    free(multiband->label);
    free(multiband);
}

static CnnStatus multiband_load(MultibandSource *multiband, const MultibandArgs *args, const char *base,
                                CnnError *error)
{
    char path[PATH_MAX], name[NAME_BYTES];
    bool known;
    SourceInfo *info = &multiband->source.info;
    if (!args->mask == !args->points)
        return cnn_fail(error, CNN_BAD_INPUT,
                        args->mask
                            ? "'mask' and 'points' both give labels: one of them is needed"
                            : "'multiband' needs labels: mask=\"classes.png\" or points=\"points.csv\"");
    const Tree *tree = multiband->tree;
    TRY(tree->resolve(tree, base, args->scene, path, error));
    TRY(scene_open(tree, path, args->bands == 1, &multiband->scene, &known, error));
    const Scene *scene = multiband->scene;
    info->height = args->tile.value[0];
    info->width = args->tile.value[1];
    info->channels = scene->bands;
    info->ranged = npy_range(scene->type, &info->low, &info->high);
    if (info->height > scene->height || info->width > scene->width)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: a scene of %lld x %lld holds no tile of %lld x %lld",
                        name_printable(path, name), (long long)scene->height, (long long)scene->width,
                        (long long)info->height, (long long)info->width);
    TRY(tree->resolve(tree, base, args->mask ? args->mask : args->points, path, error));
    multiband->labels = strdup(path);
    if (!multiband->labels)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a path");
    return (args->mask ? multiband_read_mask : multiband_read_points)(multiband, args, path, error);
}

static CnnStatus multiband_open(const void *args, const Tree *tree, const char *base, Source **out,
                                CnnError *error)
{
    MultibandSource *multiband = calloc(1, sizeof *multiband);
    if (!multiband)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open a scene");
    multiband->source = (Source){.read = multiband_sample,
                                 .label = multiband_label,
                                 .name = multiband_name,
                                 .square = multiband_square,
                                 .part_squares = multiband_part_squares,
                                 .stamp = multiband_stamp,
                                 .close = multiband_close};
    multiband->source.info.container = true;
    multiband->tree = tree;
    multiband->edge = ((const MultibandArgs *)args)->edge;
    CnnStatus status = multiband_load(multiband, args, base, error);
    if (status == CNN_OK)
        *out = &multiband->source;
    else
        multiband_close(&multiband->source);
    return status;
}

/* Other tiles, a file for each. */
static CnnStatus multiband_open_loose(const void *args, const LooseFiles *files, Source **out,
                                      CnnError *error)
{
    return loose_tiles_open(((const MultibandArgs *)args)->bands == 1, files, out, error);
}

static const LooseKind *multiband_loose(const SampleForm *form)
{
    static const LooseKind kind = {loose_is_tile_name, "tiles, .npy or .tif", multiband_open_loose};
    (void)form;
    return &kind;
}

const SourceKind source_multiband = {.schema = &multiband_schema,
                                     .libraries = LIBRARY_FORMATS,
                                     .open_in = multiband_open,
                                     .loose = multiband_loose};
