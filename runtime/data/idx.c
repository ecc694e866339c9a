/* The four files that MNIST and sets like it come in. When the source opens, labels are read and the headers
 * of the pictures checked; the pictures, which take a while to decompress, are read with the first sample,
 * and held in memory. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/idx_array.h"
#include "runtime/data/labels.h"
#include "runtime/data/loose.h"
#include "runtime/data/stamp.h"

typedef struct {
    Source source;
    IdxArray images[2]; /* training part, test part */
    IdxArray labels;    /* of one part, while the source opens */
    atomic_bool loaded; /* images' data is there; set under lock */
    pthread_mutex_t lock;
    int32_t *label; /* of both parts */
    int64_t sample_bytes;
} IdxSource;

typedef struct {
    const char *folder;
} IdxArgs;

static const Field idx_fields[] = {
    FIELD(IdxArgs, folder, FIELD_TEXT, .path = true, .doc = "folder that holds the four files"),
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

/* Where the files are looked for. */
typedef struct {
    const Tree *tree;
    const char *folder;
    Listing files; /* of it */
} IdxFolder;

/* Finds FOLDER/NAME, with a '.' for the '-' before "idx" as some copies have it, or with .gz. */
static CnnStatus idx_find(const IdxFolder *in, const char *name, char path[PATH_MAX], bool *found,
                          CnnError *error)
{
    char file[64];
    *found = false;
    for (int variant = 0; variant < 4 && !*found; variant++) {
        snprintf(file, sizeof file, "%s%s", name, variant & 1 ? ".gz" : "");
        if (variant & 2)
            *strstr(file, "-idx") = '.';
        *found = listing_has(&in->files, file);
    }
    return *found ? path_join(in->folder, file, path, error) : CNN_OK;
}

/* Reads pictures and labels of one part; the labels go to idx->label from `first` on. */
static CnnStatus idx_open_part(IdxSource *idx, const Tree *tree, int part, int64_t first, CnnError *error)
{
    char name[NAME_BYTES];
    IdxArray *images = &idx->images[part], *labels = &idx->labels;
    TRY(idx_array_open(tree, images, 3, 4, error));
    TRY(idx_array_open(tree, labels, 1, 1, error));
    TRY(idx_array_load(labels, error));
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

static CnnStatus idx_open_all(IdxSource *idx, const IdxFolder *in, CnnError *error)
{
    static const char *const names[2][2] = {{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
                                            {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}};
    char name[NAME_BYTES];
    IdxArray *train = &idx->images[0], *test = &idx->images[1];
    SourceInfo *info = &idx->source.info;
    for (int part = 0; part < 2; part++) {
        bool images_found, labels_found;
        TRY(idx_find(in, names[part][0], idx->images[part].path, &images_found, error));
        TRY(idx_find(in, names[part][1], idx->labels.path, &labels_found, error));
        if (part == 1 && !images_found && !labels_found)
            break; /* a test part of its own is not needed */
        if (!images_found || !labels_found)
            return cnn_fail(error, CNN_BAD_INPUT, "there is no %s, nor with .gz, in %s",
                            names[part][images_found ? 1 : 0], name_printable(in->folder, name));
        TRY(idx_open_part(idx, in->tree, part, info->count, error));
        *(part ? &info->test_count : &info->count) = idx->images[part].dim[0];
        idx_array_free(&idx->labels);
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

/* Reads the pictures, once, whichever thread comes first. */
static CnnStatus idx_load_images(IdxSource *idx, CnnError *error)
{
    CnnStatus status = CNN_OK;
    if (atomic_load(&idx->loaded))
        return CNN_OK;
    pthread_mutex_lock(&idx->lock);
    for (int part = 0; part < 2 && status == CNN_OK; part++)
        if (idx->images[part].rank > 0)
            status = idx_array_load(&idx->images[part], error);
    atomic_store(&idx->loaded, status == CNN_OK);
    pthread_mutex_unlock(&idx->lock);
    return status;
}

static CnnStatus idx_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                            Picture *out, CnnError *error)
{
    (void)want_height;
    (void)want_width;
    IdxSource *idx = (IdxSource *)source;
    const SourceInfo *info = &source->info;
    int part = index >= info->count;
    int64_t at = part ? index - info->count : index;
    TRY(idx_load_images(idx, error));
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

static void idx_stamp(Source *source, Stamp *stamp)
{
    const IdxSource *idx = (const IdxSource *)source;
    stamp_place(stamp, idx->images[0].path);
    for (int part = 0; part < 2 && idx->images[part].rank > 0; part++)
        stamp_file(stamp, idx->images[part].path, part ? "test" : "train");
}

static void idx_close(Source *source)
{
    IdxSource *idx = (IdxSource *)source;
    idx_array_free(&idx->images[0]);
    idx_array_free(&idx->images[1]);
    idx_array_free(&idx->labels);
    pthread_mutex_destroy(&idx->lock);
    free(idx->label);
    free(idx);
}

static CnnStatus idx_open(const void *args, const Tree *tree, const char *base, Source **out, CnnError *error)
{
    char folder[PATH_MAX];
    TRY(tree->resolve(tree, base, ((const IdxArgs *)args)->folder, folder, error));
    IdxFolder in = {.tree = tree, .folder = folder};
    IdxSource *idx = calloc(1, sizeof *idx);
    if (!idx)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open %s", folder);
    idx->source = (Source){
        .read = idx_sample, .label = idx_label, .name = idx_name, .stamp = idx_stamp, .close = idx_close};
    idx->source.info = (SourceInfo){.ranged = true, .low = 0, .high = 255, .container = true};
    pthread_mutex_init(&idx->lock, NULL);
    CnnStatus status = tree->list(tree, &in.files, folder, ENTRY_FILE, error);
    if (status == CNN_OK)
        status = idx_open_all(idx, &in, error);
    listing_free(&in.files);
    if (status == CNN_OK)
        *out = &idx->source;
    else
        idx_close(&idx->source);
    return status;
}

const SourceKind source_idx = {.schema = &idx_schema, .open_in = idx_open, .loose = loose_as_pictures};
