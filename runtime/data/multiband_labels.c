/* Where the samples of a scene lie, and which class each has. Classes are numbered by the values of the mask
 * or the list, ascending, and called by them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/csv.h"
#include "runtime/data/decode.h"
#include "runtime/data/multiband.h"

/* Beyond this, not every whole number is a double. */
static const double WHOLE_MOST = 9007199254740992.0;

/* Adds a sample. Its label is the index of its value in multiband->value, which is in the order of appearance
 * until number_classes. */
static CnnStatus add_sample(MultibandSource *multiband, const char *path, int64_t centre, int64_t value,
                            CnnError *error)
{
    char name[NAME_BYTES];
    SourceInfo *info = &multiband->source.info;
    if (multiband->count == multiband->room) {
        size_t room = 2 * multiband->room + 1024;
        int64_t *centres = realloc(multiband->centre, room * sizeof *centres);
        multiband->centre = centres ? centres : multiband->centre;
        int32_t *labels = realloc(multiband->label, room * sizeof *labels);
        multiband->label = labels ? labels : multiband->label;
        if (!centres || !labels)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu tiles", room);
        multiband->room = room;
    }
    /* Neighbours mostly have one class. */
    int32_t label = multiband->count ? multiband->label[multiband->count - 1] : 0;
    if (multiband->count == 0 || multiband->value[label] != value)
        for (label = 0; label < info->classes && multiband->value[label] != value; label++)
            continue;
    if (label == info->classes) {
        if (label == MULTIBAND_CLASSES_MOST)
            return cnn_fail(error, CNN_BAD_INPUT, "%s: has more than %d different values: are they classes?",
                            name_printable(path, name), MULTIBAND_CLASSES_MOST);
        int64_t *values = realloc(multiband->value, (size_t)(label + 1) * sizeof *values);
        if (!values)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %d classes", label + 1);
        multiband->value = values;
        values[label] = value;
        info->classes++;
    }
    multiband->centre[multiband->count] = centre;
    multiband->label[multiband->count++] = label;
    return CNN_OK;
}

/* Brings the classes into the order of their values, and names them. */
static CnnStatus number_classes(MultibandSource *multiband, const char *path, CnnError *error)
{
    char name[NAME_BYTES];
    SourceInfo *info = &multiband->source.info;
    int64_t classes = info->classes;
    if (multiband->count == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: labels no tile of the scene", name_printable(path, name));
    if (classes == 1)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: all %zu labels are %lld: at least two classes are needed",
                        name_printable(path, name), multiband->count, (long long)multiband->value[0]);
    int32_t number[MULTIBAND_CLASSES_MOST];
    for (int64_t a = 0; a < classes; a++) {
        number[a] = 0;
        for (int64_t b = 0; b < classes; b++)
            number[a] += multiband->value[b] < multiband->value[a];
    }
    multiband->class_names = calloc((size_t)classes, sizeof *multiband->class_names);
    for (int64_t c = 0; c < classes; c++)
        if (!multiband->class_names ||
            asprintf(&multiband->class_names[number[c]], "%lld", (long long)multiband->value[c]) < 0) {
            if (multiband->class_names)
                multiband->class_names[number[c]] = NULL;
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of %lld classes",
                            (long long)classes);
        }
    for (size_t i = 0; i < multiband->count; i++)
        multiband->label[i] = number[multiband->label[i]];
    info->count = (int64_t)multiband->count;
    info->class_names = (const char *const *)multiband->class_names;
    return CNN_OK;
}

/* ---- A mask ---- */

/* A mask in any file, read row by row. */
typedef struct {
    const Tree *tree;
    const char *path;
    Scene *scene;    /* of one band; or */
    Picture picture; /* grey */
    void *raw;       /* a row as it is stored, twice */
    double *row;
} Mask;

static CnnStatus mask_fail(const Mask *mask, CnnError *error, const char *reason)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", name_printable(mask->path, name), reason);
}

static CnnStatus mask_open_picture(Mask *mask, CnnError *error)
{
    int channels;
    DecodeOptions options = {.channels = 1};
    TRY(decode_channels(mask->tree, mask->path, &mask->picture, &channels, error));
    if (channels != 1)
        return mask_fail(
            mask, error,
            "a mask has one number for each pixel, and this picture has colours: save it in grey, or "
            "as TIFF or .npy");
    return decode_member(mask->tree, mask->path, &options, &mask->picture, error);
}

static CnnStatus mask_open(Mask *mask, const Scene *scene, CnnError *error)
{
    bool known;
    char name[NAME_BYTES], scene_name[NAME_BYTES];
    CnnError cause = {0};
    CnnStatus status = scene_open(mask->tree, mask->path, false, &mask->scene, &known, &cause);
    if (status != CNN_OK && known)
        return cnn_fail(error, status, "%s", cause.text);
    if (status != CNN_OK)
        TRY(mask_open_picture(mask, error));
    if (mask->scene && mask->scene->bands != 1)
        return mask_fail(mask, error, "a mask has one number for each pixel, and this has several bands");
    int64_t height = mask->scene ? mask->scene->height : mask->picture.height,
            width = mask->scene ? mask->scene->width : mask->picture.width;
    if (height != scene->height || width != scene->width)
        return cnn_fail(error, CNN_BAD_INPUT, "%s is %lld x %lld, but the scene %s is %lld x %lld",
                        name_printable(mask->path, name), (long long)height, (long long)width,
                        name_printable(scene->path, scene_name), (long long)scene->height,
                        (long long)scene->width);
    mask->raw = malloc((size_t)width * 2 * sizeof(double));
    mask->row = malloc((size_t)width * sizeof(double));
    return mask->raw && mask->row ? CNN_OK
                                  : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a row of a mask");
}

static void mask_close(Mask *mask)
{
    scene_close(mask->scene);
    picture_free(&mask->picture);
    free(mask->raw);
    free(mask->row);
}

/* Row y into mask->row. */
static CnnStatus mask_row(Mask *mask, int64_t y, CnnError *error)
{
    if (!mask->scene) {
        const unsigned char *grey = (const unsigned char *)mask->picture.data + y * mask->picture.width;
        for (int64_t x = 0; x < mask->picture.width; x++)
            mask->row[x] = grey[x];
        return CNN_OK;
    }
    int64_t width = mask->scene->width;
    SceneWindow window = {y, 0, 1, width};
    TRY(scene_read(mask->scene, &window, mask->raw, (double *)mask->raw + width, error));
    npy_to_double(mask->scene->type, mask->raw, (uint64_t)width, mask->row);
    return CNN_OK;
}

/* Adds the samples of row y; what is no number is no class. */
static CnnStatus mask_add_row(const Mask *mask, MultibandSource *multiband, const MultibandArgs *args,
                              int64_t y, int64_t first, CnnError *error)
{
    char name[NAME_BYTES];
    int64_t width = multiband->scene->width;
    for (int64_t x = first; x < width; x += args->step) {
        double value = mask->row[x];
        if (isnan(value) || value == (double)args->unlabelled || !multiband_fits(multiband, y, x))
            continue;
        if (!(fabs(value) <= WHOLE_MOST) || value != floor(value))
            return cnn_fail(error, CNN_BAD_INPUT,
                            "%s: row %lld, column %lld is %g; classes are whole numbers",
                            name_printable(mask->path, name), (long long)y, (long long)x, value);
        TRY(add_sample(multiband, mask->path, y * width + x, (int64_t)value, error));
    }
    return CNN_OK;
}

CnnStatus multiband_read_mask(MultibandSource *multiband, const MultibandArgs *args, const char *path,
                              CnnError *error)
{
    Mask mask = {.tree = multiband->tree, .path = path};
    const SourceInfo *info = &multiband->source.info;
    bool inside = multiband->edge == EDGE_INSIDE; /* then the first tile begins at the scene's corner */
    int64_t top = inside ? info->height / 2 : 0, left = inside ? info->width / 2 : 0;
    CnnStatus status = mask_open(&mask, multiband->scene, error);
    for (int64_t y = top; y < multiband->scene->height && status == CNN_OK; y += args->step) {
        status = mask_row(&mask, y, error);
        if (status == CNN_OK)
            status = mask_add_row(&mask, multiband, args, y, left, error);
    }
    mask_close(&mask);
    return status == CNN_OK ? number_classes(multiband, path, error) : status;
}

/* ---- A list ---- */

enum { POINT_ROW, POINT_COLUMN, POINT_LABEL, POINT_FIELDS };
static const char *const point_columns[POINT_FIELDS] = {"row", "column", "label"};

/* A whole number of a field. */
static CnnStatus point_number(const Csv *csv, int column, const char *what, int64_t *value, CnnError *error)
{
    char name[NAME_BYTES], shown[NAME_BYTES], *end;
    const char *text = csv->field[column];
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: the %s '%s' is not a whole number",
                    name_printable(csv->path, name), (long long)csv->line, what, name_printable(text, shown));
}

static CnnStatus point_add(MultibandSource *multiband, const Csv *csv, const int column[POINT_FIELDS],
                           CnnError *error)
{
    char name[NAME_BYTES];
    const Scene *scene = multiband->scene;
    int64_t value[POINT_FIELDS];
    for (int i = 0; i < POINT_FIELDS; i++)
        TRY(point_number(csv, column[i], point_columns[i], &value[i], error));
    int64_t y = value[POINT_ROW], x = value[POINT_COLUMN];
    if (y < 0 || y >= scene->height || x < 0 || x >= scene->width)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s:%lld: row %lld, column %lld lies outside the scene of %lld x %lld",
                        name_printable(csv->path, name), (long long)csv->line, (long long)y, (long long)x,
                        (long long)scene->height, (long long)scene->width);
    if (!multiband_fits(multiband, y, x))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s:%lld: the tile around row %lld, column %lld goes beyond the scene; edge=reflect "
                        "fills it up",
                        name_printable(csv->path, name), (long long)csv->line, (long long)y, (long long)x);
    return add_sample(multiband, csv->path, y * scene->width + x, value[POINT_LABEL], error);
}

static CnnStatus points_read(MultibandSource *multiband, Csv *csv, const Bytes *bytes, CnnError *error)
{
    char name[NAME_BYTES];
    int column[POINT_FIELDS];
    bool found;
    TRY(csv_open(csv, csv->path, bytes->data, bytes->size, error));
    for (int i = 0; i < POINT_FIELDS; i++) {
        column[i] = csv_column(csv, point_columns[i]);
        if (column[i] < 0)
            return cnn_fail(error, CNN_BAD_INPUT, "%s: %s '%s'; row, column and label are needed",
                            name_printable(csv->path, name),
                            column[i] == -1 ? "has no column" : "has several columns", point_columns[i]);
    }
    for (;;) {
        TRY(csv_next(csv, &found, error));
        if (!found)
            return CNN_OK;
        TRY(point_add(multiband, csv, column, error));
    }
}

CnnStatus multiband_read_points(MultibandSource *multiband, const MultibandArgs *args, const char *path,
                                CnnError *error)
{
    (void)args;
    Bytes bytes = {0};
    Csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open %s", path);
    csv->path = path;
    const Tree *tree = multiband->tree;
    CnnStatus status = tree->load(tree, path, &bytes, error);
    if (status == CNN_OK)
        status = points_read(multiband, csv, &bytes, error);
    csv_close(csv);
    free(csv);
    bytes_free(&bytes);
    return status == CNN_OK ? number_classes(multiband, path, error) : status;
}
