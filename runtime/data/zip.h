/* Zip archives (PKWARE's APPNOTE.TXT 6.3), with Zip64: the directory at the end is read once, a member is
 * then read by its place, from any thread. Stored and deflated members are read. Nothing is written to disk.
 */
#ifndef CNN_DATA_ZIP_H
#define CNN_DATA_ZIP_H

#include <stdbool.h>

#include "runtime/data/extent.h"

typedef struct {
    const char *name;      /* bytes, as in the archive; without a leading "./" */
    uint64_t header;       /* offset of its local header */
    uint64_t packed, size; /* bytes in the archive, bytes once unpacked */
    uint32_t crc;          /* of the unpacked bytes */
    uint16_t method;       /* 0: stored, 8: deflated */
    bool encrypted, link;
} ZipMember;

typedef struct {
    Extent file;
    unsigned char *directory; /* as it lies in the file; the names are in it */
    ZipMember *members;       /* files only, sorted by the bytes of their names */
    size_t count;
} Zip;

/**
 * Opens an archive and reads its directory. A name that is absolute, leads out of the archive, or stands
 * twice condemns the archive. On an error nothing is to be closed.
 */
CnnStatus zip_open(const char *path, Zip *zip, CnnError *error);
/** The same of an archive that is open already. `file` is taken over, even when it fails. */
CnnStatus zip_open_extent(Extent *file, Zip *zip, CnnError *error);
void zip_close(Zip *zip);

/** The member of this name; NULL when there is none. */
const ZipMember *zip_find(const Zip *zip, const char *name);

/** Reads and unpacks a member and checks its sum. Errors name the archive and the member. */
CnnStatus zip_load(const Zip *zip, const ZipMember *member, Bytes *out, CnnError *error);

/**
 * Opens a member to be read at any offset. One that is stored is read in its place, whatever its size, and
 * without its sum being checked; the zip must outlive it. One that is deflated is unpacked into memory.
 */
CnnStatus zip_open_member(const Zip *zip, const ZipMember *member, Extent *out, CnnError *error);

#endif
