/* The file of an evaluation's outputs: a table for people (.csv), or an array for programs (.npy). */
#ifndef CNN_ANSWERS_FILE_H
#define CNN_ANSWERS_FILE_H

#include "runtime/data/data.h"
#include "runtime/npy_write.h"
#include "runtime/recipe.h"

typedef struct {
    const CnnData *data;
    Part part;
    int64_t columns; /* of the network's output */
    int64_t classes; /* answers_classes */
    bool table;
    NewFile csv; /* where it is a table */
    NpyFile npy; /* else */
} AnswersFile;

/** How many classes a network with `columns` outputs decides between: all of the data, if it has an output
 * for each, or one for two classes. 0: its outputs are numbers. */
int64_t answers_classes(const CnnData *data, int64_t columns);

/** Whether the path is one that answers can be written to, as cnn_output_check says, with an ending that
 * names one of the two kinds. NULL is good. Errors: CNN_BAD_USAGE. */
CnnStatus answers_file_check(const CnnRecipe *recipe, const char *path, CnnError *error);

/**
 * Begins the file. A table has a row for each sample: its name, and of classes its own, the one that the
 * network says, and 1 where these are the same, else 0; of real labels the label. Then follow the outputs.
 */
CnnStatus answers_file_create(const char *path, const CnnData *data, Part part, int64_t columns,
                              AnswersFile *out, CnnError *error);
/** Adds a row for each of `count` samples: their indices in the part, their labels (as Batch has them), the
 * answers (read where there are answers_classes), the outputs. */
CnnStatus answers_file_write(AnswersFile *out, const int64_t *samples, const void *labels,
                             const int32_t *answers, const float *outputs, int64_t count, CnnError *error);
/** Puts the file in its place. On failure nothing is left. */
CnnStatus answers_file_commit(AnswersFile *out, CnnError *error);
void answers_file_abandon(AnswersFile *out);

#endif
