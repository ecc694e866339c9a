/* What sources need of paths and files. Files are read with read and pread, never mapped, so that one that is
 * cut while in use gives an error and not a SIGBUS; only regular files are read, so that nothing hangs on a
 * pipe. */
#ifndef CNN_DATA_FILES_H
#define CNN_DATA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/status.h"

/* A member of an archive that is larger is not read whole: 2^30 bytes, as many as the largest picture that is
 * decoded has. */
#define MEMBER_MOST_BYTES ((uint64_t)1 << 30)

/* Bytes that grow and are kept from one use to the next. */
typedef struct {
    unsigned char *data;
    size_t size, capacity;
} Bytes;

/** Makes room for `size` bytes and sets size; what was there is lost when it has to grow. */
CnnStatus bytes_reserve(Bytes *bytes, size_t size, CnnError *error);
void bytes_free(Bytes *bytes);

enum { NAME_BYTES = 512 }; /* room for a name that is printed; longer ones lose their beginning */

/** Bytes of the UTF-8 character that a name begins with; 0 when it is none, or a control character. */
size_t name_character(const char *name);

/** A name as it may be printed: control characters and what is not UTF-8 as \xNN. Returns `out`. */
const char *name_printable(const char *name, char out[NAME_BYTES]);

enum { NAMES_BYTES = 400 }; /* room for several names in an error; what does not fit becomes "…" */

/** Adds 'NAME', printable, behind a comma where names are there already. `names` has NAMES_BYTES. */
void names_add(char *names, const char *name);

/** FOLDER/NAME; either may be empty. `out` has PATH_MAX bytes; a path that does not fit is CNN_BAD_INPUT. */
CnnStatus path_join(const char *folder, const char *name, char *out, CnnError *error);

/** Whether the name of an archive's member stays inside the archive: it is relative, and no part of it is
 * "..". A backslash, which some programs take for a slash, is not taken either. */
bool path_is_inside(const char *name);

/**
 * The path that a model file means: absolute, or from the model's folder `base`, or, if nothing is there,
 * from the current folder. `out` has PATH_MAX bytes. CNN_BAD_INPUT when nothing is at either place.
 */
CnnStatus path_resolve(const char *base, const char *path, char *out, CnnError *error);

/** The same, from the folder in which the model `model_path` lies. */
CnnStatus path_resolve_beside(const char *model_path, const char *path, char *out, CnnError *error);

/** Opens a regular file to read, and tells its size. `path` is named in the error. */
CnnStatus file_open(const char *path, int *descriptor, uint64_t *size, CnnError *error);

/** Reads exactly `size` bytes at `offset`; fewer are an error that says so. */
CnnStatus file_read_at(int descriptor, const char *path, void *out, size_t size, uint64_t offset,
                       CnnError *error);

/** Reads a whole file. One that grows or shrinks meanwhile is read as far as its size at first. */
CnnStatus file_load(const char *path, Bytes *out, CnnError *error);

#endif
