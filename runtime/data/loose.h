/* Loose files: those that are no part of the data, as samples without labels. A trained network is asked
 * about them, where its training data need not be. */
#ifndef CNN_LOOSE_H
#define CNN_LOOSE_H

#include "runtime/data/data.h"
#include "runtime/data/members.h"
#include "runtime/weights.h"

/* What the samples of a training were, as their source gave them. It is kept with the weights. */
struct SampleForm {
    int64_t height, width; /* of all of them; 0: they differed */
    int64_t channels;
    bool ranged; /* low and high: as in SourceInfo */
    double low, high;
};

/* Samples in memory, one behind the other, [height, width, channels] each, with the channels and the range of
 * the training's. All but `most` may change from one call of cnn_data_sample to the next. */
typedef struct {
    const void *samples;
    Dtype dtype; /* DTYPE_U8 or DTYPE_F32 */
    int64_t height, width;
    int64_t most; /* how many there may be */
} LooseMemory;
/** Bytes of one. */
size_t loose_memory_bytes(const CnnData *data, const LooseMemory *memory);

/* The files that are asked about, and the weights that will answer. */
struct LooseRequest {
    const char *const *paths; /* files, folders; "-": the standard input names them, one a line. NULL: no
                                 file is asked about, only what samples are */
    int count;
    const WeightFile *weights;
    const char *weights_path;  /* for messages */
    const LooseMemory *memory; /* in place of files; NULL: there are files */
};

/* The files, found, and what is known of the samples that they are to be. */
typedef struct LooseFiles {
    const LooseRequest *request;
    Listing paths; /* in the order of the request, those of a folder sorted */
    SampleForm form;
    int64_t classes; /* 0: the network was trained on numbers */
    char *names;     /* of the classes, each ended by a NUL */
    const char **class_names;
} LooseFiles;

/* How files become samples. */
struct LooseKind {
    bool (*wanted)(const char *name); /* whether a file in a folder is one */
    const char *many;                 /* what they are called: "pictures" */
    /** Opens them: samples 0 … paths.count - 1. The files must outlive the source; info.height and info.width
     * are 0 where any size can be read. `args`: of the source's statement. */
    CnnStatus (*open)(const void *args, const LooseFiles *files, Source **out, CnnError *error);
};

/** For SourceKind.loose: pictures, where samples have the channels and values of pictures. */
const LooseKind *loose_as_pictures(const SampleForm *form);
/** The same; and where they have others, each file is an array or a TIFF of one sample. */
const LooseKind *loose_as_values(const SampleForm *form);
/** Opens files of one sample each, .npy or TIFF, for LooseKind.open. */
CnnStatus loose_tiles_open(bool bands_first, const LooseFiles *files, Source **out, CnnError *error);
/** Opens samples in memory. */
CnnStatus loose_memory_open(const LooseFiles *files, Source **out, CnnError *error);
/** Whether a file is called as one of these. */
bool loose_is_tile_name(const char *name);
/** For Source.label: there is none, and so it is 0. */
double loose_label(Source *source, int64_t index);
/** The members of a source of loose files; `paths` stay those of the files. */
Members loose_members(const LooseFiles *files);

enum { SAMPLE_FORM_BYTES = 160 };
#define SAMPLE_FORM_KEY "sample"  /* of a weight file's metadata: the form, as text */
#define CLASSES_KEY     "classes" /* the names of the classes; not there where labels are numbers */
/** The form of the data's samples, as the metadata have it. */
void cnn_data_form_text(const CnnData *data, char out[SAMPLE_FORM_BYTES]);
/** The names of the classes, each followed by a line's end, the same; freed by the caller. NULL: no memory.
 */
char *cnn_data_names_text(const CnnData *data);

/** The path of sample `index`, as it was given or found. */
const char *cnn_data_loose_path(const CnnData *data, int64_t index);

/* ---- Private to data.c ---- */

/**
 * Finds the files, and what samples are: in the weights, or, where these are older than that, in the data of
 * the training. `source` is NULL where the data name none: then files are pictures, or arrays, as samples
 * were.
 *
 * Errors  CNN_BAD_INPUT: neither tells; no file is named; a folder holds none; the source has samples that no
 *         file can be. To be closed even then.
 */
CnnStatus loose_open(const CnnRecipe *recipe, const CnnStatement *source, const LooseRequest *request,
                     LooseFiles *files, Source **out, CnnError *error);
void loose_close(LooseFiles *files);
/** The size that all samples must have; an error where the training's samples had none in common. */
CnnStatus loose_size(const LooseFiles *files, int64_t *height, int64_t *width, CnnError *error);
struct Transform; /* runtime/transform/transform.h */
/** Makes room in a stage whose result has as many channels as the training has measured: the weights tell. */
CnnStatus loose_size_stage(const LooseFiles *files, struct Transform *stage, CnnError *error);

#endif
