#include "runtime/data/decompress.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "runtime/data/files.h"

/* Its address is NULL in a program without that library. */
#pragma weak cnn_unpack

enum { CHUNK = 1 << 17 };

const char *compression_of(const unsigned char *start, size_t size)
{
    static const struct {
        const char *bytes, *name;
    } kinds[] = {{"\x1f\x8b", "gzip"},
                 {"BZh", "bzip2"},
                 {"\xfd"
                  "7zXZ",
                  "xz"},
                 {"\x28\xb5\x2f\xfd", "zstd"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t length = strlen(kinds[i].bytes);
        if (size >= length && memcmp(start, kinds[i].bytes, length) == 0)
            return kinds[i].name;
    }
    return NULL;
}

static CnnStatus gzip_pass(gzFile file, const char *path, ByteSink *sink, void *context, CnnError *error)
{
    unsigned char chunk[CHUNK];
    char name[NAME_BYTES];
    int count, code;
    while ((count = gzread(file, chunk, sizeof chunk)) > 0)
        TRY(sink(context, chunk, (size_t)count, error));
    gzerror(file, &code);
    if (count == 0 && code != Z_BUF_ERROR)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", name_printable(path, name),
                    code == Z_BUF_ERROR ? "gzip file cut short" : "damaged gzip file");
}

static CnnStatus gzip_read(int descriptor, const char *path, ByteSink *sink, void *context, CnnError *error)
{
    int own = dup(descriptor); /* closed by gzclose */
    gzFile file = own >= 0 && lseek(own, 0, SEEK_SET) == 0 ? gzdopen(own, "rb") : NULL;
    if (!file) {
        if (own >= 0)
            close(own);
        return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be unpacked: %s", path, zError(Z_MEM_ERROR));
    }
    gzbuffer(file, CHUNK);
    CnnStatus status = gzip_pass(file, path, sink, context, error);
    gzclose(file);
    return status;
}

CnnStatus decompress(int descriptor, const char *path, const char *compression, ByteSink *sink, void *context,
                     CnnError *error)
{
    char name[NAME_BYTES];
    if (strcmp(compression, "gzip") == 0)
        return gzip_read(descriptor, path, sink, context, error);
    if (cnn_unpack)
        return cnn_unpack(descriptor, path, sink, context, error);
    return cnn_fail(
        error, CNN_NO_RESOURCE,
        "%s: %s cannot be unpacked: this program was built without libarchive (Debian: libarchive-dev)",
        name_printable(path, name), compression);
}

bool decompress_has_library(void)
{
    return cnn_unpack != NULL;
}
