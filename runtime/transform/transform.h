/* A stage between the source and the network that changes a sample's pixels. One file for each, one line in
 * transforms.def. A stage is planned once, when the data opens, and then applied from many threads at once.
 */
#ifndef CNN_TRANSFORM_H
#define CNN_TRANSFORM_H

#include "runtime/data/data.h"
#include "runtime/data/files.h"

/* What is known of a sample at one place of the pipeline. */
typedef struct {
    int64_t height, width; /* 0: samples differ */
    int64_t channels;
    double rate; /* of sounds: columns a second; 0: they are none, or no more */
    bool ranged; /* black and white are known, those of standardize once they are measured: */
    const float *black,
        *white; /* [channels], what a black and a white pixel became; owned by who made them */
} Layout;

/* A sample on its way. */
typedef struct {
    Picture *now;   /* as it is so far */
    Picture *spare; /* a stage that cannot work in place writes here and calls sample_swap */
    Bytes *work;    /* scratch of the stage at work */
    bool augmented; /* random changes apply: in the training part, but not while a stage measures */
    uint64_t key;   /* of this sample's random numbers in this epoch */
} Sample;

/** Makes the spare picture the current one. */
void sample_swap(Sample *sample);
/** Makes the current picture one of DTYPE_F32. */
CnnStatus sample_to_float(Sample *sample, CnnError *error);

/* A change of each value by itself, as a channel has it: value * multiply + add. The factors are repeated so
 * that rows of pixels can be gone through without asking for the channel. */
typedef struct Pointwise {
    int64_t channels, period; /* period: values after which the factors repeat, a multiple of channels */
    float *multiply, *add;    /* [period] */
} Pointwise;

CnnStatus pointwise_open(Pointwise *pointwise, int64_t channels, CnnError *error);
void pointwise_close(Pointwise *pointwise);
void pointwise_set(Pointwise *pointwise, int64_t channel, double multiply, double add);
/** in: DTYPE_U8 or DTYPE_F32; out: as many f32, may be in's memory if that is f32. */
void pointwise_apply(const Pointwise *pointwise, const Picture *in, float *out);

typedef struct Transform Transform;

/* What a stage has to measure on the training part before it can be applied. A state is a zeroed piece of
 * memory; samples are added to several states and these are merged in the samples' order, so that the result
 * does not depend on the threads. */
typedef struct {
    /** Takes what the stage needs while it measures. NULL: nothing. */
    CnnStatus (*begin)(Transform *transform, CnnError *error);
    size_t (*state_bytes)(const Transform *transform);
    void (*add)(const Transform *transform, void *state, const Picture *sample);
    void (*merge)(const Transform *transform, void *state, const void *later);
    /** Sets the stage's measured values; the state may be used up. */
    CnnStatus (*finish)(Transform *transform, void *state, CnnError *error);
    /** Whether the samples are to come once more, to new states, before the values are there; asked after
     * finish. NULL: they are. */
    bool (*again)(const Transform *transform);
    int count; /* of measured values' names */
    Measured *(*measured)(Transform *transform, int index);
    /** Called when the measured values are there, by finish or from a weight file. */
    void (*ready)(Transform *transform);
    /** Where measuring tells how many channels the result has: the name of the measured value that has as
     * many numbers, and what makes room for them where the number is known without measuring. Else NULL. */
    const char *sized_by;
    CnnStatus (*size)(Transform *transform, int64_t channels, CnnError *error);
    /** What was measured, in a line for the user; NULL: nothing to be told. */
    void (*tell)(const Transform *transform, char *out, size_t bytes);
} Fit;

/* A stage is a struct that begins with this. */
struct Transform {
    Layout out; /* channels 0: they are known when the stage has been measured, which is then done at once */
    const Pointwise *pointwise; /* not NULL: this is all the stage does, and apply is NULL */
    CnnStatus (*apply)(const Transform *transform, Sample *sample, CnnError *error);
    const Fit *fit;                  /* NULL: nothing to measure */
    bool measured;                   /* the measured values are there; set by whoever measures */
    int64_t want_height, want_width; /* > 0: the stage brings any larger size to this one */
    void (*close)(Transform *transform);
};

typedef struct {
    const Schema *schema;
    /** Makes the stage for samples as `in` tells; in->height may be 0 where wants_size is false. */
    CnnStatus (*plan)(const CnnStatement *statement, const Layout *in, Transform **out, CnnError *error);
    /** Whether samples must all have one size when they come to this stage. NULL: they need not. */
    bool (*wants_size)(const void *args);
} TransformKind;

/* All kinds, from transforms.def, NULL-terminated. */
extern const TransformKind *const transform_kinds[];

/* Loops over pixels are compiled for the plainest CPU of the architecture and, where the compiler can choose
 * at run time, for AVX2 too (not under gcc's sanitizers: the choice is made before they are ready). The
 * results are the same: no sum is reordered and no product is fused into one. */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&                           \
    !defined(__SANITIZE_THREAD__)
#define PIXEL_LOOP __attribute__((target_clones("avx2", "default")))
#else
#define PIXEL_LOOP
#endif

#endif
