/* Files that are written whole or not at all: beside the old one, synced, renamed over it, the folder synced
 * (Pillai et al., "All file systems are not created equal", OSDI 2014). */
#ifndef CNN_FILE_H
#define CNN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/status.h"

typedef struct {
    int descriptor;  /* -1: not open */
    char *path;      /* where it will be */
    char *temporary; /* where it is being written: PATH FILE_TEMPORARY */
} NewFile;
#define FILE_TEMPORARY ".tmp"

/** Whether a file could be written there, said before the work that it is for: CNN_BAD_USAGE for a folder, a
 * device, a name that is too long, a folder that is missing or takes no new file. */
CnnStatus cnn_file_check(const char *path, CnnError *error);

/** Whether both paths lead to the same file, or would once it is there. */
bool cnn_file_same(const char *a, const char *b);

/** Opens what the caller of the program has closed of its standard input and outputs, so that no file gets
 * one of their numbers and what is printed. Reading and writing there fail as they would have. */
void cnn_file_hold_standard(void);

/** Begins a file; the old one stays until cnn_file_commit. Errors: CNN_NO_RESOURCE. */
CnnStatus cnn_file_create(const char *path, NewFile *file, CnnError *error);
CnnStatus cnn_file_write(NewFile *file, const void *bytes, size_t count, CnnError *error);
/** Goes on writing at `offset` from the start. */
CnnStatus cnn_file_seek(NewFile *file, size_t offset, CnnError *error);
/** Puts the file in its place and closes it; on failure the old one is intact and the new one is gone, or the
 * new one is there, whole, but may not survive a power cut. */
CnnStatus cnn_file_commit(NewFile *file, CnnError *error);
/** Removes what was written, if cnn_file_commit has not been called. */
void cnn_file_abandon(NewFile *file);

/** Makes one folder, unless it is there. */
CnnStatus cnn_folder_make(const char *path, CnnError *error);

/** A whole regular file, freed by the caller, followed by a NUL byte that does not count. */
CnnStatus cnn_file_read(const char *path, char **bytes, size_t *count, CnnError *error);

/** Whether something with this ending, in letters of either size, is named: ".png". */
bool cnn_path_ends(const char *path, const char *ending);

/** The folder part of a path, with its '/': "" when there is none. Returns its length. */
size_t cnn_path_folder(const char *path);

#endif
