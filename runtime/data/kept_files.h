/* The files that data leave in the cache folder to be used again: decoded samples (`samples-…`), the names of
 * very many (`names-…`), unpacked archives (`NAME-HASH.tar`). Which of them are still of use to anybody. */
#ifndef CNN_DATA_KEPT_FILES_H
#define CNN_DATA_KEPT_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/status.h"

typedef enum {
    KEPT_FILE_OF_USE,
    KEPT_FILE_BUSY,   /* being built by a process */
    KEPT_FILE_ORPHAN, /* what it was made of is gone */
    KEPT_FILE_STALE   /* an archive's that is another now, one of another version, one left half done */
} KeptFileState;

typedef struct {
    char path[PATH_MAX];
    uint64_t bytes; /* that it takes on the disk */
    KeptFileState state;
    char origin[PATH_MAX]; /* what it was made of: a folder, table or archive; "": it does not say */
} KeptFile;

/** All of them, ordered by their names; to be freed with `free`. CNN_NO_RESOURCE: there is no such folder, or
 * it cannot be read. */
CnnStatus kept_files_list(KeptFile **files, size_t *count, CnnError *error);

/** Whether nobody will use a file again. */
bool kept_file_is_useless(const KeptFile *file);

/** Removes a file, unless a process is building it. CNN_NO_RESOURCE: it cannot be removed. */
CnnStatus kept_file_remove(const KeptFile *file, CnnError *error);

#endif
