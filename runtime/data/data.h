/* The `data` section, opened: a source, its split into parts, and the stages every sample goes through. */
#ifndef CNN_DATA_H
#define CNN_DATA_H

#include <limits.h>

#include "runtime/data/source.h"

typedef enum { PART_TRAIN, PART_VALIDATION, PART_TEST, PART_COUNT } Part;

extern const char *const data_part_names[PART_COUNT]; /* "training", "validation", "test" */

/* A sample by its part and its number in it. */
typedef struct {
    Part part;
    int64_t index;
} PartSample;

typedef struct CnnData CnnData;

/**
 * Opens the source that recipe->data names, splits it, checks the stages against each other. Decodes at most
 * one sample, to learn a shape, and measures nothing (see cnn_data_prepare) unless the shape depends on it,
 * as with `pca 95%`, and recipe->weights do not say it. The recipe must outlive the data. An error that a
 * statement is to blame for begins with the statement's `where` and ": ".
 */
CnnStatus cnn_data_open(const CnnRecipe *recipe, CnnData **out, CnnError *error);
/**
 * The same with files that are no part of the data in place of its source: all are the test part, without
 * labels (class 0, or the number 0), and go through the same stages. A file that cannot be read, or has
 * another size than the network takes, is skipped, whatever `bad` says. What stages have measured must come
 * from the weights. The request must outlive the data.
 */
typedef struct LooseRequest LooseRequest; /* runtime/data/loose.h */
CnnStatus cnn_data_open_loose(const CnnRecipe *recipe, const LooseRequest *request, CnnData **out,
                              CnnError *error);
void cnn_data_close(CnnData *data);

/** Shape of a sample as the network sees it: height, width, channels. */
Dims cnn_data_shape(const CnnData *data);
/** Classes; 0 for regression. */
int64_t cnn_data_classes(const CnnData *data);
const char *cnn_data_class_name(const CnnData *data, int64_t class_index);
/** DTYPE_I32 for classes, DTYPE_F32 for real labels. */
Dtype cnn_data_label_dtype(const CnnData *data);
/** Numbers of a sample's label: 1, or those of a MixedLabel. */
int64_t cnn_data_label_width(const CnnData *data);

/* A label where classes are mixed (`mixup`, `cutmix`), in all parts. */
typedef struct {
    int32_t label; /* the class that has the larger share */
    int32_t other; /* the other one */
    int32_t share; /* of the other one, in units of 1 / MIXED_LABEL_ONE: at most a half */
} MixedLabel;
enum { MIXED_LABEL_ONE = 1 << 24 };
/** cnn_data_label_width of data that are not open: those of this section, with labels of this type. */
int64_t cnn_label_width(CnnStatements data, Dtype label_dtype);

/** The file in the cache folder that the data's archive was unpacked to, and its bytes; NULL: there is none.
 */
const char *cnn_data_unpacked(const CnnData *data, uint64_t *bytes);
/** The file in the cache folder that has the names of the samples (runtime/data/source_index.h), and its
 * bytes; NULL: there is none. */
const char *cnn_data_index(const CnnData *data, uint64_t *bytes);
/** What is odd about the data, though it can be trained on, in a sentence: number 0, 1, …. False: no more. */
bool cnn_data_doubt(const CnnData *data, int number, char *out, size_t bytes);
/** Samples of a part; of a part and a class. */
int64_t cnn_data_count(const CnnData *data, Part part);
int64_t cnn_data_class_count(const CnnData *data, Part part, int64_t class_index);
/** Samples that an epoch of a part goes through: all of them, or as many as `balance` draws. */
int64_t cnn_data_epoch_count(const CnnData *data, Part part);
/** What the samples are, as lines for a person: their numbers, and a key of the names of classes and samples
 * (4096 of each part where there are more). The same text for the same data; freed by the caller. NULL: no
 * memory. */
char *cnn_data_identity(const CnnData *data);
/** Which samples `split` leaves out of all parts, in a line for the user. False: none. */
bool cnn_data_split_text(const CnnData *data, char *out, size_t bytes);
/** What `balance` does to an epoch, in a line for the user. False: the data do not say `balance`. */
bool cnn_data_balance_text(const CnnData *data, char *out, size_t bytes);

/**
 * Measures what stages need from the training part (standardize: mean and deviation of each channel), on
 * `threads` threads (0: all cores). Called before the first batch; without effect where nothing is to be
 * measured. The values are kept with the weights: cnn_data_measured_count of them, named and f32.
 */
CnnStatus cnn_data_prepare(CnnData *data, int threads, CnnError *error);
typedef struct {
    const char *name; /* "data.mean" */
    int64_t count;
    float
        *value; /* may be replaced, by those of a weight file, before the first batch instead of preparing */
} Measured;
int cnn_data_measured_count(const CnnData *data); /* NULL: 0 */
Measured *cnn_data_measured(CnnData *data, int index);
/** What was measured, in a line for the user. False: nothing that is to be told, or not yet. */
bool cnn_data_measured_text(const CnnData *data, char *out, size_t bytes);
/** Says that the measured values have been set from a weight file. */
void cnn_data_set_measured(CnnData *data);

typedef enum { CACHE_NOWHERE, CACHE_MEMORY, CACHE_DISK } CacheWhere;
typedef enum {
    CACHE_PLAN, /* tells what would be needed, and changes nothing */
    CACHE_READ, /* uses a whole file; for what reads each sample once */
    CACHE_FILL  /* keeps what is read, in memory or in a file */
} CacheMode;
typedef enum {
    CACHE_OFF,     /* samples are decoded whenever they are read */
    CACHE_FILLING, /* they are kept as they are decoded */
    CACHE_WHOLE    /* all are there */
} CacheState;

/* What `cache` needs, and what has become of it. */
typedef struct {
    CacheWhere where; /* that the data say */
    CacheState state;
    uint64_t bytes, available; /* of memory or disk: those needed, and those that can be had */
    /* CACHE_DISK: */
    char path[PATH_MAX]; /* of the file */
    bool busy;           /* CACHE_OFF because another process is building the file */
    int64_t kept, count; /* samples that are in a file begun earlier, and of all parts */
} CacheUse;

/**
 * Opens what `cache` says, if the data say it: decodes one sample to learn how large it is. Called before
 * samples are read by several threads. That they do not fit the memory is no error: CACHE_OFF.
 *
 * Errors  CNN_NO_RESOURCE: the disk has not as much room, or the file cannot be written; CNN_BAD_INPUT: the
 *         source cannot be kept on disk.
 */
CnnStatus cnn_data_cache(CnnData *data, CacheMode mode, CacheUse *use, CnnError *error);
/** What has gone wrong with the cache, a sentence, the first time that there is something: records that were
 * damaged and are decoded again, a file that cannot be written. */
bool cnn_data_cache_trouble(CnnData *data, char *text, size_t bytes);

enum { EPOCH_NONE = -1 }; /* in place of an epoch: the sample as it is evaluated, whatever its part */

/**
 * Fills one sample as the network sees it. epoch (from 0) and index key the augmentation (PART_TRAIN only).
 * `scratch` is the caller's, one for each thread, zeroed at first; freed with cnn_data_scratch_free.
 * out: shape elements of f32. label: class (int32_t), MixedLabel of that class alone, or float.
 */
typedef struct DataScratch DataScratch;
CnnStatus cnn_data_sample(CnnData *data, Part part, int64_t index, int64_t epoch, DataScratch **scratch,
                          float *out, void *label, CnnError *error);
void cnn_data_scratch_free(DataScratch *scratch);

/* What a training sample costs the thread that prepares it, in seconds. */
typedef struct {
    double reading;      /* and decoding; or copying, from a cache */
    double augmenting;   /* in `augment` */
    double transforming; /* in all other stages */
} DataCosts;
/** Measures them as means of training samples, of the first `samples` of the part (0: of all), for `limit`
 * seconds, on the calling thread. After cnn_data_prepare. What `mixup` and `cutmix` do to a batch is not in
 * them. */
CnnStatus cnn_data_costs(CnnData *data, int64_t samples, double limit, DataCosts *costs, CnnError *error);

/** A name for sample `index` of a part that a person can look up. */
void cnn_data_name(const CnnData *data, Part part, int64_t index, char *out, size_t bytes);

/** From now on all samples are the test part, in the source's order: they are evaluated, and nothing is
 * trained. After cnn_data_prepare, and before the first loader is opened. */
void cnn_data_test_all(CnnData *data);

/** Seed for the order and the augmentation (the training's seed); set before the first sample. */
void cnn_data_set_seed(CnnData *data, uint64_t seed);

/* The schemas of all statements of `data { }`, `augment { }` (each with its places), NULL-terminated. */
extern const Schema *const data_schemas[];

#endif
