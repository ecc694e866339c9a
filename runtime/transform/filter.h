/* How positions along one axis of a resized picture are made of those of the picture. */
#ifndef CNN_FILTER_H
#define CNN_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names and order as in FILTER_METHODS. */
typedef enum { FILTER_BILINEAR, FILTER_BICUBIC, FILTER_AREA, FILTER_NEAREST } FilterMethod;
#define FILTER_METHODS "bilinear bicubic area nearest"

/* The part of a picture that is read, and the part of the result that is written, along one axis. */
typedef struct {
    double from, extent; /* in pixels of the picture */
    int64_t out_from, out_extent;
} Span;

/* out[i] = sum over j < taps[i] of weight[i * most + j] * in[first[i] + j], with 1 <= taps[i] <= most. The
 * weights of each i sum to 1. */
typedef struct {
    int64_t out, most;
    int32_t *first, *taps;
    float *weight;
} Filter;

/** Pixels of the picture for one of the result. */
double span_scale(const Span *span);
/** Bytes that filter_make needs. */
size_t filter_bytes(FilterMethod method, bool antialias, const Span *span);
/** Lays the filter out in memory at *at, which is moved on, and computes it. extent: of the picture. */
Filter filter_make(FilterMethod method, bool antialias, const Span *span, int64_t extent, unsigned char **at);

#endif
