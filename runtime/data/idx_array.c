/* Reading IDX files. Data that came from zlib is whole: its checksum is verified at the end of the file. */
#include "runtime/data/idx_array.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/memory.h"

enum { IDX_UNSIGNED_BYTE = 8, IDX_FIRST_READ = 1 << 20, IDX_ZLIB_BUFFER = 128 << 10 };
enum { IDX_ONLY_GZIP = 16 }; /* added to zlib's number for the window */

/* A file, plain or compressed, from its beginning. */
typedef struct {
    const IdxArray *array;
    uint64_t at;       /* bytes of the file that have been read */
    unsigned char *in; /* those that are compressed; NULL: it is plain */
    z_stream stream;
    bool between; /* a gzip stream has ended, and no other begun */
} IdxReader;

static CnnStatus idx_array_fail(const IdxArray *array, CnnError *error, const char *text)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", name_printable(array->path, name), text);
}

static CnnStatus idx_reader_open(const IdxArray *array, IdxReader *reader, CnnError *error)
{
    *reader = (IdxReader){.array = array};
    unsigned char start[2] = {0};
    size_t count = array->file.size < sizeof start ? (size_t)array->file.size : sizeof start;
    TRY(extent_read(&array->file, start, count, 0, error));
    if (start[0] != 0x1f || start[1] != 0x8b)
        return CNN_OK;
    reader->in = malloc(IDX_ZLIB_BUFFER);
    int code = reader->in ? inflateInit2(&reader->stream, MAX_WBITS + IDX_ONLY_GZIP) : Z_MEM_ERROR;
    if (code == Z_OK)
        return CNN_OK;
    free(reader->in);
    return cnn_fail(error, CNN_NO_RESOURCE, "%s cannot be unpacked: %s", array->path, zError(code));
}

static void idx_reader_close(IdxReader *reader)
{
    if (reader->in)
        inflateEnd(&reader->stream);
    free(reader->in);
}

static CnnStatus idx_read_plain(IdxReader *reader, void *out, size_t size, size_t *got, CnnError *error)
{
    uint64_t left = reader->array->file.size - reader->at;
    *got = size < left ? size : (size_t)left;
    TRY(extent_read(&reader->array->file, out, *got, reader->at, error));
    reader->at += *got;
    return CNN_OK;
}

/* Reads compressed bytes where all that were read are used up; none are left at the end of the file. */
static CnnStatus idx_feed(IdxReader *reader, CnnError *error)
{
    size_t count;
    if (reader->stream.avail_in > 0)
        return CNN_OK;
    TRY(idx_read_plain(reader, reader->in, IDX_ZLIB_BUFFER, &count, error));
    reader->stream.next_in = reader->in;
    reader->stream.avail_in = (uInt)count;
    return CNN_OK;
}

/* Reads up to `size` bytes; fewer only at the end of the file. What follows the first gzip stream is another
 * one. */
static CnnStatus idx_read(IdxReader *reader, void *out, size_t size, size_t *got, CnnError *error)
{
    z_stream *stream = &reader->stream;
    if (!reader->in)
        return idx_read_plain(reader, out, size, got, error);
    for (*got = 0; *got < size;) {
        TRY(idx_feed(reader, error));
        if (stream->avail_in == 0)
            return reader->between ? CNN_OK : idx_array_fail(reader->array, error, "gzip file cut short");
        size_t left = size - *got;
        uInt room = left < UINT_MAX ? (uInt)left : UINT_MAX;
        stream->next_out = (unsigned char *)out + *got;
        stream->avail_out = room;
        int state = inflate(stream, Z_NO_FLUSH);
        *got += room - stream->avail_out;
        reader->between = state == Z_STREAM_END;
        if (state != Z_OK && state != Z_STREAM_END)
            return idx_array_fail(reader->array, error, "damaged gzip file");
        if (reader->between)
            inflateReset(stream);
    }
    return CNN_OK;
}

static CnnStatus idx_short(const IdxArray *array, uint64_t got, CnnError *error)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: its header tells of %llu bytes of data, but it holds %llu",
                    name_printable(array->path, name), (unsigned long long)array->bytes,
                    (unsigned long long)got);
}

static CnnStatus idx_header(IdxArray *array, IdxReader *reader, int rank_least, int rank_most,
                            CnnError *error)
{
    unsigned char head[4], size[4];
    char name[NAME_BYTES];
    size_t got;
    TRY(idx_read(reader, head, sizeof head, &got, error));
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
        TRY(idx_read(reader, size, sizeof size, &got, error));
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
static CnnStatus idx_data(IdxArray *array, IdxReader *reader, CnnError *error)
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
        TRY(idx_read(reader, array->data + have, (size_t)(room - have), &got, error));
        if (got < room - have)
            return idx_short(array, have + got, error);
        have = room;
    }
    unsigned char more;
    size_t got;
    TRY(idx_read(reader, &more, 1, &got, error));
    return got == 0 ? CNN_OK : idx_array_fail(array, error, "it holds more bytes than its header tells of");
}

/* Whether the file has the size that its header tells. A gzip file ends with the size of what it holds,
 * modulo 2^32 (RFC 1952, 2.3.1), if it was written in one go. */
static CnnStatus idx_check_size(const IdxArray *array, bool compressed, bool *right, CnnError *error)
{
    uint64_t expected = 4 + 4 * (uint64_t)array->rank + array->bytes, size = array->file.size;
    unsigned char trailer[4];
    if (compressed && size > sizeof trailer) {
        TRY(extent_read(&array->file, trailer, sizeof trailer, size - sizeof trailer, error));
        size =
            (uint64_t)trailer[3] << 24 | (uint64_t)trailer[2] << 16 | (uint64_t)trailer[1] << 8 | trailer[0];
        expected &= UINT32_MAX;
    }
    *right = size == expected;
    return CNN_OK;
}

CnnStatus idx_array_open(const Tree *tree, IdxArray *array, int rank_least, int rank_most, CnnError *error)
{
    IdxReader reader;
    bool right = false;
    TRY(tree->open(tree, array->path, &array->file, error));
    TRY(idx_reader_open(array, &reader, error));
    CnnStatus status = idx_header(array, &reader, rank_least, rank_most, error);
    if (status == CNN_OK)
        status = idx_check_size(array, reader.in != NULL, &right, error);
    idx_reader_close(&reader);
    TRY(status);
    return right ? CNN_OK : idx_array_load(array, error);
}

CnnStatus idx_array_load(IdxArray *array, CnnError *error)
{
    IdxReader reader;
    const IdxArray opened = *array;
    if (array->data)
        return CNN_OK;
    TRY(idx_reader_open(array, &reader, error));
    CnnStatus status = idx_header(array, &reader, array->rank, array->rank, error);
    if (status == CNN_OK && memcmp(array->dim, opened.dim, sizeof opened.dim) != 0)
        status = idx_array_fail(array, error, "changed while in use");
    if (status == CNN_OK)
        status = idx_data(array, &reader, error);
    idx_reader_close(&reader);
    if (status == CNN_OK) {
        extent_close(&array->file);
    } else {
        free(array->data);
        array->data = NULL;
    }
    return status;
}

void idx_array_free(IdxArray *array)
{
    extent_close(&array->file);
    free(array->data);
    array->data = NULL;
}
