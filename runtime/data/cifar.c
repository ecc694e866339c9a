/* The binary versions of CIFAR-10 and CIFAR-100. A file is a row of records: the label, in CIFAR-100 the
 * coarse and the fine one, then 32 x 32 pixels of red, as many of green, of blue. When the source opens,
 * labels are read and checked; a picture is read when it is needed. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/decode.h"
#include "runtime/data/loose.h"
#include "runtime/data/stamp.h"

enum {
    CIFAR_SIDE = 32,
    CIFAR_PLANE = CIFAR_SIDE * CIFAR_SIDE,
    CIFAR_CHANNELS = 3,
    CIFAR_PIXELS = CIFAR_CHANNELS * CIFAR_PLANE,
    CIFAR_FILES_MOST = 6,
    CIFAR_CLASSES_MOST = 100
};

/* One kind of labels. */
typedef struct {
    const char *names; /* the file of the classes' names; NULL: the version has no such labels */
    int byte;          /* which of the record's label bytes */
    int classes;
} CifarLabels;

/* What a version consists of. */
typedef struct {
    const char *title;
    const char *files[CIFAR_FILES_MOST]; /* the last one is the test part */
    int file_count;
    int label_bytes;       /* before the pixels of a record */
    CifarLabels labels[2]; /* by the word of `labels` */
} CifarVersion;

static const CifarVersion cifar_versions[] = {
    {.title = "CIFAR-10",
     .files = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
               "data_batch_5.bin", "test_batch.bin"},
     .file_count = 6,
     .label_bytes = 1,
     .labels = {{"batches.meta.txt", 0, 10}}},
    {.title = "CIFAR-100",
     .files = {"train.bin", "test.bin"},
     .file_count = 2,
     .label_bytes = 2,
     .labels = {{"fine_label_names.txt", 1, 100}, {"coarse_label_names.txt", 0, 20}}},
};
enum { CIFAR_VERSIONS = sizeof cifar_versions / sizeof *cifar_versions };

typedef struct {
    Source source;
    const CifarVersion *version;
    const CifarLabels *labels;
    Extent file[CIFAR_FILES_MOST];
    int64_t first[CIFAR_FILES_MOST + 1]; /* number of each file's first sample; behind the last, all */
    unsigned char *label;
    char *names; /* the file of the names, cut into lines */
    const char *class_name[CIFAR_CLASSES_MOST];
} CifarSource;

typedef struct {
    const char *folder;
    int labels;
} CifarArgs;

static const Field cifar_fields[] = {
    FIELD(CifarArgs, folder, FIELD_TEXT, .path = true,
          .doc = "folder that holds the .bin files and the names of classes"),
    FIELD(CifarArgs, labels, FIELD_WORD, .preset = "fine", .words = "fine coarse", .named_only = true,
          .doc = "of CIFAR-100: its 100 classes, or the 20 that they are grouped in"),
    FIELDS_END,
};
const Schema cifar_schema = {
    .word = "cifar",
    .doc = "The binary version of CIFAR-10 (data_batch_1.bin to 5, test_batch.bin, batches.meta.txt) or of "
           "CIFAR-100 (train.bin, test.bin, fine_label_names.txt, coarse_label_names.txt). Their test part "
           "is the test part here. Pictures are read when they are needed.",
    .source = "Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009; "
              "https://www.cs.toronto.edu/~kriz/cifar.html",
    .places = IN_DATA | IN_SOURCE,
    .fields = cifar_fields,
    .args_bytes = sizeof(CifarArgs),
    .example = "cifar \"data/cifar-10-batches-bin\"",
};

static size_t cifar_record(const CifarSource *cifar)
{
    return (size_t)cifar->version->label_bytes + CIFAR_PIXELS;
}

/* Tells the version by the first file of each. */
static CnnStatus cifar_find_version(CifarSource *cifar, const Listing *files, const char *folder,
                                    CnnError *error)
{
    char name[NAME_BYTES];
    for (int v = 0; v < CIFAR_VERSIONS; v++) {
        if (!listing_has(files, cifar_versions[v].files[0]))
            continue;
        if (cifar->version)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "'%s' holds CIFAR-10 and CIFAR-100: a folder for each is needed",
                            name_printable(folder, name));
        cifar->version = &cifar_versions[v];
    }
    if (cifar->version)
        return CNN_OK;
    bool python = listing_has(files, "data_batch_1") || listing_has(files, "train");
    return cnn_fail(error, CNN_BAD_INPUT,
                    "'%s' holds neither data_batch_1.bin of CIFAR-10 nor train.bin of CIFAR-100%s",
                    name_printable(folder, name),
                    python ? ", but their Python version: the binary version is needed" : "");
}

/* All files of the version are needed. */
static CnnStatus cifar_check_parts(const CifarSource *cifar, const Listing *files, const char *folder,
                                   CnnError *error)
{
    char name[NAME_BYTES];
    for (int f = 0; f <= cifar->version->file_count; f++) {
        const char *wanted = f < cifar->version->file_count ? cifar->version->files[f] : cifar->labels->names;
        if (!listing_has(files, wanted))
            return cnn_fail(error, CNN_BAD_INPUT, "'%s' lacks %s, a part of %s", name_printable(folder, name),
                            wanted, cifar->version->title);
    }
    return CNN_OK;
}

static CnnStatus cifar_choose(CifarSource *cifar, int labels, const Tree *tree, const char *folder,
                              CnnError *error)
{
    Listing files = {0};
    CnnStatus status = tree->list(tree, &files, folder, ENTRY_FILE, error);
    if (status == CNN_OK)
        status = cifar_find_version(cifar, &files, folder, error);
    if (status == CNN_OK) {
        cifar->labels = &cifar->version->labels[labels];
        status = cifar->labels->names ? cifar_check_parts(cifar, &files, folder, error)
                                      : cnn_fail(error, CNN_BAD_INPUT, "labels=coarse: %s has no such labels",
                                                 cifar->version->title);
    }
    listing_free(&files);
    return status;
}

/* Opens the files, which tell by their size how many records they hold. */
static CnnStatus cifar_open_files(CifarSource *cifar, const Tree *tree, const char *folder, CnnError *error)
{
    char path[PATH_MAX], name[NAME_BYTES];
    size_t record = cifar_record(cifar);
    for (int f = 0; f < cifar->version->file_count; f++) {
        Extent *file = &cifar->file[f];
        TRY(path_join(folder, cifar->version->files[f], path, error));
        TRY(tree->open(tree, path, file, error));
        if (file->size == 0 || file->size % record != 0)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "%s: holds %llu bytes, which are not whole records of %zu bytes, as %s has them",
                            name_printable(path, name), (unsigned long long)file->size, record,
                            cifar->version->title);
        cifar->first[f + 1] = cifar->first[f] + (int64_t)(file->size / record);
    }
    return CNN_OK;
}

/* Reads the names of the classes: a line for each. */
static CnnStatus cifar_read_names(CifarSource *cifar, const Tree *tree, const char *folder, CnnError *error)
{
    char path[PATH_MAX], name[NAME_BYTES];
    Bytes file = {0};
    TRY(path_join(folder, cifar->labels->names, path, error));
    CnnStatus status = tree->load(tree, path, &file, error);
    if (status == CNN_OK && !(cifar->names = strndup(file.size ? (const char *)file.data : "", file.size)))
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of classes");
    bytes_free(&file);
    TRY(status);
    int count = 0;
    char *rest;
    for (char *line = strtok_r(cifar->names, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        if (count++ < cifar->labels->classes)
            cifar->class_name[count - 1] = line;
    if (count != cifar->labels->classes)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: holds %d names; %d classes have one",
                        name_printable(path, name), count, cifar->labels->classes);
    return CNN_OK;
}

/* Reads the labels of file `f`, `most` records at a time. */
static CnnStatus cifar_read_labels(CifarSource *cifar, int f, unsigned char *records, int64_t most,
                                   CnnError *error)
{
    char name[NAME_BYTES];
    const Extent *file = &cifar->file[f];
    size_t record = cifar_record(cifar);
    int64_t count = cifar->first[f + 1] - cifar->first[f];
    for (int64_t done = 0; done < count;) {
        int64_t block = count - done < most ? count - done : most;
        TRY(extent_read(file, records, (size_t)block * record, (uint64_t)done * record, error));
        for (int64_t i = 0; i < block; i++, done++) {
            unsigned char label = records[(size_t)i * record + (size_t)cifar->labels->byte];
            if (label >= cifar->labels->classes)
                return cnn_fail(
                    error, CNN_BAD_INPUT, "%s[%lld]: its label is %d, but classes go from 0 to %d",
                    name_printable(file->path, name), (long long)done, label, cifar->labels->classes - 1);
            cifar->label[cifar->first[f] + done] = label;
        }
    }
    return CNN_OK;
}

static CnnStatus cifar_read_all_labels(CifarSource *cifar, CnnError *error)
{
    enum { RECORDS = 64 };
    int files = cifar->version->file_count;
    cifar->label = malloc((size_t)cifar->first[files]);
    unsigned char *records = malloc(RECORDS * cifar_record(cifar));
    CnnStatus status = CNN_OK;
    if (!cifar->label || !records)
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld labels",
                          (long long)cifar->first[files]);
    for (int f = 0; f < files && status == CNN_OK; f++)
        status = cifar_read_labels(cifar, f, records, RECORDS, error);
    free(records);
    return status;
}

static CnnStatus cifar_load(CifarSource *cifar, const CifarArgs *args, const Tree *tree, const char *base,
                            CnnError *error)
{
    char folder[PATH_MAX];
    TRY(tree->resolve(tree, base, args->folder, folder, error));
    TRY(cifar_choose(cifar, args->labels, tree, folder, error));
    TRY(cifar_open_files(cifar, tree, folder, error));
    TRY(cifar_read_names(cifar, tree, folder, error));
    TRY(cifar_read_all_labels(cifar, error));
    int test = cifar->version->file_count - 1;
    cifar->source.info = (SourceInfo){.count = cifar->first[test],
                                      .test_count = cifar->first[test + 1] - cifar->first[test],
                                      .height = CIFAR_SIDE,
                                      .width = CIFAR_SIDE,
                                      .channels = CIFAR_CHANNELS,
                                      .classes = cifar->labels->classes,
                                      .class_names = cifar->class_name,
                                      .ranged = true,
                                      .low = 0,
                                      .high = 255,
                                      .container = true};
    return CNN_OK;
}

/* The file that a sample is in; *index becomes its number there. */
static const Extent *cifar_file(const CifarSource *cifar, int64_t *index)
{
    int f = 0;
    while (*index >= cifar->first[f + 1])
        f++;
    *index -= cifar->first[f];
    return &cifar->file[f];
}

static CnnStatus cifar_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                              Picture *out, CnnError *error)
{
    (void)want_height;
    (void)want_width;
    const CifarSource *cifar = (const CifarSource *)source;
    const Extent *file = cifar_file(cifar, &index);
    unsigned char *planes;
    TRY(picture_reserve(out, CIFAR_SIDE, CIFAR_SIDE, CIFAR_CHANNELS, DTYPE_U8, error));
    TRY(decoder_bytes(out, CIFAR_PIXELS, &planes, error));
    TRY(extent_read(file, planes, CIFAR_PIXELS,
                    (uint64_t)index * cifar_record(cifar) + (uint64_t)cifar->version->label_bytes, error));
    unsigned char *pixel = out->data;
    for (int i = 0; i < CIFAR_PLANE; i++)
        for (int c = 0; c < CIFAR_CHANNELS; c++)
            *pixel++ = planes[c * CIFAR_PLANE + i];
    return CNN_OK;
}

static double cifar_label(Source *source, int64_t index)
{
    return ((const CifarSource *)source)->label[index];
}

static void cifar_name(Source *source, int64_t index, char *out, size_t bytes)
{
    char name[NAME_BYTES];
    const Extent *file = cifar_file((const CifarSource *)source, &index);
    snprintf(out, bytes, "%s[%lld]", name_printable(file->path, name), (long long)index);
}

static void cifar_stamp(Source *source, Stamp *stamp)
{
    const CifarSource *cifar = (const CifarSource *)source;
    stamp_place(stamp, cifar->file[0].path);
    for (int f = 0; f < cifar->version->file_count; f++)
        stamp_file(stamp, cifar->file[f].path, cifar->version->files[f]);
}

static void cifar_close(Source *source)
{
    CifarSource *cifar = (CifarSource *)source;
    for (int f = 0; f < CIFAR_FILES_MOST; f++)
        extent_close(&cifar->file[f]);
    free(cifar->label);
    free(cifar->names);
    free(cifar);
}

static CnnStatus cifar_open(const void *args, const Tree *tree, const char *base, Source **out,
                            CnnError *error)
{
    CifarSource *cifar = calloc(1, sizeof *cifar);
    if (!cifar)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'",
                        ((const CifarArgs *)args)->folder);
    cifar->source = (Source){.read = cifar_sample,
                             .label = cifar_label,
                             .name = cifar_name,
                             .stamp = cifar_stamp,
                             .close = cifar_close};
    CnnStatus status = cifar_load(cifar, args, tree, base, error);
    if (status == CNN_OK)
        *out = &cifar->source;
    else
        cifar_close(&cifar->source);
    return status;
}

const SourceKind source_cifar = {.schema = &cifar_schema, .open_in = cifar_open, .loose = loose_as_pictures};
