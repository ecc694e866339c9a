/* Tar archives: ustar (POSIX.1-1988), pax (POSIX.1-2001), GNU and old ones. The headers are read once, in one
 * pass from header to header, a member is then read by its place, from any thread. */
#ifndef CNN_DATA_TAR_H
#define CNN_DATA_TAR_H

#include <stdbool.h>

#include "runtime/data/extent.h"
#include "runtime/data/listing.h"

enum { TAR_BLOCK = 512 };

typedef struct {
    const char *name;     /* bytes, as in the archive; without a leading "./" */
    uint64_t start, size; /* of its bytes in the file */
    const char *trouble;  /* why it cannot be read; NULL: it can */
    size_t link;          /* while the archive is opened: its number among the hard links, from 1 */
} TarMember;

typedef struct {
    const char *path; /* of the archive, the caller's */
    Extent file;
    Listing names;
    TarMember *members; /* files only, sorted by the bytes of their names */
    size_t count, room;
} Tar;

/** Whether a file that begins with these TAR_BLOCK bytes is a tar archive: they are a header with its sum. */
bool tar_begins(const unsigned char *block);

/**
 * Reads the headers of an archive. A name that is absolute, leads out of the archive, or stands twice
 * condemns the archive, and so does a missing end. `path` is named in errors and must live as long as the
 * tar; `file` is taken over, even when it fails.
 */
CnnStatus tar_open(Extent *file, const char *path, Tar *tar, CnnError *error);
void tar_close(Tar *tar);

/** The member of this name; NULL when there is none. */
const TarMember *tar_find(const Tar *tar, const char *name);

/** Reads a member. Errors name the archive and the member. */
CnnStatus tar_load(const Tar *tar, const TarMember *member, Bytes *out, CnnError *error);
/** Opens a member to be read at any offset; the tar must outlive it. */
CnnStatus tar_open_member(const Tar *tar, const TarMember *member, Extent *out, CnnError *error);

#endif
