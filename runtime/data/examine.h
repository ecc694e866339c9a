/* Every sample of the data decoded once, as the source has it and before any stage: which of them cannot be
 * used, and which are probably not what was meant. */
#ifndef CNN_EXAMINE_H
#define CNN_EXAMINE_H

#include "runtime/data/data.h"

typedef enum {
    FINDING_UNREADABLE,
    FINDING_SIZE,      /* a side is far from the usual one; or differs from it where all must be equal */
    FINDING_DUPLICATE, /* the content of an earlier sample of its part */
    FINDING_LEAK,      /* the content of a sample of another part */
    FINDING_KINDS
} FindingKind;
extern const char *const finding_names[FINDING_KINDS]; /* "unreadable", "size", "duplicate", "leak" */

typedef struct {
    FindingKind kind;
    PartSample sample, other; /* other: of the same content, where the kind has one */
    char *reason;             /* what is wrong, without the sample's name; printable */
} Finding;

typedef struct {
    int64_t samples;               /* that were looked at: those of all parts */
    int64_t unusable;              /* of these: unreadable, or of another size where all must be equal */
    int64_t height, width;         /* the usual size: the medians of those that can be read; 0: none can */
    int64_t counts[FINDING_KINDS]; /* of the findings */
    Finding *findings; /* sorted by kind, then by part and number: the same on any number of threads */
    int64_t count, room;
} Examination;

typedef struct {
    int threads; /* 0: all cores */
    /** Called now and then, by the thread that called cnn_data_examine. */
    void (*progress)(void *context, int64_t done, int64_t all);
    void *context;
} ExamineOptions;

/**
 * Examines all parts. Content is compared by size and a hash of the decoded pixels, so a picture that was
 * saved again without loss is found too. Fails only where memory runs out; `out` is to be freed even then.
 */
CnnStatus cnn_data_examine(CnnData *data, const ExamineOptions *options, Examination *out, CnnError *error);
void cnn_examination_free(Examination *examination);

#endif
