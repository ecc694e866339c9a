/* Samples and labels in numpy's arrays: .npy files, or the members of an .npz archive. Samples stay where
 * they are and are read one by one, or are pictures whose paths the array holds; labels are read when the
 * source opens. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/array_files.h"
#include "runtime/data/array_labels.h"
#include "runtime/data/loose.h"
#include "runtime/data/pictures.h"
#include "runtime/data/stamp.h"
#include "runtime/file.h"

typedef struct {
    Source source;
    Npy x[PART_COUNT];             /* not open: the source has no such part of its own */
    int64_t first[PART_COUNT + 1]; /* number of each part's first sample; behind the last, all */
    uint64_t sample_count;         /* elements of a sample */
    ArrayLabels labels;
    Pictures pictures; /* of x that holds paths */
    ArrayFiles files;
} ArraysSource;

typedef struct {
    const char *file, *x, *y, *x_validation, *y_validation, *x_test, *y_test, *root;
    int channels;
} ArraysArgs;

static const Field arrays_fields[] = {
    FIELD(ArraysArgs, file, FIELD_TEXT, .path = true, .preset = "",
          .doc = ".npz file that holds the arrays; the others then are names in it"),
    FIELD(ArraysArgs, x, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = ".npy file of the samples: samples x height x width x channels, samples x height x width, "
                 "samples x values, or paths of pictures; in an .npz file x or x_train when absent"),
    FIELD(ArraysArgs, y, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = ".npy file of the labels, one for each sample: integers (from 0), one-hot rows or texts are "
                 "classes, reals are learnt as numbers; in an .npz file y or y_train when absent"),
    FIELD(ArraysArgs, x_validation, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "samples of the validation part; in an .npz file x_val where that is there"),
    FIELD(ArraysArgs, y_validation, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "their labels"),
    FIELD(ArraysArgs, x_test, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "samples of the test part; in an .npz file x_test where that is there"),
    FIELD(ArraysArgs, y_test, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "their labels"),
    FIELD(ArraysArgs, root, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "of paths: the folder that they start from; the array's own when absent"),
    PICTURES_CHANNELS_FIELD(ArraysArgs),
    FIELDS_END,
};
const Schema arrays_schema = {
    .word = "arrays",
    .doc = "Samples and labels in numpy's .npy files or in an .npz file: bool, u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 "
           "f8 and text, in either byte order. Samples are read when they are needed, so the file may be "
           "larger than the memory, unless it is compressed or in Fortran order.",
    .source = "numpy.lib.format, versions 1.0 to 3.0",
    .places = IN_DATA | IN_SOURCE,
    .fields = arrays_fields,
    .args_bytes = sizeof(ArraysArgs),
    .example = "arrays x=\"x.npy\", y=\"y.npy\"",
};

/* The names of the arrays of each part; NULL: there is no such part. */
typedef struct {
    const char *x, *y;
} ArrayNames;

/* Finds out which arrays are meant: in an .npz file without x= and y=, those of the usual names. */
static CnnStatus arrays_choose(const ArraysArgs *args, const ArrayFiles *files, ArrayNames names[PART_COUNT],
                               CnnError *error)
{
    static const ArrayNames usual[][PART_COUNT] = {
        {{"x", "y"}, {"x_validation", "y_validation"}, {"x_test", "y_test"}},
        {{"x_train", "y_train"}, {"x_val", "y_val"}, {"x_test", "y_test"}}};
    const ArrayNames given[PART_COUNT] = {
        {args->x, args->y}, {args->x_validation, args->y_validation}, {args->x_test, args->y_test}};
    const bool search = array_files_are_members(files) && !args->x && !args->y;
    for (int part = 0; part < PART_COUNT; part++) {
        names[part] = given[part];
        for (size_t i = 0; i < 2 && search && !names[part].x && !names[part].y; i++)
            if (array_files_have(files, usual[i][part].x) || array_files_have(files, usual[i][part].y))
                names[part] = usual[i][part];
        if (!names[part].x != !names[part].y)
            return cnn_fail(error, CNN_BAD_INPUT, "'arrays' needs %s= and %s=, both or none",
                            usual[0][part].x, usual[0][part].y);
    }
    if (names[PART_TRAIN].x)
        return CNN_OK;
    if (search)
        return array_files_lack(
            files, "neither x and y nor x_train and y_train, and x= and y= name no others", error);
    return cnn_fail(error, CNN_BAD_INPUT, "'arrays' needs x= and y=, or an .npz file");
}

/* Height, width and channels of a sample, from the shape of x. */
enum { FEW_CHANNELS = 4 }; /* a picture has no more */

static CnnStatus arrays_shape(ArraysSource *arrays, CnnError *error)
{
    char name[NAME_BYTES];
    const Npy *x = &arrays->x[PART_TRAIN];
    SourceInfo *info = &arrays->source.info;
    const int64_t *dim = x->shape.value;
    if (x->shape.count < 2 || x->shape.count > 4)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: has %d dimensions; samples x height x width x channels are needed",
                        name_printable(x->file.path, name), x->shape.count);
    bool flat = x->shape.count == 2;
    info->height = flat ? 1 : dim[1];
    info->width = flat ? 1 : dim[2];
    info->channels = flat ? dim[1] : x->shape.count == 4 ? dim[3] : 1;
    arrays->sample_count = x->count / (uint64_t)dim[0];
    info->ranged = npy_range(x->type, &info->low, &info->high);
    info->container = true;
    /* colours first, or one channel of a square picture: 1 x time x sensors is another thing */
    info->channels_first =
        x->shape.count == 4 && info->width > FEW_CHANNELS && info->channels > FEW_CHANNELS &&
        (info->height == 3 || info->height == 4 || (info->height == 1 && info->width == info->channels));
    return CNN_OK;
}

/* Samples of all parts must be alike. */
static CnnStatus arrays_check_part(const ArraysSource *arrays, int part, CnnError *error)
{
    char name[NAME_BYTES];
    const Npy *train = &arrays->x[PART_TRAIN], *x = &arrays->x[part];
    bool same = (npy_is_text(x->type) ? npy_is_text(train->type) : x->type == train->type) &&
                x->shape.count == train->shape.count;
    for (int d = 1; d < x->shape.count && same; d++)
        same = x->shape.value[d] == train->shape.value[d];
    if (same)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "%s: its samples have another shape or type than those of the training part",
                    name_printable(x->file.path, name));
}

/* Takes the paths that an array holds. */
static CnnStatus arrays_add_paths(ArraysSource *arrays, const Npy *x, CnnError *error)
{
    char name[NAME_BYTES];
    if (x->count != (uint64_t)x->shape.value[0])
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: has %d dimensions of text; one path for each sample is needed",
                        name_printable(x->file.path, name), x->shape.count);
    unsigned char *raw = malloc(x->element_bytes);
    char *path = malloc(x->element_bytes + 1);
    CnnStatus status = CNN_OK;
    if (!raw || !path)
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to read paths");
    for (uint64_t i = 0; i < x->count && status == CNN_OK; i++) {
        status = npy_read(x, i, 1, raw, error);
        if (status != CNN_OK)
            break;
        const char *wrong = !npy_to_text(x, raw, path) ? "not text"
                            : *path == '\0'            ? "empty"
                            : *path == '/' && arrays->pictures.members.tree != &file_tree
                                ? "an absolute path, which leads out of the archive"
                                : NULL;
        status = wrong ? cnn_fail(error, CNN_BAD_INPUT, "%s: path %llu is %s",
                                  name_printable(x->file.path, name), (unsigned long long)i, wrong)
                       : listing_add(&arrays->pictures.members.paths, "", path, error);
    }
    free(raw);
    free(path);
    return status;
}

/* Settles what paths start from, and the channels of the pictures. */
static CnnStatus arrays_find_pictures(ArraysSource *arrays, const ArraysArgs *args, CnnError *error)
{
    Pictures *pictures = &arrays->pictures;
    SourceInfo *info = &arrays->source.info;
    const ArrayFiles *files = &arrays->files;
    const char *path =
        array_files_are_members(files) ? files->npz.file.path : arrays->x[PART_TRAIN].file.path;
    size_t folder = cnn_path_folder(path);
    pictures->channels = pictures_channels(args->channels);
    if (args->root)
        TRY(files->tree->resolve(files->tree, files->base, args->root, pictures->members.root, error));
    else
        snprintf(pictures->members.root, sizeof pictures->members.root, "%.*s",
                 (int)(folder > 1 ? folder - 1 : folder), path);
    TRY(pictures_look(pictures, path, error));
    TRY(pictures_find_channels(pictures, info->count, error));
    info->channels = pictures->channels;
    info->ranged = true;
    info->high = 255;
    return CNN_OK;
}

/* Opens the arrays of one part, and takes its labels, and its paths if it has some. */
static CnnStatus arrays_open_part(ArraysSource *arrays, const ArrayNames *names, int part, Npy *y,
                                  CnnError *error)
{
    Npy *x = &arrays->x[part];
    arrays->first[part + 1] = arrays->first[part];
    if (!names->x)
        return CNN_OK;
    TRY(array_files_array(&arrays->files, names->x, x, error));
    TRY(arrays_check_part(arrays, part, error));
    if (npy_is_text(x->type))
        TRY(arrays_add_paths(arrays, x, error));
    TRY(array_files_array(&arrays->files, names->y, y, error));
    arrays->first[part + 1] += x->shape.value[0];
    return array_labels_add(&arrays->labels, y, x->shape.value[0], x->file.path, error);
}

static CnnStatus arrays_open_parts(ArraysSource *arrays, const ArraysArgs *args, Npy y[PART_COUNT],
                                   CnnError *error)
{
    SourceInfo *info = &arrays->source.info;
    ArrayNames names[PART_COUNT];
    TRY(arrays_choose(args, &arrays->files, names, error));
    for (int part = 0; part < PART_COUNT; part++)
        TRY(arrays_open_part(arrays, &names[part], part, &y[part], error));
    const int64_t *first = arrays->first;
    info->count = first[PART_VALIDATION];
    info->validation_count = first[PART_TEST] - first[PART_VALIDATION];
    info->test_count = first[PART_COUNT] - first[PART_TEST];
    TRY(array_labels_finish(&arrays->labels, info->count, y[PART_TRAIN].file.path, error));
    info->classes = arrays->labels.classes;
    info->class_names = arrays->labels.names.name;
    return CNN_OK;
}

static CnnStatus arrays_load(ArraysSource *arrays, const ArraysArgs *args, CnnError *error)
{
    Npy y[PART_COUNT] = {0};
    CnnStatus status = arrays_open_parts(arrays, args, y, error);
    for (int part = 0; part < PART_COUNT; part++)
        npy_close(&y[part]);
    TRY(status);
    if (npy_is_text(arrays->x[PART_TRAIN].type))
        return arrays_find_pictures(arrays, args, error);
    if (args->root || args->channels != 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'root' and 'channels' are for arrays of paths; x holds numbers");
    return arrays_shape(arrays, error);
}

/* The part that a sample belongs to; *index becomes its number there. */
static const Npy *arrays_part(const ArraysSource *arrays, int64_t *index)
{
    int part = 0;
    while (*index >= arrays->first[part + 1])
        part++;
    *index -= arrays->first[part];
    return &arrays->x[part];
}

static CnnStatus arrays_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    (void)want_height;
    (void)want_width;
    const ArraysSource *arrays = (const ArraysSource *)source;
    const SourceInfo *info = &source->info;
    const Npy *x = arrays_part(arrays, &index);
    uint64_t count = arrays->sample_count, first = (uint64_t)index * count;
    unsigned char *raw;
    char name[NAME_BYTES];
    if (x->type == NPY_U1) {
        TRY(picture_reserve(out, info->height, info->width, info->channels, DTYPE_U8, error));
        return npy_read(x, first, count, out->data, error);
    }
    TRY(picture_reserve(out, info->height, info->width, info->channels, DTYPE_F32, error));
    TRY(decoder_bytes(out, (size_t)count * x->element_bytes, &raw, error));
    TRY(npy_read(x, first, count, raw, error));
    npy_to_float(x->type, raw, count, out->data);
    int64_t wrong = npy_is_real(x->type) ? npy_find_not_finite(out->data, count) : -1;
    if (wrong >= 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s[%lld]: value %lld is %g",
                        name_printable(x->file.path, name), (long long)index, (long long)wrong,
                        ((const float *)out->data)[wrong]);
    return CNN_OK;
}

static CnnStatus arrays_picture(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                                Picture *out, CnnError *error)
{
    return pictures_read(&((const ArraysSource *)source)->pictures, index, want_height, want_width, out,
                         error);
}

static double arrays_label(Source *source, int64_t index)
{
    const ArrayLabels *labels = &((const ArraysSource *)source)->labels;
    return labels->real_label ? labels->real_label[index] : labels->class_label[index];
}

static void arrays_name(Source *source, int64_t index, char *out, size_t bytes)
{
    char name[NAME_BYTES];
    const Npy *x = arrays_part((const ArraysSource *)source, &index);
    snprintf(out, bytes, "%s[%lld]", name_printable(x->file.path, name), (long long)index);
}

static void arrays_picture_name(Source *source, int64_t index, char *out, size_t bytes)
{
    members_name(&((const ArraysSource *)source)->pictures.members, index, out, bytes);
}

static void arrays_stamp(Source *source, Stamp *stamp)
{
    const ArraysSource *arrays = (const ArraysSource *)source;
    bool members = array_files_are_members(&arrays->files);
    const Extent *first = members ? &arrays->files.npz.file : &arrays->x[PART_TRAIN].file;
    stamp_place(stamp, first->path);
    stamp_file(stamp, first->path, data_part_names[PART_TRAIN]);
    for (int part = PART_TRAIN + 1; part < PART_COUNT && !members; part++)
        if (arrays->x[part].file.path)
            stamp_file(stamp, arrays->x[part].file.path, data_part_names[part]);
}

static void arrays_picture_stamp(Source *source, Stamp *stamp)
{
    members_stamp(&((const ArraysSource *)source)->pictures.members, stamp);
}

static void arrays_close(Source *source)
{
    ArraysSource *arrays = (ArraysSource *)source;
    for (int part = 0; part < PART_COUNT; part++)
        npy_close(&arrays->x[part]);
    array_labels_free(&arrays->labels);
    members_free(&arrays->pictures.members);
    array_files_close(&arrays->files);
    free(arrays);
}

static CnnStatus arrays_open(const void *args, const Tree *tree, const char *base, Source **out,
                             CnnError *error)
{
    const ArraysArgs *arrays_args = args;
    ArraysSource *arrays = calloc(1, sizeof *arrays);
    if (!arrays)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open arrays");
    arrays->source = (Source){.read = arrays_sample,
                              .label = arrays_label,
                              .name = arrays_name,
                              .stamp = arrays_stamp,
                              .close = arrays_close};
    arrays->pictures.members.tree = tree;
    CnnStatus status = array_files_open(tree, base, arrays_args->file, &arrays->files, error);
    if (status == CNN_OK)
        status = arrays_load(arrays, arrays_args, error);
    if (status != CNN_OK) {
        arrays_close(&arrays->source);
        return status;
    }
    if (arrays->pictures.members.paths.count > 0) {
        arrays->source.read = arrays_picture;
        arrays->source.name = arrays_picture_name;
        arrays->source.stamp = arrays_picture_stamp;
    }
    *out = &arrays->source;
    return CNN_OK;
}

const SourceKind source_arrays = {
    .schema = &arrays_schema, .libraries = LIBRARY_FORMATS, .open_in = arrays_open, .loose = loose_as_values};
