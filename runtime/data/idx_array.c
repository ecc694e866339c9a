/* Reading IDX files. Data that came from zlib is whole: its checksum is verified at the end of the file. */
#include "runtime/data/idx_array.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "runtime/memory.h"

enum { IDX_UNSIGNED_BYTE = 8, IDX_FIRST_READ = 1 << 20, IDX_ZLIB_BUFFER = 128 << 10 };

static CnnStatus idx_array_fail(const IdxArray *array, CnnError *error, const char *text)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", name_printable(array->path, name), text);
}

/* Reads up to `size` bytes; fewer only at the end of the file. */
static CnnStatus idx_read(const IdxArray *array, gzFile file, void *out, size_t size, size_t *got,
                          CnnError *error)
{
    *got = 0;
    while (*got < size) {
        size_t left = size - *got;
        int count = gzread(file, (char *)out + *got, (unsigned)(left < INT_MAX ? left : INT_MAX));
        if (count == 0)
            break;
        if (count < 0)
            return idx_array_fail(array, error, "damaged gzip file");
        *got += (size_t)count;
    }
    int code = Z_OK;
    gzerror(file, &code);
    return code == Z_BUF_ERROR ? idx_array_fail(array, error, "gzip file cut short") : CNN_OK;
}

static CnnStatus idx_short(const IdxArray *array, uint64_t got, CnnError *error)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: its header tells of %llu bytes of data, but it holds %llu",
                    name_printable(array->path, name), (unsigned long long)array->bytes,
                    (unsigned long long)got);
}

static CnnStatus idx_header(IdxArray *array, gzFile file, int rank_least, int rank_most, CnnError *error)
{
    unsigned char head[4], size[4];
    char name[NAME_BYTES];
    size_t got;
    TRY(idx_read(array, file, head, sizeof head, &got, error));
    if (got < sizeof head || head[0] || head[1])
        return idx_array_fail(array, error,
                              "not an IDX file: it does not begin with two zero bytes and a type");
    if (head[2] != IDX_UNSIGNED_BYTE || head[3] < rank_least || head[3] > rank_most)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: holds %d dimensions of type 0x%02x; %d dimensions of unsigned bytes (0x08) are needed",
            name_printable(array->path, name), head[3], head[2], rank_least);
    array->rank = head[3];
    array->bytes = 1;
    for (int i = 0; i < array->rank; i++) {
        TRY(idx_read(array, file, size, sizeof size, &got, error));
        if (got < sizeof size)
            return idx_array_fail(array, error, "it ends within its header");
        array->dim[i] = (int64_t)size[0] << 24 | (int64_t)size[1] << 16 | (int64_t)size[2] << 8 | size[3];
        if (!cnn_multiply(array->bytes, (uint64_t)array->dim[i], &array->bytes))
            return idx_array_fail(array, error, "its header tells of more bytes than there can be");
    }
    return array->bytes > 0 ? CNN_OK
                            : idx_array_fail(array, error, "holds nothing: one of its dimensions is 0");
}

/* Memory is taken as the data comes, so that a header that lies cannot ask for much. */
static CnnStatus idx_data(IdxArray *array, gzFile file, CnnError *error)
{
    uint64_t have = 0, room = 0;
    while (have < array->bytes) {
        room = room == 0 ? IDX_FIRST_READ : 2 * room;
        room = room < array->bytes ? room : array->bytes;
        unsigned char *larger = realloc(array->data, room);
        if (!larger)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the %llu bytes of %s",
                            (unsigned long long)array->bytes, array->path);
        array->data = larger;
        size_t got;
        TRY(idx_read(array, file, array->data + have, (size_t)(room - have), &got, error));
        if (got < room - have)
            return idx_short(array, have + got, error);
        have = room;
    }
    unsigned char more;
    size_t got;
    TRY(idx_read(array, file, &more, 1, &got, error));
    return got == 0 ? CNN_OK : idx_array_fail(array, error, "it holds more bytes than its header tells of");
}

static CnnStatus idx_file_open(const IdxArray *array, gzFile *file, CnnError *error)
{
    int descriptor;
    uint64_t size;
    TRY(file_open(array->path, &descriptor, &size, error));
    *file = gzdopen(descriptor, "rb");
    if (!*file) {
        close(descriptor);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to read %s", array->path);
    }
    gzbuffer(*file, IDX_ZLIB_BUFFER);
    return CNN_OK;
}

/* Whether the file has the size that its header tells. A gzip file ends with the size of what it holds,
 * modulo 2^32 (RFC 1952, 2.3.1), if it was written in one go. */
static CnnStatus idx_check_size(const IdxArray *array, bool *right, CnnError *error)
{
    uint64_t expected = 4 + 4 * (uint64_t)array->rank + array->bytes, size;
    unsigned char magic[2], trailer[4];
    int descriptor;
    TRY(file_open(array->path, &descriptor, &size, error));
    CnnStatus status = file_read_at(descriptor, array->path, magic, sizeof magic, 0, error);
    bool compressed = magic[0] == 0x1f && magic[1] == 0x8b;
    if (status == CNN_OK && compressed && size > sizeof trailer) {
        status = file_read_at(descriptor, array->path, trailer, sizeof trailer, size - sizeof trailer, error);
        size =
            (uint64_t)trailer[3] << 24 | (uint64_t)trailer[2] << 16 | (uint64_t)trailer[1] << 8 | trailer[0];
        expected &= UINT32_MAX;
    }
    *right = size == expected;
    close(descriptor);
    return status;
}

CnnStatus idx_array_open(IdxArray *array, int rank_least, int rank_most, CnnError *error)
{
    gzFile file;
    bool right;
    TRY(idx_file_open(array, &file, error));
    CnnStatus status = idx_header(array, file, rank_least, rank_most, error);
    gzclose(file);
    TRY(status);
    TRY(idx_check_size(array, &right, error));
    return right ? CNN_OK : idx_array_load(array, error);
}

CnnStatus idx_array_load(IdxArray *array, CnnError *error)
{
    gzFile file;
    const IdxArray opened = *array;
    if (array->data)
        return CNN_OK;
    TRY(idx_file_open(array, &file, error));
    CnnStatus status = idx_header(array, file, array->rank, array->rank, error);
    if (status == CNN_OK && memcmp(array->dim, opened.dim, sizeof opened.dim) != 0)
        status = idx_array_fail(array, error, "changed while in use");
    if (status == CNN_OK)
        status = idx_data(array, file, error);
    gzclose(file);
    if (status != CNN_OK)
        idx_array_free(array);
    return status;
}

void idx_array_free(IdxArray *array)
{
    free(array->data);
    array->data = NULL;
}
