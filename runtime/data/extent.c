/* Files, parts of files and memory, read alike. */
#include "runtime/data/extent.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CnnStatus extent_name(Extent *extent, const char *path, CnnError *error)
{
    extent->path = strdup(path);
    return extent->path ? CNN_OK : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a path");
}

CnnStatus extent_open(const char *path, Extent *out, CnnError *error)
{
    *out = (Extent){0};
    TRY(extent_name(out, path, error));
    CnnStatus status = file_open(path, &out->descriptor, &out->size, error);
    if (status != CNN_OK) {
        free(out->path);
        *out = (Extent){0};
    }
    return status;
}

CnnStatus extent_part(const Extent *whole, const char *path, uint64_t start, uint64_t size, Extent *out,
                      CnnError *error)
{
    *out = (Extent){.size = size,
                    .descriptor = whole->descriptor,
                    .start = whole->start + start,
                    .bytes = whole->bytes ? whole->bytes + start : NULL,
                    .borrowed = true};
    return extent_name(out, path, error);
}

CnnStatus extent_hold(const char *path, Bytes *bytes, Extent *out, CnnError *error)
{
    *out = (Extent){.size = bytes->size, .descriptor = -1, .bytes = bytes->data};
    CnnStatus status = extent_name(out, path, error);
    if (status != CNN_OK)
        bytes_free(bytes);
    *bytes = (Bytes){0};
    return status;
}

void extent_close(Extent *extent)
{
    if (extent->path && !extent->borrowed) {
        free(extent->bytes);
        if (extent->descriptor >= 0)
            close(extent->descriptor);
    }
    free(extent->path);
    *extent = (Extent){0};
}

CnnStatus extent_read(const Extent *extent, void *out, size_t size, uint64_t offset, CnnError *error)
{
    char name[NAME_BYTES];
    if (offset > extent->size || size > extent->size - offset)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: ends at byte %llu, %llu are needed",
                        name_printable(extent->path, name), (unsigned long long)extent->size,
                        (unsigned long long)offset + size);
    if (extent->descriptor >= 0)
        return file_read_at(extent->descriptor, extent->path, out, size, extent->start + offset, error);
    if (size > 0)
        memcpy(out, extent->bytes + offset, size);
    return CNN_OK;
}
