/* MNIST's files (http://yann.lecun.com/exdb/mnist, "the IDX file format"): a magic number of two zero bytes,
 * the type of the elements and the number of dimensions; the dimensions, big-endian; the elements. Four
 * files, each plain or compressed with gzip. They are small, so all is read when the source opens, and
 * nothing can fail afterwards. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "runtime/data/files.h"
#include "runtime/data/labels.h"
#include "runtime/memory.h"

enum { IDX_UNSIGNED_BYTE = 8, IDX_FIRST_READ = 1 << 20, IDX_ZLIB_BUFFER = 128 << 10 };

typedef struct {
    char path[PATH_MAX];
    int rank;
    int64_t dim[4];
    uint64_t bytes;
    unsigned char *data;
} IdxArray;

typedef struct {
    Source source;
    IdxArray images[2]; /* training part, test part */
    int32_t *label;     /* of both parts */
    int64_t sample_bytes;
} IdxSource;

typedef struct {
    const char *folder;
} IdxArgs;

static const Field idx_fields[] = {
    FIELD(IdxArgs, folder, FIELD_TEXT, .doc = "folder that holds the four files"),
    FIELDS_END,
};
const Schema idx_schema = {
    .word = "idx",
    .doc = "The four files that MNIST and Fashion-MNIST come in (train-images-idx3-ubyte and so on), plain "
           "or .gz. Their "
           "test part is the test part here. The files are held in memory.",
    .source = "LeCun, Cortes, Burges: The MNIST database, section on file formats",
    .places = IN_DATA | IN_SOURCE,
    .fields = idx_fields,
    .args_bytes = sizeof(IdxArgs),
    .example = "idx \"/usr/share/datasets/fashion-mnist\"",
};

/* Finds FOLDER/NAME, with a '.' for the '-' before "idx" as some copies have it, or with .gz. */
static CnnStatus idx_find(const char *folder, const char *name, char path[PATH_MAX], bool *found,
                          CnnError *error)
{
    char file[64];
    *found = false;
    for (int variant = 0; variant < 4 && !*found; variant++) {
        snprintf(file, sizeof file, "%s%s", name, variant & 1 ? ".gz" : "");
        if (variant & 2)
            *strstr(file, "-idx") = '.';
        TRY(path_join(folder, file, path, error));
        *found = access(path, F_OK) == 0;
    }
    return CNN_OK;
}

static CnnStatus idx_fail(const IdxArray *array, CnnError *error, const char *text)
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
            return idx_fail(array, error, "damaged gzip file");
        *got += (size_t)count;
    }
    int code = Z_OK;
    gzerror(file, &code);
    return code == Z_BUF_ERROR ? idx_fail(array, error, "gzip file cut short") : CNN_OK;
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
        return idx_fail(array, error, "not an IDX file: it does not begin with two zero bytes and a type");
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
            return idx_fail(array, error, "it ends within its header");
        array->dim[i] = (int64_t)size[0] << 24 | (int64_t)size[1] << 16 | (int64_t)size[2] << 8 | size[3];
        if (!cnn_multiply(array->bytes, (uint64_t)array->dim[i], &array->bytes))
            return idx_fail(array, error, "its header tells of more bytes than there can be");
    }
    return array->bytes > 0 ? CNN_OK : idx_fail(array, error, "holds nothing: one of its dimensions is 0");
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
    return got == 0 ? CNN_OK : idx_fail(array, error, "it holds more bytes than its header tells of");
}

/* Reads array->path. */
static CnnStatus idx_load(IdxArray *array, int rank_least, int rank_most, CnnError *error)
{
    int descriptor;
    uint64_t size;
    TRY(file_open(array->path, &descriptor, &size, error));
    gzFile file = gzdopen(descriptor, "rb");
    if (!file) {
        close(descriptor);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to read %s", array->path);
    }
    gzbuffer(file, IDX_ZLIB_BUFFER);
    CnnStatus status = idx_header(array, file, rank_least, rank_most, error);
    if (status == CNN_OK)
        status = idx_data(array, file, error);
    gzclose(file);
    return status;
}

/* Reads pictures and labels of one part; the labels go to idx->label from `first` on. */
static CnnStatus idx_load_part(IdxSource *idx, int part, int64_t first, IdxArray *labels, CnnError *error)
{
    char name[NAME_BYTES];
    IdxArray *images = &idx->images[part];
    TRY(idx_load(images, 3, 4, error));
    TRY(idx_load(labels, 1, 1, error));
    int64_t count = images->dim[0];
    if (labels->dim[0] != count)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: holds %lld labels for the %lld pictures beside it",
                        name_printable(labels->path, name), (long long)labels->dim[0], (long long)count);
    int32_t *label = realloc(idx->label, sizeof *label * (size_t)(first + count));
    if (!label)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the labels of %s", labels->path);
    idx->label = label;
    for (int64_t i = 0; i < count; i++)
        label[first + i] = labels->data[i];
    return CNN_OK;
}

static CnnStatus idx_load_all(IdxSource *idx, const char *folder, IdxArray *labels, CnnError *error)
{
    static const char *const names[2][2] = {{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
                                            {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}};
    char name[NAME_BYTES];
    IdxArray *train = &idx->images[0], *test = &idx->images[1];
    SourceInfo *info = &idx->source.info;
    for (int part = 0; part < 2; part++) {
        bool images_found, labels_found;
        TRY(idx_find(folder, names[part][0], idx->images[part].path, &images_found, error));
        TRY(idx_find(folder, names[part][1], labels->path, &labels_found, error));
        if (part == 1 && !images_found && !labels_found)
            break; /* a test part of its own is not needed */
        if (!images_found || !labels_found)
            return cnn_fail(error, CNN_BAD_INPUT, "there is no %s, nor with .gz, in %s",
                            names[part][images_found ? 1 : 0], name_printable(folder, name));
        TRY(idx_load_part(idx, part, info->count, labels, error));
        *(part ? &info->test_count : &info->count) = idx->images[part].dim[0];
        free(labels->data);
        labels->data = NULL;
    }
    if (info->test_count &&
        (train->rank != test->rank || memcmp(train->dim + 1, test->dim + 1, 3 * sizeof *train->dim)))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: its pictures are not of the size of the training part's",
                        name_printable(test->path, name));
    info->height = train->dim[1];
    info->width = train->dim[2];
    info->channels = train->rank == 4 ? train->dim[3] : 1;
    idx->sample_bytes = info->height * info->width * info->channels;
    return labels_classes(idx->label, info->count + info->test_count, train->path, &info->classes, error);
}

static CnnStatus idx_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                            Picture *out, CnnError *error)
{
    (void)want_height;
    (void)want_width;
    const IdxSource *idx = (const IdxSource *)source;
    const SourceInfo *info = &source->info;
    int part = index >= info->count;
    int64_t at = part ? index - info->count : index;
    TRY(picture_reserve(out, info->height, info->width, info->channels, DTYPE_U8, error));
    memcpy(out->data, idx->images[part].data + at * idx->sample_bytes, (size_t)idx->sample_bytes);
    return CNN_OK;
}

static double idx_label(Source *source, int64_t index)
{
    return ((const IdxSource *)source)->label[index];
}

static void idx_name(Source *source, int64_t index, char *out, size_t bytes)
{
    const IdxSource *idx = (const IdxSource *)source;
    char name[NAME_BYTES];
    int part = index >= source->info.count;
    snprintf(out, bytes, "%s[%lld]", name_printable(idx->images[part].path, name),
             (long long)(part ? index - source->info.count : index));
}

static void idx_close(Source *source)
{
    IdxSource *idx = (IdxSource *)source;
    free(idx->images[0].data);
    free(idx->images[1].data);
    free(idx->label);
    free(idx);
}

static CnnStatus idx_open(const void *args, const char *base, Source **out, CnnError *error)
{
    char folder[PATH_MAX];
    TRY(path_resolve(base, ((const IdxArgs *)args)->folder, folder, error));
    IdxSource *idx = calloc(1, sizeof *idx);
    IdxArray *labels = calloc(1, sizeof *labels);
    CnnStatus status;
    if (idx && labels) {
        idx->source = (Source){.read = idx_sample, .label = idx_label, .name = idx_name, .close = idx_close};
        idx->source.info = (SourceInfo){.ranged = true, .low = 0, .high = 255, .container = true};
        status = idx_load_all(idx, folder, labels, error);
    } else {
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open %s", folder);
    }
    if (labels)
        free(labels->data);
    free(labels);
    if (status == CNN_OK)
        *out = &idx->source;
    else if (idx)
        idx_close(&idx->source);
    return status;
}

const SourceKind source_idx = {.schema = &idx_schema, .open = idx_open};
