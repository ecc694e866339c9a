/* Decompression by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include "runtime/data/decompress.h"
#include "runtime/data/files.h"

enum { READ_BYTES = 1 << 17 };

static CnnStatus pass(struct archive *archive, int descriptor, const char *path, ByteSink *sink,
                      void *context, CnnError *error)
{
    char name[NAME_BYTES];
    const void *bytes;
    size_t count;
    int64_t offset;
    struct archive_entry *entry;
    int state = archive_read_open_fd(archive, descriptor, READ_BYTES);
    if (state == ARCHIVE_OK)
        state = archive_read_next_header(archive, &entry);
    while (state == ARCHIVE_OK &&
           (state = archive_read_data_block(archive, &bytes, &count, &offset)) == ARCHIVE_OK)
        TRY(sink(context, bytes, count, error));
    if (state == ARCHIVE_EOF)
        return CNN_OK;
    const char *why = archive_error_string(archive);
    return cnn_fail(error, CNN_BAD_INPUT, "%s: damaged or cut short: %s", name_printable(path, name),
                    why ? why : "it cannot be unpacked");
}

CnnStatus cnn_unpack(int descriptor, const char *path, ByteSink *sink, void *context, CnnError *error)
{
    struct archive *archive = archive_read_new();
    /* Anything but ARCHIVE_OK: libarchive was built without the library, and would start a program instead.
     */
    bool ready = archive && lseek(descriptor, 0, SEEK_SET) == 0 &&
                 archive_read_support_filter_bzip2(archive) == ARCHIVE_OK &&
                 archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
                 archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
                 archive_read_support_format_raw(archive) == ARCHIVE_OK;
    CnnStatus status = ready ? pass(archive, descriptor, path, sink, context, error)
                             : cnn_fail(error, CNN_NO_RESOURCE, "libarchive cannot unpack '%s' here", path);
    archive_read_free(archive);
    return status;
}
