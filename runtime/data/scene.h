/* Scenes: rectangles of pixels with any number of bands, in one file, of which pieces are read. The file may
 * be larger than the memory. */
#ifndef CNN_DATA_SCENE_H
#define CNN_DATA_SCENE_H

#include "runtime/data/npy.h"
#include "runtime/data/tree.h"

/* What a scene may keep in memory: decoded blocks, or all of an array with the bands first. */
#define SCENE_KEPT_BYTES ((uint64_t)256 << 20)

/* A piece of a scene, within it. */
typedef struct {
    int64_t top, left, height, width;
} SceneWindow;

typedef struct Scene Scene;
struct Scene {
    char *path;
    int64_t height, width, bands;
    NpyType type;       /* of every value: a number's */
    size_t value_bytes; /* of one */
    /** Reads a piece into out, [height, width, bands] in the machine's byte order. `row`: scratch for `width`
     * values. From any thread. */
    CnnStatus (*read)(Scene *scene, const SceneWindow *window, void *out, void *row, CnnError *error);
    void (*close)(Scene *scene);
};

/**
 * Opens a TIFF or a .npy file of a tree, which must outlive it; told apart by their content. bands_first: of
 * the dimensions of a .npy array the first is that of the bands, not the last. Errors name the path; *known:
 * the file is of one of these kinds.
 */
CnnStatus scene_open(const Tree *tree, const char *path, bool bands_first, Scene **out, bool *known,
                     CnnError *error);
void scene_close(Scene *scene);

/** scene->read, after checking that the window lies within. */
CnnStatus scene_read(Scene *scene, const SceneWindow *window, void *out, void *row, CnnError *error);

/* ---- Private to scene*.c ---- */

/** Opens a TIFF. `file` is taken over, even when it fails. *out may be set after a failure too, and is then
 * to be closed. */
CnnStatus scene_tiff_open(Extent *file, Scene **out, CnnError *error);
/** Puts `count` values of `bytes` one by one to `out`, each `stride` bytes behind the one before. */
void scene_spread(const unsigned char *row, int64_t count, size_t bytes, unsigned char *out, size_t stride);

#endif
