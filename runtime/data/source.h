/* A source gives samples by index: no shuffling, no batches, no resizing. One file for each source, one line
 * in formats.def. */
#ifndef CNN_SOURCE_H
#define CNN_SOURCE_H

#include "runtime/data/tree.h"
#include "runtime/dtype.h"
#include "runtime/recipe.h"
#include "runtime/status.h"

/* Pixels of one decoded sample, [height, width, channels], channels innermost. */
typedef struct {
    int64_t height, width, channels;
    Dtype dtype;                    /* DTYPE_U8 or DTYPE_F32 */
    void *data;                     /* owned by whoever allocated the Picture; grown with picture_reserve */
    size_t capacity;                /* bytes */
    struct PictureDecoder *decoder; /* what decoders keep from one sample to the next; NULL at first */
} Picture;

/** Makes room for height x width x channels elements of dtype, and sets these fields. */
CnnStatus picture_reserve(Picture *picture, int64_t height, int64_t width, int64_t channels, Dtype dtype,
                          CnnError *error);
void picture_free(Picture *picture);

/* What a source knows before any sample is decoded. */
typedef struct {
    int64_t count;                        /* samples to train on and to split: indices 0 … count-1 */
    int64_t validation_count, test_count; /* further samples, of parts that the source itself has: the indices
                            that follow, the validation part's first */
    int64_t height, width,
        channels;    /* of every sample; 0 where samples differ or it is not known without decoding all */
    int64_t classes; /* 0: labels are real numbers (regression) */
    const char *const *class_names; /* classes of them, or NULL */
    double rate;                    /* of sounds: columns a second; 0: they are none */
    bool ranged;                    /* low and high are known: */
    double low, high; /* what the type of the stored values can hold, 0 and 255 for bytes: black and white */
    const char
        *unpacked; /* the file in the cache folder that a compressed archive was unpacked to; NULL: none */
    uint64_t unpacked_bytes; /* of it */
    const char *index;       /* the file in the cache folder that has the samples' names; NULL: none */
    uint64_t index_bytes;    /* of it */
    bool channels_first;     /* the channels seem to be what is taken for the height */
    bool container; /* the samples lie in one file: one that cannot be read condemns it, none is skipped */
} SourceInfo;

typedef struct Source Source;
typedef struct Stamp Stamp;           /* runtime/data/stamp.h */
typedef struct SampleForm SampleForm; /* runtime/data/loose.h */
typedef struct LooseKind LooseKind;   /* the same */

/* Libraries that are linked into a program only where its data need them. */
typedef enum { LIBRARY_SOUND = 1, LIBRARY_UNPACK = 2, LIBRARY_FORMATS = 4 } OptionalLibrary;

typedef struct SourceKind {
    const Schema *schema;
    unsigned libraries; /* OptionalLibrary: that it reads with, where they are */
    /** Opens and indexes; `base` is the folder relative paths start from. Files are read through the tree,
     * and so from an archive too; it must outlive the source. A kind has one of the two. */
    CnnStatus (*open_in)(const void *args, const Tree *tree, const char *base, Source **out, CnnError *error);
    /** The same, for a source around the one in the statement's body. */
    CnnStatus (*open_around)(const CnnStatement *statement, const char *base, Source **out, CnnError *error);
    /** How files that are no part of the data become samples like its own; NULL: samples of this form are no
     * files. Not of a kind that is opened around another: that one tells. */
    const LooseKind *(*loose)(const SampleForm *form);
} SourceKind;

/* A source is a struct that begins with this. Everything but close may be called from many threads at once.
 */
struct Source {
    SourceInfo info;
    /** Decodes sample `index`. want_height, want_width > 0: a size the caller will scale to; the source may
     * decode at a reduced size not smaller than it. A sample that cannot be read gives CNN_BAD_INPUT with its
     * path in `error`. */
    CnnStatus (*read)(Source *source, int64_t index, int64_t want_height, int64_t want_width, Picture *out,
                      CnnError *error);
    /** NULL, or reads a piece of the sample that `key` chooses, for training, where `read` gives the piece
     * that is evaluated. */
    CnnStatus (*read_random)(Source *source, int64_t index, uint64_t key, Picture *out, CnnError *error);
    /** The label of sample `index`: a class number, or a real number. */
    double (*label)(Source *source, int64_t index);
    /** The group of each of the samples 0 … info.count-1, numbered from 0, and how many there are. `by` is
     * what `split by=` names. NULL: the source tells no groups. */
    CnnStatus (*group)(Source *source, const char *by, int64_t *group, int64_t *groups, CnnError *error);
    /** The same, where the groups are squares of a scene, of `side` pixels, from its corner on. A
     * sample belongs to that of its middle. NULL: the samples lie in no scene. */
    CnnStatus (*square)(Source *source, int64_t side, int64_t *group, int64_t *groups, CnnError *error);
    /** Where `square` is: part[i], the Part of each of the samples 0 … info.count-1, becomes PART_COUNT if
     * the sample has pixels of a square of another part, or of one without samples. */
    CnnStatus (*part_squares)(Source *source, int64_t side, unsigned char *part, CnnError *error);
    /** Writes a name for sample `index` that a person can look up: a path, or "x.npy[17]"; printable. */
    void (*name)(Source *source, int64_t index, char *out, size_t bytes);
    /** Adds where the source lies, and all files that its samples are made of, those of the labels apart;
     * NULL where it cannot tell. */
    void (*stamp)(Source *source, Stamp *stamp);
    void (*close)(Source *source);
};

/* All kinds, from formats.def, NULL-terminated. */
extern const SourceKind *const source_kinds[];
/** The kind with this schema; NULL when it is no source. */
const SourceKind *source_kind_of(const Schema *schema);
/** Opens the source of a statement in the file system; `base` as for open_in. */
CnnStatus source_open(const CnnStatement *statement, const char *base, Source **out, CnnError *error);
/** The optional libraries that the sources among these statements, and in their bodies, read with. */
unsigned source_libraries(CnnStatements data);

#endif
