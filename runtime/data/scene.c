/* Scenes in .npy files, and opening either kind. */
#include "runtime/data/scene.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/data/decode.h"

/* In runtime/formats, where the codec of TIFF is. */
CnnStatus scene_tiff_open(Extent *file, Scene **out, CnnError *error) __attribute__((weak));

typedef struct {
    Scene scene;
    Npy npy;
    bool bands_first;
    unsigned char *kept; /* all values, height x width x bands; NULL: they are read from the file */
} SceneNpy;

void scene_spread(const unsigned char *row, int64_t count, size_t bytes, unsigned char *out, size_t stride)
{
    for (int64_t i = 0; i < count; i++, row += bytes, out += stride)
        memcpy(out, row, bytes);
}

/* Reads a piece of an array whose first dimension is that of the bands, row by row of each band. */
static CnnStatus read_bands(const SceneNpy *array, const SceneWindow *window, unsigned char *out, void *row,
                            CnnError *error)
{
    const Scene *scene = &array->scene;
    size_t bytes = scene->value_bytes, pixel = (size_t)scene->bands * bytes;
    for (int64_t band = 0; band < scene->bands; band++)
        for (int64_t y = 0; y < window->height; y++) {
            int64_t at = (band * scene->height + window->top + y) * scene->width + window->left;
            TRY(npy_read(&array->npy, (uint64_t)at, (uint64_t)window->width, row, error));
            scene_spread(row, window->width, bytes,
                         out + (size_t)(y * window->width) * pixel + (size_t)band * bytes, pixel);
        }
    return CNN_OK;
}

static CnnStatus scene_npy_read(Scene *scene, const SceneWindow *window, void *out, void *row,
                                CnnError *error)
{
    const SceneNpy *array = (const SceneNpy *)scene;
    size_t line = (size_t)(window->width * scene->bands) * scene->value_bytes;
    unsigned char *to = out;
    if (array->bands_first && !array->kept)
        return read_bands(array, window, out, row, error);
    for (int64_t y = 0; y < window->height; y++, to += line) {
        int64_t first = ((window->top + y) * scene->width + window->left) * scene->bands;
        if (array->kept)
            memcpy(to, array->kept + (size_t)first * scene->value_bytes, line);
        else
            TRY(npy_read(&array->npy, (uint64_t)first, (uint64_t)(window->width * scene->bands), to, error));
    }
    return CNN_OK;
}

static void scene_npy_close(Scene *scene)
{
    SceneNpy *array = (SceneNpy *)scene;
    npy_close(&array->npy);
    free(array->kept);
    free(scene->path);
    free(array);
}

/* An array with the bands first is turned in memory, where it is not too large: a tile lies all over it. */
static CnnStatus scene_npy_keep(SceneNpy *array, CnnError *error)
{
    const Scene *scene = &array->scene;
    if (!array->bands_first || array->npy.count > SCENE_KEPT_BYTES / scene->value_bytes)
        return CNN_OK;
    unsigned char *kept = malloc((size_t)array->npy.count * scene->value_bytes),
                  *row = malloc((size_t)scene->width * scene->value_bytes);
    CnnStatus status = kept && row
                           ? CNN_OK
                           : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for all of %s", scene->path);
    SceneWindow all = {0, 0, scene->height, scene->width};
    if (status == CNN_OK)
        status = read_bands(array, &all, kept, row, error);
    free(row);
    if (status == CNN_OK)
        array->kept = kept;
    else
        free(kept);
    return status;
}

static CnnStatus scene_npy_shape(SceneNpy *array, bool bands_first, CnnError *error)
{
    char name[NAME_BYTES];
    Scene *scene = &array->scene;
    const Dims *shape = &array->npy.shape;
    if (npy_is_text(array->npy.type))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: holds text, not numbers",
                        name_printable(scene->path, name));
    if (shape->count != 2 && shape->count != 3)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: has %d dimensions; a scene has height x width x bands, or height x width",
                        name_printable(scene->path, name), shape->count);
    array->bands_first = bands_first && shape->count == 3;
    scene->height = shape->value[array->bands_first];
    scene->width = shape->value[array->bands_first + 1];
    scene->bands = shape->count == 2 ? 1 : shape->value[array->bands_first ? 0 : 2];
    scene->type = array->npy.type;
    scene->value_bytes = array->npy.element_bytes;
    return CNN_OK;
}

/* The file is taken over. */
static CnnStatus scene_npy_open(Extent *file, bool bands_first, Scene **out, CnnError *error)
{
    SceneNpy *array = calloc(1, sizeof *array);
    char *path = strdup(file->path);
    if (!array || !path) {
        free(array);
        free(path);
        extent_close(file);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open a scene");
    }
    Scene *scene = &array->scene;
    scene->read = scene_npy_read;
    scene->close = scene_npy_close;
    scene->path = path;
    *out = scene;
    TRY(npy_open(file, &array->npy, error));
    TRY(scene_npy_shape(array, bands_first, error));
    return scene_npy_keep(array, error);
}

/* Opens a file by how it begins. *out may be set after a failure too. */
static CnnStatus scene_open_kind(const Tree *tree, const char *path, bool bands_first, Scene **out,
                                 bool *known, CnnError *error)
{
    char name[NAME_BYTES];
    unsigned char start[8] = {0};
    Extent file;
    TRY(tree->open(tree, path, &file, error));
    size_t count = file.size < sizeof start ? (size_t)file.size : sizeof start;
    CnnStatus status = extent_read(&file, start, count, 0, error);
    if (status == CNN_OK && memcmp(start, "\x93NUMPY", 6) == 0)
        return scene_npy_open(&file, bands_first, out, error);
    const PictureFormat *format = picture_format_of(start, count);
    *known = status != CNN_OK || (format && strcmp(format->name, "TIFF") == 0);
    if (status == CNN_OK)
        status = *known ? picture_format_check(format, path, error)
                        : cnn_fail(error, CNN_BAD_INPUT, "%s: neither a TIFF nor a .npy file",
                                   name_printable(path, name));
    if (status == CNN_OK)
        return scene_tiff_open(&file, out, error);
    extent_close(&file);
    return status;
}

CnnStatus scene_open(const Tree *tree, const char *path, bool bands_first, Scene **out, bool *known,
                     CnnError *error)
{
    *out = NULL;
    *known = true;
    CnnStatus status = scene_open_kind(tree, path, bands_first, out, known, error);
    if (status != CNN_OK) {
        scene_close(*out);
        *out = NULL;
    }
    return status;
}

void scene_close(Scene *scene)
{
    if (scene)
        scene->close(scene);
}

CnnStatus scene_read(Scene *scene, const SceneWindow *window, void *out, void *row, CnnError *error)
{
    char name[NAME_BYTES];
    if (window->top < 0 || window->left < 0 || window->height < 1 || window->width < 1 ||
        window->height > scene->height - window->top || window->width > scene->width - window->left)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: a piece of it would lie outside",
                        name_printable(scene->path, name));
    return scene->read(scene, window, out, row, error);
}
