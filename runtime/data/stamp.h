/* What tells whether samples that were made once could still be made: of which files, and by which
 * statements. */
#ifndef CNN_DATA_STAMP_H
#define CNN_DATA_STAMP_H

#include <limits.h>

#include "runtime/data/data.h"
#include "runtime/key.h"

struct Stamp {
    char path[PATH_MAX]; /* where the source lies */
    Key place;   /* where the source lies, and what is done to its samples: the same when a file changes */
    Key content; /* names, sizes and times of the files, in the order of the samples */
};

/** Adds where a source lies: the folder or file that it was opened from. */
void stamp_place(Stamp *stamp, const char *path);
/** Adds a file, `name` being what it is called within the source. One that is not there counts as such. */
void stamp_file(Stamp *stamp, const char *path, const char *name);

/**
 * The stamp of samples as they are behind the fixed stages: of the source's files, of its statement, and of
 * those stages.
 *
 * Errors  CNN_BAD_INPUT: this source cannot tell its files.
 */
CnnStatus data_stamp(const CnnData *data, Stamp *stamp, CnnError *error);

#endif
