/* A folder for each class. Classes are numbered by the names of their folders, samples by class and then by
 * their paths, both in byte order. With folders `train` and `test` (or `val`, `validation`, `valid`) at the
 * top, these are the parts, and the classes are those of `train`. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "runtime/data/labels.h"
#include "runtime/data/pictures.h"

typedef struct {
    Source source;
    Pictures pictures;
    Listing classes;
    const char **class_names;
    int32_t *label; /* of each picture */
} FolderSource;

typedef struct {
    const char *folder;
    int channels;
} FolderArgs;

static const Field folder_fields[] = {
    FIELD(FolderArgs, folder, FIELD_TEXT, .doc = "folder that holds a folder of pictures for each class"),
    PICTURES_CHANNELS_FIELD(FolderArgs),
    FIELDS_END,
};
const Schema folder_schema = {
    .word = "folder",
    .doc = "JPEG and PNG pictures, in a folder for each class; folders inside a class folder belong to the "
           "class. Folders "
           "train and test (or validation, valid, val) at the top are taken as the parts. Hidden files, and "
           "files whose names do not "
           "end as pictures' do, are ignored.",
    .places = IN_DATA | IN_SOURCE,
    .fields = folder_fields,
    .args_bytes = sizeof(FolderArgs),
    .example = "folder \"data/plants\", channels=1",
};

/* By the end of its name. Kinds that cannot be decoded count too: they are then reported as unreadable, and
 * not silently left out. */
static bool folder_is_picture(const char *name)
{
    static const char *const endings[] = {"jpg", "jpeg", "jpe", "jfif", "png",  "gif",
                                          "bmp", "webp", "tif", "tiff", "heic", "avif"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    return false;
}

/* Adds the samples of the class folder `relative`. */
static CnnStatus folder_add_class(FolderSource *folder, const char *relative, int32_t class_index,
                                  CnnError *error)
{
    char path[PATH_MAX], name[NAME_BYTES];
    Listing found = {0};
    size_t others = 0;
    TRY(path_join(folder->pictures.root, relative, path, error));
    CnnStatus status = folder->pictures.tree->list_below(folder->pictures.tree, &found, path,
                                                         folder_is_picture, &others, error);
    if (status == CNN_OK && found.count == 0)
        status = cnn_fail(error, CNN_BAD_INPUT,
                          "the class folder '%s' holds no JPEG or PNG picture (and %zu other files)",
                          name_printable(path, name), others);
    size_t first = folder->pictures.paths.count;
    for (size_t i = 0; i < found.count && status == CNN_OK; i++)
        status = listing_add(&folder->pictures.paths, relative, listing_name(&found, i), error);
    listing_free(&found);
    if (status != CNN_OK)
        return status;
    int32_t *label = realloc(folder->label, folder->pictures.paths.count * sizeof *label);
    if (!label)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the labels of %zu pictures",
                        folder->pictures.paths.count);
    folder->label = label;
    for (size_t i = first; i < folder->pictures.paths.count; i++)
        label[i] = class_index;
    return CNN_OK;
}

/* Adds the samples of a part: of the class folders under root/part, or under root when part is empty.
 * `count`: how many. */
static CnnStatus folder_add_part(FolderSource *folder, const char *part, int64_t *count, CnnError *error)
{
    char path[PATH_MAX], relative[PATH_MAX], name[NAME_BYTES];
    Listing found = {0};
    int64_t before = (int64_t)folder->pictures.paths.count;
    TRY(path_join(folder->pictures.root, part, path, error));
    CnnStatus status = folder->pictures.tree->list(folder->pictures.tree, &found, path, ENTRY_FOLDER, error);
    for (size_t i = 0, c = 0; i < found.count && status == CNN_OK; i++) {
        const char *class_name = listing_name(&found, i);
        while (c < folder->classes.count && strcmp(listing_name(&folder->classes, c), class_name) < 0)
            c++;
        if (c == folder->classes.count || strcmp(listing_name(&folder->classes, c), class_name) != 0)
            status = cnn_fail(error, CNN_BAD_INPUT,
                              "the folder '%s' in '%s' is a class that the training part does not have",
                              name_printable(class_name, name), part);
        else if ((status = path_join(part, class_name, relative, error)) == CNN_OK)
            status = folder_add_class(folder, relative, (int32_t)c, error);
    }
    listing_free(&found);
    *count = (int64_t)folder->pictures.paths.count - before;
    return status;
}

/* The folders of the parts among those at the top. */
typedef struct {
    const char *train, *validation, *test; /* NULL: not there */
} PartFolders;

/* Whether the top holds nothing but parts: train, and perhaps others. (One class alone would be an error.) */
static bool folder_has_parts(const Listing *top, PartFolders *parts)
{
    *parts = (PartFolders){0};
    for (size_t i = 0; i < top->count; i++) {
        const char *name = listing_name(top, i);
        const char **part =
            strcmp(name, "train") == 0  ? &parts->train
            : strcmp(name, "test") == 0 ? &parts->test
            : strcmp(name, "validation") == 0 || strcmp(name, "valid") == 0 || strcmp(name, "val") == 0
                ? &parts->validation
                : NULL;
        if (!part || *part)
            return false;
        *part = name;
    }
    return parts->train != NULL;
}

/* Reads the names of the classes from the folders under root/part, and says what is wrong with them. */
static CnnStatus folder_read_classes(FolderSource *folder, const char *part, CnnError *error)
{
    char path[PATH_MAX], name[NAME_BYTES];
    Listing files = {0};
    size_t others = 0;
    TRY(path_join(folder->pictures.root, part, path, error));
    TRY(folder->pictures.tree->list(folder->pictures.tree, &folder->classes, path, ENTRY_FOLDER, error));
    size_t count = folder->classes.count;
    if (count == 0) {
        CnnStatus status = folder->pictures.tree->list_below(folder->pictures.tree, &files, path,
                                                             folder_is_picture, &others, error);
        size_t pictures = files.count;
        listing_free(&files);
        TRY(status);
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' holds no folders: a folder for each class is needed (it holds %zu pictures "
                        "itself)",
                        name_printable(path, name), pictures);
    }
    if (count == 1) {
        char only[NAME_BYTES];
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' holds one class only, '%s': at least two are needed",
                        name_printable(path, name), name_printable(listing_name(&folder->classes, 0), only));
    }
    if (count > CLASSES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' holds %zu folders, more than there can be classes",
                        name_printable(path, name), count);
    folder->class_names = calloc(count, sizeof *folder->class_names);
    if (!folder->class_names)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of %zu classes", count);
    for (size_t i = 0; i < count; i++)
        folder->class_names[i] = listing_name(&folder->classes, i);
    folder->source.info.classes = (int64_t)count;
    folder->source.info.class_names = folder->class_names;
    return CNN_OK;
}

static CnnStatus folder_index(FolderSource *folder, CnnError *error)
{
    SourceInfo *info = &folder->source.info;
    PartFolders parts;
    Listing top = {0};
    CnnStatus status =
        folder->pictures.tree->list(folder->pictures.tree, &top, folder->pictures.root, ENTRY_FOLDER, error);
    if (status == CNN_OK) {
        bool divided = folder_has_parts(&top, &parts);
        status = folder_read_classes(folder, divided ? parts.train : "", error);
        if (status == CNN_OK)
            status = folder_add_part(folder, divided ? parts.train : "", &info->count, error);
        if (status == CNN_OK && divided && parts.validation)
            status = folder_add_part(folder, parts.validation, &info->validation_count, error);
        if (status == CNN_OK && divided && parts.test)
            status = folder_add_part(folder, parts.test, &info->test_count, error);
    }
    listing_free(&top);
    return status;
}

static CnnStatus folder_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    return pictures_read(&((const FolderSource *)source)->pictures, index, want_height, want_width, out,
                         error);
}

static double folder_label(Source *source, int64_t index)
{
    return ((const FolderSource *)source)->label[index];
}

static void folder_name(Source *source, int64_t index, char *out, size_t bytes)
{
    pictures_name(&((const FolderSource *)source)->pictures, index, out, bytes);
}

static void folder_close(Source *source)
{
    FolderSource *folder = (FolderSource *)source;
    listing_free(&folder->classes);
    pictures_free(&folder->pictures);
    free(folder->class_names);
    free(folder->label);
    free(folder);
}

static CnnStatus folder_open(const void *args, const Tree *tree, const char *base, Source **out,
                             CnnError *error)
{
    const FolderArgs *folder_args = args;
    FolderSource *folder = calloc(1, sizeof *folder);
    if (!folder)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'", folder_args->folder);
    folder->source =
        (Source){.read = folder_sample, .label = folder_label, .name = folder_name, .close = folder_close};
    folder->source.info = (SourceInfo){.ranged = true, .low = 0, .high = 255};
    folder->pictures.tree = tree;
    folder->pictures.channels = pictures_channels(folder_args->channels);
    CnnStatus status = tree->resolve(tree, base, folder_args->folder, folder->pictures.root, error);
    if (status == CNN_OK)
        status = folder_index(folder, error);
    if (status == CNN_OK)
        status = pictures_find_channels(&folder->pictures, folder->source.info.count, error);
    folder->source.info.channels = folder->pictures.channels;
    if (status == CNN_OK)
        *out = &folder->source;
    else
        folder_close(&folder->source);
    return status;
}

const SourceKind source_folder = {.schema = &folder_schema, .open_in = folder_open};
