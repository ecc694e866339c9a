/* The pieces of a scene that are samples, and their labels. Private to multiband*.c. */
#ifndef CNN_DATA_MULTIBAND_H
#define CNN_DATA_MULTIBAND_H

#include "runtime/data/scene.h"
#include "runtime/data/source.h"

typedef enum { EDGE_INSIDE, EDGE_REFLECT } MultibandEdge;

enum { MULTIBAND_CLASSES_MOST = 4096 }; /* more different values are no classes */

typedef struct {
    const char *scene, *mask, *points;
    Dims tile;
    int64_t step, unlabelled;
    int edge;  /* MultibandEdge */
    int bands; /* 0: last, 1: first */
} MultibandArgs;

typedef struct {
    Source source;
    const Tree *tree;
    Scene *scene;
    MultibandEdge edge;
    char *labels;       /* path of the mask or the list */
    int64_t *centre;    /* of each sample: row * width + column */
    int32_t *label;     /* of each sample: a class */
    size_t count, room; /* of these two */
    int64_t *value;     /* of each class, ascending: as the mask or the list has it */
    char **class_names; /* the same as text */
} MultibandSource;

/** The tile around a pixel, which begins half its size before it: with an even size one pixel more. */
SceneWindow multiband_tile(const MultibandSource *multiband, int64_t row, int64_t column);
/** The part of a window that lies in the scene. */
SceneWindow multiband_clip(const Scene *scene, SceneWindow window);
/** Whether the tile around a pixel is a sample: it lies within the scene, or is filled up. */
bool multiband_fits(const MultibandSource *multiband, int64_t row, int64_t column);

/** Finds the samples and their classes, in a mask (rows, then columns) or in a list of points. `path` is that
 * of the file. */
CnnStatus multiband_read_mask(MultibandSource *multiband, const MultibandArgs *args, const char *path,
                              CnnError *error);
CnnStatus multiband_read_points(MultibandSource *multiband, const MultibandArgs *args, const char *path,
                                CnnError *error);

/** Source.square and Source.part_squares. */
CnnStatus multiband_square(Source *source, int64_t side, int64_t *group, int64_t *groups, CnnError *error);
CnnStatus multiband_part_squares(Source *source, int64_t side, unsigned char *part, CnnError *error);

#endif
