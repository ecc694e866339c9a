/* Which samples of a source belong to which part, and the other statements that say how samples are chosen.
 */
#ifndef CNN_SPLIT_H
#define CNN_SPLIT_H

#include "runtime/data/data.h"

typedef struct {
    double validation, test; /* shares of the samples that the source does not assign itself */
    bool stratified;         /* each class by itself */
    int64_t seed;
    const char *by;      /* what tells the groups that stay together; NULL: none */
    int64_t side;        /* the groups are squares of a scene, of this side in pixels; 0: they are not */
    int64_t folds, fold; /* 0: no folds; which of them is the validation part, from 0 */
} SplitArgs;

typedef struct {
    bool on;
} ShuffleArgs;

typedef enum { BAD_SKIP, BAD_STOP } BadPolicy;
typedef struct {
    int policy;     /* BadPolicy */
    double at_most; /* share of a part that may be skipped */
} BadArgs;

extern const Schema split_schema, shuffle_schema, bad_schema;

/* The source's indices of each part, in the source's order. */
typedef struct {
    int64_t count[PART_COUNT];
    int64_t *index[PART_COUNT];
    int64_t left_out, first_left_out; /* samples that are in no part, and the source's index of the first */
} Split;

/** Divides the samples. A share that would give nobody, or leaves nothing to train on, is an error. */
CnnStatus split_make(Source *source, const SplitArgs *args, Split *out, CnnError *error);
/** Makes all samples the test part, of a source that has no others. */
CnnStatus split_make_test(const Source *source, Split *out, CnnError *error);
/** Brings all samples into the test part, in the source's order. */
void split_test_all(Split *split);
void split_free(Split *split);

/** Of split_make: the Part of each of the samples that are divided, where groups stay together; PART_COUNT of
 * those that are in none. */
CnnStatus split_by_groups(Source *source, const SplitArgs *args, unsigned char *part, CnnError *error);

#endif
