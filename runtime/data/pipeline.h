/* Inside of CnnData: the pipeline from the source to the network, for data.c, sample.c, prepare.c and
 * loader.c. */
#ifndef CNN_PIPELINE_H
#define CNN_PIPELINE_H

#include "runtime/augment/mix.h"
#include "runtime/data/balance.h"
#include "runtime/data/cache.h"
#include "runtime/data/loose.h"
#include "runtime/data/split.h"
#include "runtime/transform/transform.h"

struct CnnData {
    char folder[PATH_MAX]; /* of the model: relative paths start from it */
    Source *source;
    bool is_loose;    /* the samples are loose files: */
    LooseFiles loose; /* then */
    Split split;
    Balance balance;
    Mix mix;
    char **class_names;                /* of classes that the source has no names for, else NULL */
    int64_t *class_counts[PART_COUNT]; /* [classes] */
    float *black, *white;              /* of the source's values, [channels] */
    int64_t height, width;             /* that every sample must have as it comes from the source; 0: any */
    int64_t first;                     /* the sample that this was learnt from; -1: the source said it */
    int64_t want_height, want_width;   /* that the source is asked for; 0: its own */
    const CnnStatement *source_by;     /* the statement that the source is of */
    const CnnStatement *held_out_by;   /* `validation`; NULL: there is none */
    Transform **stages;
    const CnnStatement **stage_by; /* [stage_count] */
    int stage_count;
    int fixed_stages; /* the first ones, which do the same to a sample in every epoch and measure nothing */
    const CnnStatement *cache_by;
    DataCache *cache; /* of samples behind the fixed stages; NULL: none */
    bool measured;    /* nothing is left to be measured */
    bool shuffle;
    BadArgs bad;
    uint64_t seed;
};

/* What one thread needs. */
struct DataScratch {
    Picture pictures[2];
    Bytes work;
};

/* Where a call is to stop, and what of a failure is the sample's own fault. */
typedef struct {
    int stages; /* how many are applied; -1: all */
    bool augmented;
    int64_t epoch, copy; /* copy: as in Pick */
    double *seconds;     /* of cnn_data_costs: grow by the time that each takes; NULL: nobody asks */
    bool unreadable;     /* out: CNN_BAD_INPUT came from this one sample, which `bad` decides about */
} SampleRun;

/** Reads sample `index` (the source's number) and applies stages; *out points into scratch. */
CnnStatus data_run(const CnnData *data, int64_t index, SampleRun *run, DataScratch **scratch, Picture **out,
                   CnnError *error);

/** cnn_data_sample, telling a sample that cannot be read from an error. */
CnnStatus data_fill(const CnnData *data, Part part, Pick pick, int64_t epoch, DataScratch **scratch,
                    float *out, void *label, bool *unreadable, CnnError *error);

/** Height, width and channels behind the fixed stages; 0 where samples differ. */
Dims data_fixed_shape(const CnnData *data);
/**
 * Mixes a batch, whose first sample has position `first` in the epoch, as `mixup` and `cutmix` say. `spare`
 * has room for a sample and its label.
 */
void data_mix_batch(const CnnData *data, int64_t epoch, int64_t first, int64_t samples, float *input,
                    void *label, void *spare);

/** Bytes of a sample as the network sees it. */
size_t data_sample_bytes(const CnnData *data);
/** Bytes of a label. */
size_t data_label_bytes(const CnnData *data);
/**
 * What `bad` says about `count` samples of a part that cannot be read, the first of them for the reason
 * given: CNN_OK while they may be skipped.
 */
CnnStatus data_judge_skipped(const CnnData *data, Part part, int64_t count, const char *first_reason,
                             CnnError *error);

#endif
