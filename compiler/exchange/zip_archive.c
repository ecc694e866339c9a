#include "compiler/exchange/zip_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "runtime/file.h"

typedef struct {
    NewFile file;
    CnnError *error;
} Sink;

static la_ssize_t put_bytes(struct archive *archive, void *context, const void *bytes, size_t count)
{
    Sink *sink = context;
    if (cnn_file_write(&sink->file, bytes, count, sink->error) == CNN_OK)
        return (la_ssize_t)count;
    archive_set_error(archive, -1, "%s", sink->error->text);
    return -1;
}

static bool put_entry(struct archive *archive, struct archive_entry *entry, const ZipEntry *from)
{
    archive_entry_clear(entry);
    archive_entry_set_pathname(entry, from->name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)(from->header_size + from->size));
    return archive_write_header(archive, entry) == ARCHIVE_OK &&
           archive_write_data(archive, from->header, from->header_size) == (la_ssize_t)from->header_size &&
           archive_write_data(archive, from->bytes, from->size) == (la_ssize_t)from->size;
}

static bool put_all(struct archive *archive, struct archive_entry *entry, const ZipEntry *entries, int count,
                    Sink *sink)
{
    bool good = archive_write_set_format_zip(archive) == ARCHIVE_OK &&
                archive_write_zip_set_compression_store(archive) == ARCHIVE_OK &&
                archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
                archive_write_open(archive, sink, NULL, put_bytes, NULL) == ARCHIVE_OK;
    for (int i = 0; i < count && good; i++)
        good = put_entry(archive, entry, &entries[i]);
    return good && archive_write_close(archive) == ARCHIVE_OK;
}

CnnStatus zip_archive_write(const char *path, const ZipEntry *entries, int count, CnnError *error)
{
    Sink sink = {.error = error};
    TRY(cnn_file_create(path, &sink.file, error));
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    bool good = archive && entry && put_all(archive, entry, entries, count, &sink);
    if (!good && error->status == CNN_OK)
        cnn_fail(error, CNN_NO_RESOURCE, "'%s': %s", path,
                 archive ? archive_error_string(archive) : "not enough memory");
    archive_entry_free(entry);
    archive_write_free(archive);
    if (good)
        return cnn_file_commit(&sink.file, error);
    cnn_file_abandon(&sink.file);
    return error->status;
}
