/* The files of an archive, whatever its kind: zip, tar, or a compressed tar, told by their content. */
#ifndef CNN_DATA_ARCHIVE_FILES_H
#define CNN_DATA_ARCHIVE_FILES_H

#include "runtime/data/tar.h"
#include "runtime/data/zip.h"

typedef struct {
    bool is_tar;
    Zip zip;
    Tar tar;
    uint64_t unpacked; /* bytes of the file in the cache folder, tar.file.path; 0: there is none */
} ArchiveFiles;

/** Opens an archive, unpacking a compressed one to the cache folder. `path` must live as long as the files.
 * On an error nothing is to be closed. */
CnnStatus archive_files_open(const char *path, ArchiveFiles *files, CnnError *error);
void archive_files_close(ArchiveFiles *files);

size_t archive_files_count(const ArchiveFiles *files);
/** The names are sorted by their bytes. */
const char *archive_files_name(const ArchiveFiles *files, size_t i);
/** The first member whose name is not before `name`; the count when there is none. */
size_t archive_files_lower_bound(const ArchiveFiles *files, const char *name);

/** Reads a whole member. */
CnnStatus archive_files_load(const ArchiveFiles *files, size_t i, Bytes *out, CnnError *error);
/** Opens a member to be read at any offset; the files must outlive it. */
CnnStatus archive_files_open_file(const ArchiveFiles *files, size_t i, Extent *out, CnnError *error);

#endif
