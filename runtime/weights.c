/* Reading weight files. A file is untrusted: the header is JSON of one fixed shape, read by the small parser
 * below, and nothing is believed before all is checked: sizes against the file, offsets without overlap or
 * hole, names once.
 *
 *     { "__metadata__": {"key": "text", …}, "NAME": {"dtype": "F32", "shape": [3, 3], "data_offsets": [0,
 * 36]}, … } */
#include "runtime/weights.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/file.h"
#include "runtime/pattern.h"
#include "runtime/weights_format.h"

enum { HEADER_MAX = 100 << 20, LENGTH_BYTES = 8, PAIRS_MAX = 1000 };

typedef struct {
    NamedTensor tensor;
    uint64_t begin, end; /* of its bytes, from the end of the header */
} Entry;

typedef struct {
    const char *key, *value;
} Pair;

struct WeightFile {
    char *header; /* text that names, keys and values point into */
    const char *bytes;
    char *owned; /* the bytes, where they are freed with the file; else NULL */
    size_t header_bytes;
    Entry *entries; /* in the file's order */
    int count, capacity;
    Pair *pairs;
    int pair_count, pair_capacity;
};

/* The header being read. Strings are decoded in place: they only become shorter. */
typedef struct {
    WeightFile *file;
    const char *path;
    char *start, *at, *end; /* *end is a NUL */
    CnnError *error;
} Reader;

static CnnStatus reader_fail(const Reader *reader, const char *what)
{
    return cnn_fail(reader->error, CNN_BAD_INPUT, "'%s' is not a sound safetensors file: %s, at byte %zu",
                    reader->path, what, (size_t)(reader->at - reader->start) + LENGTH_BYTES);
}

static void skip_blanks(Reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at))
        reader->at++;
}

/* Takes the character if it is next. */
static bool take(Reader *reader, char c)
{
    skip_blanks(reader);
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static CnnStatus expect(Reader *reader, char c, const char *what)
{
    return take(reader, c) ? CNN_OK : reader_fail(reader, what);
}

static bool hex4(const char *at, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)at[i]))
            return false;
        *out = *out << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
    }
    return true;
}

/* Appends a code point as UTF-8. */
static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* The escape behind a backslash, decoded to *out. */
static CnnStatus read_escape(Reader *reader, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = *reader->at++;
    const char *found = c ? strchr(from, c) : NULL;
    if (found) {
        *(*out)++ = to[found - from];
        return CNN_OK;
    }
    uint32_t code, low;
    if (c != 'u' || reader->end - reader->at < 4 || !hex4(reader->at, &code) || code == 0)
        return reader_fail(reader, "an unknown escape in a string");
    reader->at += 4;
    if (code >= 0xD800 && code < 0xE000) {
        if (code >= 0xDC00 || reader->end - reader->at < 6 || reader->at[0] != '\\' || reader->at[1] != 'u' ||
            !hex4(reader->at + 2, &low) || low < 0xDC00 || low >= 0xE000)
            return reader_fail(reader, "half of a surrogate pair in a string");
        reader->at += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *out = put_utf8(*out, code);
    return CNN_OK;
}

static CnnStatus read_string(Reader *reader, const char **string)
{
    TRY(expect(reader, '"', "a string is missing"));
    char *out = reader->at;
    *string = out;
    while (reader->at < reader->end && *reader->at != '"') {
        if ((unsigned char)*reader->at < 0x20)
            return reader_fail(reader, "a control character in a string");
        if (*reader->at == '\\') {
            reader->at++;
            TRY(read_escape(reader, &out));
        } else {
            *out++ = *reader->at++;
        }
    }
    TRY(expect(reader, '"', "a string does not end"));
    *out = '\0';
    return CNN_OK;
}

static CnnStatus read_number(Reader *reader, uint64_t *number)
{
    skip_blanks(reader);
    const char *first = reader->at;
    *number = 0;
    for (; *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (*number > (INT64_MAX - 9) / 10)
            return reader_fail(reader, "a number too large");
        *number = *number * 10 + (uint64_t)(*reader->at - '0');
    }
    bool whole = *reader->at != '.' && (*reader->at | 0x20) != 'e';
    if (reader->at == first || !whole || (*first == '0' && reader->at > first + 1))
        return reader_fail(reader, "a whole number is missing");
    return CNN_OK;
}

/* `[number, …]`, at most `most` of them. */
static CnnStatus read_numbers(Reader *reader, uint64_t *numbers, int most, int *count)
{
    *count = 0;
    TRY(expect(reader, '[', "a list is missing"));
    if (take(reader, ']'))
        return CNN_OK;
    do {
        if (*count == most)
            return reader_fail(reader, "a list that is too long");
        TRY(read_number(reader, &numbers[(*count)++]));
    } while (take(reader, ','));
    return expect(reader, ']', "a list does not end");
}

/* An array with room for one more; NULL without memory, when the old one stays. */
static void *grown(void *items, int count, int *capacity, size_t bytes)
{
    if (count < *capacity)
        return items;
    int larger = *capacity ? 2 * *capacity : 16;
    void *moved = realloc(items, (size_t)larger * bytes);
    if (moved)
        *capacity = larger;
    return moved;
}

static CnnStatus header_no_memory(const Reader *reader)
{
    return cnn_fail(reader->error, CNN_NO_RESOURCE, "no memory for the header of '%s'", reader->path);
}

static CnnStatus read_metadata(Reader *reader)
{
    WeightFile *file = reader->file;
    TRY(expect(reader, '{', "the metadata are no object"));
    if (take(reader, '}'))
        return CNN_OK;
    do {
        if (file->pair_count == PAIRS_MAX)
            return reader_fail(reader, "too many metadata");
        Pair *pairs = grown(file->pairs, file->pair_count, &file->pair_capacity, sizeof *pairs);
        if (!pairs)
            return header_no_memory(reader);
        file->pairs = pairs;
        Pair *pair = &file->pairs[file->pair_count];
        TRY(read_string(reader, &pair->key));
        if (cnn_weights_metadata(file, pair->key))
            return reader_fail(reader, "a metadata key stands there twice");
        TRY(expect(reader, ':', "a ':' is missing"));
        TRY(read_string(reader, &pair->value));
        file->pair_count++;
    } while (take(reader, ','));
    return expect(reader, '}', "the metadata do not end");
}

/* One member of a tensor's description. `seen` has a bit for each. */
static CnnStatus read_member(Reader *reader, Entry *entry, int *seen)
{
    const char *key, *text;
    uint64_t numbers[DIMS_MAX];
    int count, bit;
    TRY(read_string(reader, &key));
    TRY(expect(reader, ':', "a ':' is missing"));
    if (strcmp(key, "dtype") == 0) {
        bit = 1;
        TRY(read_string(reader, &text));
        int type = 0;
        while (type < DTYPE_COUNT && strcmp(text, weights_dtype_names[type]) != 0)
            type++;
        if (type == DTYPE_COUNT)
            return cnn_fail(reader->error, CNN_BAD_INPUT,
                            "'%s': tensor '%s' has type %s; F32, BF16, F16, I32 and U8 can be read",
                            reader->path, entry->tensor.name, text);
        entry->tensor.dtype = (Dtype)type;
    } else if (strcmp(key, "shape") == 0) {
        bit = 2;
        TRY(read_numbers(reader, numbers, DIMS_MAX, &entry->tensor.rank));
        for (int i = 0; i < entry->tensor.rank; i++)
            entry->tensor.dim[i] = (int64_t)numbers[i];
    } else if (strcmp(key, "data_offsets") == 0) {
        bit = 4;
        TRY(read_numbers(reader, numbers, 2, &count));
        if (count != 2)
            return reader_fail(reader, "data_offsets must be two numbers");
        entry->begin = numbers[0];
        entry->end = numbers[1];
    } else {
        return reader_fail(reader, "a tensor has dtype, shape and data_offsets only");
    }
    if (*seen & bit)
        return reader_fail(reader, "a member stands there twice");
    *seen |= bit;
    return CNN_OK;
}

static CnnStatus read_tensor(Reader *reader, const char *name)
{
    WeightFile *file = reader->file;
    Entry *entries = grown(file->entries, file->count, &file->capacity, sizeof *entries);
    if (!entries)
        return header_no_memory(reader);
    file->entries = entries;
    Entry *entry = &file->entries[file->count];
    *entry = (Entry){.tensor.name = name};
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return reader_fail(reader, "a control character in a name");
    int seen = 0;
    TRY(expect(reader, '{', "a tensor is no object"));
    do
        TRY(read_member(reader, entry, &seen));
    while (take(reader, ','));
    TRY(expect(reader, '}', "a tensor's description does not end"));
    if (seen != 7)
        return reader_fail(reader, "a tensor lacks dtype, shape or data_offsets");
    file->count++;
    return CNN_OK;
}

static CnnStatus read_header(Reader *reader)
{
    bool metadata = false;
    TRY(expect(reader, '{', "the header is no object"));
    if (!take(reader, '}')) {
        do {
            const char *name;
            TRY(read_string(reader, &name));
            TRY(expect(reader, ':', "a ':' is missing"));
            if (strcmp(name, "__metadata__") != 0) {
                TRY(read_tensor(reader, name));
                continue;
            }
            if (metadata)
                return reader_fail(reader, "two __metadata__");
            metadata = true;
            TRY(read_metadata(reader));
        } while (take(reader, ','));
        TRY(expect(reader, '}', "the header does not end"));
    }
    skip_blanks(reader);
    return reader->at == reader->end ? CNN_OK : reader_fail(reader, "text behind the header");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(Entry *const *)a)->tensor.name, (*(Entry *const *)b)->tensor.name);
}

static int compare_places(const void *a, const void *b)
{
    const Entry *x = *(Entry *const *)a, *y = *(Entry *const *)b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The tensors must cover the file's data once: each its own size, none twice, no overlap, no hole. */
static CnnStatus check_tensors(const char *path, Entry **sorted, int count, uint64_t data, CnnError *error)
{
    qsort(sorted, (size_t)count, sizeof *sorted, compare_names);
    for (int i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->tensor.name, sorted[i]->tensor.name) == 0)
            return cnn_fail(error, CNN_BAD_INPUT, "'%s': tensor '%s' stands there twice", path,
                            sorted[i]->tensor.name);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_places);
    uint64_t at = 0;
    for (int i = 0; i < count; i++) {
        const Entry *entry = sorted[i];
        uint64_t bytes;
        if (entry->begin > entry->end || entry->end > data)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'%s': tensor '%s' is said to end at byte %llu of the data, of %llu", path,
                            entry->tensor.name, (unsigned long long)entry->end, (unsigned long long)data);
        if (!weights_tensor_bytes(&entry->tensor, &bytes) || bytes != entry->end - entry->begin)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'%s': tensor '%s' has %llu bytes, which its shape and type do not need", path,
                            entry->tensor.name, (unsigned long long)(entry->end - entry->begin));
        if (entry->begin != at)
            return cnn_fail(error, CNN_BAD_INPUT, "'%s': tensor '%s' %s", path, entry->tensor.name,
                            entry->begin < at ? "overlaps the one before it" : "leaves a hole before it");
        at = entry->end;
    }
    if (at != data)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s': %llu bytes behind the last tensor", path,
                        (unsigned long long)(data - at));
    return CNN_OK;
}

static CnnStatus check_crc(const WeightFile *file, const char *path, const char *data, uint64_t length,
                           CnnError *error)
{
    const char *wanted = cnn_weights_metadata(file, WEIGHTS_CRC_KEY);
    char actual[9];
    snprintf(actual, sizeof actual, "%08x",
             (unsigned)crc32_z(crc32_z(0, NULL, 0), (const Bytef *)data, length));
    if (wanted && strcmp(wanted, actual) != 0)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' is damaged: the checksum of its tensors is %s, not %s",
                        path, actual, wanted);
    return CNN_OK;
}

/* Parses and checks the bytes of a file. */
static CnnStatus weights_parse(WeightFile *file, const char *path, size_t size, CnnError *error)
{
    uint64_t length = 0;
    if (size < LENGTH_BYTES)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' is not a safetensors file: it has %zu bytes", path, size);
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | (unsigned char)file->bytes[i];
    if (length > size - LENGTH_BYTES || length > HEADER_MAX)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "'%s' is not a sound safetensors file: its header is said to have %llu bytes, the file has %zu",
            path, (unsigned long long)length, size);
    /* The header gets a copy that can end with a NUL, as the data begin right behind it. */
    const char *data = file->bytes + LENGTH_BYTES + length;
    char *header = malloc(length + 1);
    if (!header)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the header of '%s'", path);
    memcpy(header, file->bytes + LENGTH_BYTES, length);
    header[length] = '\0';
    file->header = header;
    file->header_bytes = length;
    Reader reader = {file, path, header, header, header + length, error};
    TRY(read_header(&reader));
    Entry **sorted = calloc((size_t)file->count + 1, sizeof *sorted);
    if (!sorted)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the tensors of '%s'", path);
    for (int i = 0; i < file->count; i++)
        sorted[i] = &file->entries[i];
    CnnStatus status = check_tensors(path, sorted, file->count, size - LENGTH_BYTES - length, error);
    free(sorted);
    TRY(status);
    for (int i = 0; i < file->count; i++)
        file->entries[i].tensor.data = (char *)data + file->entries[i].begin;
    return check_crc(file, path, data, size - LENGTH_BYTES - length, error);
}

/* Takes a file that has its bytes: closes it if they are not sound. */
static CnnStatus weights_take(WeightFile *file, const char *path, size_t size, WeightFile **out,
                              CnnError *error)
{
    CnnStatus status = weights_parse(file, path, size, error);
    if (status == CNN_OK)
        *out = file;
    else
        cnn_weights_close(file);
    return status;
}

CnnStatus cnn_weights_read(const char *path, const void *bytes, size_t length, WeightFile **out,
                           CnnError *error)
{
    *out = NULL;
    WeightFile *file = calloc(1, sizeof *file);
    if (!file)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for '%s'", path);
    file->bytes = bytes;
    return weights_take(file, path, length, out, error);
}

/* What cnn_weights_lend has lent. */
static struct {
    const char *path;
    const void *bytes;
    size_t length;
} lent;

void cnn_weights_lend(const char *path, const void *bytes, size_t length)
{
    lent.path = path;
    lent.bytes = bytes;
    lent.length = length;
}

CnnStatus cnn_weights_open(const char *path, WeightFile **out, CnnError *error)
{
    if (path == lent.path)
        return cnn_weights_read(path, lent.bytes, lent.length, out, error);
    *out = NULL;
    WeightFile *file = calloc(1, sizeof *file);
    if (!file)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for '%s'", path);
    size_t size = 0;
    CnnStatus status = cnn_file_read(path, &file->owned, &size, error);
    if (status != CNN_OK) {
        cnn_weights_close(file);
        return status;
    }
    file->bytes = file->owned;
    return weights_take(file, path, size, out, error);
}

void cnn_weights_close(WeightFile *file)
{
    if (!file)
        return;
    free(file->owned);
    free(file->header);
    free(file->entries);
    free(file->pairs);
    free(file);
}

CnnStatus cnn_weights_check_header(const WeightFile *file, const char *path, CnnError *error)
{
    const char *header = file->bytes + LENGTH_BYTES; /* as it was read: file->header is decoded */
    const char *found = memmem(header, file->header_bytes, WEIGHTS_HEADER_CRC, strlen(WEIGHTS_HEADER_CRC));
    size_t at = found ? (size_t)(found - header) + strlen(WEIGHTS_HEADER_CRC) : 0;
    char actual[WEIGHTS_CRC_DIGITS + 1] = "";
    if (found && file->header_bytes - at >= WEIGHTS_CRC_DIGITS)
        snprintf(actual, sizeof actual, "%08x", (unsigned)weights_header_crc(header, file->header_bytes, at));
    if (*actual && memcmp(header + at, actual, WEIGHTS_CRC_DIGITS) == 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT, "'%s' is damaged: %s", path,
                    *actual ? "the checksum of its header is not the one in it"
                            : "there is no checksum of its header in it");
}

int cnn_weights_count(const WeightFile *file)
{
    return file->count;
}

const NamedTensor *cnn_weights_tensor(const WeightFile *file, int i)
{
    return &file->entries[i].tensor;
}

const NamedTensor *cnn_weights_find(const WeightFile *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].tensor.name, name) == 0)
            return &file->entries[i].tensor;
    return NULL;
}

void cnn_weights_leave_out(WeightFile *file, const char *patterns)
{
    int kept = 0;
    for (int i = 0; i < file->count; i++)
        if (!cnn_patterns_match(patterns, file->entries[i].tensor.name))
            file->entries[kept++] = file->entries[i];
    file->count = kept;
}

const char *cnn_weights_metadata(const WeightFile *file, const char *key)
{
    for (int i = 0; i < file->pair_count; i++)
        if (strcmp(file->pairs[i].key, key) == 0)
            return file->pairs[i].value;
    return NULL;
}
