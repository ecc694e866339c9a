/* Random changes of training samples. One file for each, one line in augments.def. A change of place is a
 * mapping of coordinates: all of them are composed in the order of writing, and the sample is interpolated
 * once. A change of pixels follows, in the order of writing. */
#ifndef CNN_AUGMENT_H
#define CNN_AUGMENT_H

#include "runtime/rng.h"
#include "runtime/transform/transform.h"

/* Random numbers of one change of one sample: a pure function of the sample's key and the change's place in
 * the list. */
typedef struct {
    uint64_t key;
    uint32_t stream, block;
    int left; /* words of `words` not yet used */
    Random4 words;
} Draw;

Draw draw_begin(uint64_t key, uint32_t stream);
/** Uniform in [0, 1). */
double draw_unit(Draw *draw);
/** Uniform in [low, high). */
double draw_between(Draw *draw, double low, double high);

/* Where a pixel of the result is read: row' = m[0][0] row + m[0][1] column + m[0][2], column' likewise with
 * m[1]. All coordinates are counted from the middle of the picture, and in pixels. */
typedef struct {
    int64_t height, width; /* of the result so far */
    double m[2][3];
} AugmentMap;

/** Puts a change behind those in the map: the result is read where `m` says in what it was before. */
void map_compose(AugmentMap *map, const double m[2][3]);

typedef struct {
    const Schema *schema;
    /** Checks the arguments, changes layout's size if the change does. May be NULL. */
    CnnStatus (*plan)(const void *args, Layout *layout, CnnError *error);
    /** Changes of place: composes their mapping. draw NULL: the sample is not to be changed (only when
     * `always`). */
    void (*map)(const void *args, Draw *draw, AugmentMap *map);
    /** Changes of pixels: those of the current picture, f32, in place or by way of the spare one. */
    CnnStatus (*change)(const void *args, Draw *draw, const Layout *layout, Sample *sample, CnnError *error);
    bool always;       /* applies to all parts, as it changes the size: without chance where draw is NULL */
    bool wants_range;  /* layout's black and white must be known */
    bool wants_colour; /* channels must be 3 */
} AugmentKind;

/* All kinds, from augments.def, NULL-terminated. */
extern const AugmentKind *const augment_kinds[];

/* What lies outside a picture: the nearest pixel, the picture mirrored (d c b a | a b c d | d c b a), the
 * picture again, or a constant. */
typedef enum { FILL_NEAREST, FILL_REFLECT, FILL_WRAP, FILL_CONSTANT } FillMode;

typedef struct {
    int mode; /* FillMode */
    double value;
} FillArgs;

extern const Schema fill_schema;

/** Samples `in` (f32) into `out`, of the map's size and already reserved: bilinear, or copied where the map
 * moves whole pixels. One float behind `in` is read (picture_reserve leaves room). */
void map_apply(const AugmentMap *map, const FillArgs *fill, const Picture *in, Picture *out);

/** A value kept between a channel's black and white. */
static inline float channel_clip(const Layout *layout, int64_t c, float value)
{
    value = value < layout->black[c] ? layout->black[c] : value;
    return value > layout->white[c] ? layout->white[c] : value;
}

/** Multiplies the differences from `origin`, one for each channel, and keeps all between black and white. */
void picture_stretch(const Layout *layout, const float *origin, float factor, Picture *picture);
/** Adds `factor` times a share of the way from black to white to each value, and keeps all between them. */
void picture_add(const Layout *layout, const float *share, float factor, Picture *picture);
/** Means of the channels. */
void picture_means(const Picture *picture, float *mean);
/* Of red, green and blue in grey (ITU-R BT.601-7, section 2.5.1). */
extern const float grey_weight[3];
/** Multiplies the saturation of an RGB picture: factor 0 makes it grey, 1 leaves it. */
void picture_saturate(const Layout *layout, float factor, Picture *picture);

#endif
