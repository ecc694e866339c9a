/* Compressed tar archives, unpacked once: a compressed file can only be read from its beginning, so what it
 * holds is kept as one file, an archive still, in the cache folder (runtime/cache_folder.h). */
#ifndef CNN_DATA_UNPACKED_H
#define CNN_DATA_UNPACKED_H

#include "runtime/data/extent.h"

/**
 * Opens what the compressed tar archive at `path` holds. The file in the cache is used if it was made of an
 * archive at this place, of this size and this time; else it is made: beside, complete, then renamed; a bar
 * on the terminal shows how far. Of several processes that need it, one makes it and the others wait. `out`
 * names the file in the cache as its path.
 *
 * compression  of compression_of.
 * Errors       CNN_BAD_INPUT: damaged, or no tar archive; CNN_NO_RESOURCE: no cache folder, or no room on its
 * disk.
 */
CnnStatus unpacked_open(const char *path, const char *compression, Extent *out, CnnError *error);

/** Tells the archive that the file at `path` was made of; `origin` has PATH_MAX bytes. False: it is none of
 * unpacked_open, or the archive is there and another now. */
bool unpacked_origin(const char *path, char *origin);

#endif
