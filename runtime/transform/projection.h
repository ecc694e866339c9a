/* A linear map of vectors of a sample: of all its values, or of the channels of each pixel. */
#ifndef CNN_PROJECTION_H
#define CNN_PROJECTION_H

#include "runtime/transform/transform.h"

typedef struct {
    int64_t in, out;   /* values of a vector before and after */
    const float *mean; /* [in], subtracted first; the caller's */
    float *matrix;     /* [in, out] */
} Projection;

CnnStatus projection_open(Projection *projection, int64_t in, int64_t out, const float *mean,
                          CnnError *error);
void projection_close(Projection *projection);

/** Maps the sample's vectors into a picture of height x width pixels. */
CnnStatus projection_apply(const Projection *projection, Sample *sample, int64_t height, int64_t width,
                           CnnError *error);

#endif
