#include "runtime/data/archive_files.h"

#include <string.h>

#include "runtime/data/decompress.h"
#include "runtime/data/unpacked.h"

static CnnStatus open_tar(ArchiveFiles *files, Extent *file, const char *path, CnnError *error)
{
    files->is_tar = true;
    return tar_open(file, path, &files->tar, error);
}

/* An archive that is neither a tar nor begins as a zip does: a zip may have other bytes before it, as those
 * that unpack themselves have. */
static CnnStatus open_zip(ArchiveFiles *files, Extent *file, const char *path, const unsigned char *block,
                          CnnError *error)
{
    static const struct {
        const char *bytes, *name;
    } kinds[] = {{"Rar!", "a RAR archive"}, {"7z\xbc\xaf", "a 7z archive"}, {"PK", NULL}};
    char name[NAME_BYTES];
    const char *kind = "no archive that is known";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (memcmp(block, kinds[i].bytes, strlen(kinds[i].bytes)) == 0)
            kind = kinds[i].name;
    CnnError cause = {0};
    CnnStatus status = zip_open_extent(file, &files->zip, &cause);
    if (status == CNN_BAD_INPUT && kind)
        return cnn_fail(error, status, "%s: %s; .zip, .tar, .tar.gz, .tar.bz2, .tar.xz and .tar.zst are read",
                        name_printable(path, name), kind);
    return status == CNN_OK ? CNN_OK : cnn_fail(error, status, "%s", cause.text);
}

CnnStatus archive_files_open(const char *path, ArchiveFiles *files, CnnError *error)
{
    unsigned char block[TAR_BLOCK] = {0};
    Extent file, unpacked;
    *files = (ArchiveFiles){0};
    TRY(extent_open(path, &file, error));
    size_t size = file.size < sizeof block ? (size_t)file.size : sizeof block;
    CnnStatus status = extent_read(&file, block, size, 0, error);
    const char *compression = compression_of(block, size);
    if (status == CNN_OK && compression) {
        status = unpacked_open(path, compression, &unpacked, error);
        if (status == CNN_OK) {
            files->unpacked = unpacked.size;
            status = open_tar(files, &unpacked, path, error);
        }
    } else if (status == CNN_OK && tar_begins(block)) {
        return open_tar(files, &file, path, error);
    } else if (status == CNN_OK) {
        return open_zip(files, &file, path, block, error);
    }
    extent_close(&file);
    return status;
}

void archive_files_close(ArchiveFiles *files)
{
    if (files->is_tar)
        tar_close(&files->tar);
    else
        zip_close(&files->zip);
}

size_t archive_files_count(const ArchiveFiles *files)
{
    return files->is_tar ? files->tar.count : files->zip.count;
}

const char *archive_files_name(const ArchiveFiles *files, size_t i)
{
    return files->is_tar ? files->tar.members[i].name : files->zip.members[i].name;
}

size_t archive_files_lower_bound(const ArchiveFiles *files, const char *name)
{
    size_t low = 0, high = archive_files_count(files);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(archive_files_name(files, middle), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

CnnStatus archive_files_load(const ArchiveFiles *files, size_t i, Bytes *out, CnnError *error)
{
    return files->is_tar ? tar_load(&files->tar, &files->tar.members[i], out, error)
                         : zip_load(&files->zip, &files->zip.members[i], out, error);
}

CnnStatus archive_files_open_file(const ArchiveFiles *files, size_t i, Extent *out, CnnError *error)
{
    return files->is_tar ? tar_open_member(&files->tar, &files->tar.members[i], out, error)
                         : zip_open_member(&files->zip, &files->zip.members[i], out, error);
}
