/* What a source of very many files found when it was opened, in a file in the cache folder: the next opening
 * does not look again, and the names need no memory. The file, `names-…`, is believed while all folders and
 * files that it was made of are as they were. It is only ever a shorter way to the same: where it cannot be
 * written, or is damaged, the source looks for itself. */
#ifndef CNN_SOURCE_INDEX_H
#define CNN_SOURCE_INDEX_H

#include "runtime/data/data.h"
#include "runtime/data/watch.h"
#include "runtime/key.h"

enum { INDEX_LEAST = 10000 }; /* samples that are worth a file */

typedef struct {
    int64_t count[PART_COUNT]; /* samples of the parts that the source itself has, in this order */
    bool divided;              /* as ClassFolders has it */
    Listing classes;           /* their names */
    void *label;               /* [samples]: int32_t or float */
} SourceFound;

typedef struct SourceIndex SourceIndex;

/** The key of what a source of this kind finds at `path`; a source adds what else it depends on. */
Key source_index_key(const char *kind, const char *path);

/**
 * The index of this key, if there is one and all is as it was; else NULL. `root` is the path that it was made
 * of, perhaps written otherwise. What it holds goes to *found, whose members are the caller's to free.
 */
SourceIndex *source_index_recall(Key key, const char *root, SourceFound *found);

/**
 * Writes an index and opens it. NULL: there are fewer samples than INDEX_LEAST, what is watched has changed a
 * moment ago, or the file cannot be written. names: of all samples; watch: paths that begin with `root`.
 */
SourceIndex *source_index_keep(Key key, const char *root, const SourceFound *found, const Listing *names,
                               const Watch *watch);

int64_t source_index_count(const SourceIndex *index);
/** The name of a sample; `out` has PATH_MAX bytes. From any thread. CNN_NO_RESOURCE: the file was changed
 * while it was in use. */
CnnStatus source_index_name(const SourceIndex *index, int64_t sample, char *out, CnnError *error);
/** The file, and its bytes. */
const char *source_index_path(const SourceIndex *index, uint64_t *bytes);
void source_index_close(SourceIndex *index);

/** Tells the path that the index in the file at `path` was made of; `origin` has PATH_MAX bytes. False: it is
 * none that source_index_recall would read. */
bool source_index_origin(const char *path, char *origin);

#endif
