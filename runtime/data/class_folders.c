/* Listing the class folders, and what is wrong with them. */
#include "runtime/data/class_folders.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/data/group.h"
#include "runtime/data/labels.h"

bool name_ends_as(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');
    for (; dot && *endings; endings++)
        if (strcasecmp(dot + 1, *endings) == 0)
            return true;
    return false;
}

/* Adds the samples of the class folder `relative`. */
static CnnStatus class_add(ClassFolders *folders, const char *relative, int32_t class_index, CnnError *error)
{
    Members *members = folders->members;
    char path[PATH_MAX], name[NAME_BYTES];
    Listing found = {.watch = &folders->watch};
    size_t others = 0;
    TRY(path_join(members->root, relative, path, error));
    CnnStatus status =
        members->tree->list_below(members->tree, &found, path, folders->kind->wanted, &others, error);
    if (status == CNN_OK && found.count == 0 && others == 0)
        status = cnn_fail(error, CNN_BAD_INPUT,
                          "the class folder '%s' holds no %s: put some into it, or take it away",
                          name_printable(path, name), folders->kind->one);
    else if (status == CNN_OK && found.count == 0)
        status = cnn_fail(error, CNN_BAD_INPUT, "the class folder '%s' holds no %s (and %zu other files)",
                          name_printable(path, name), folders->kind->one, others);
    size_t first = members->paths.count;
    for (size_t i = 0; i < found.count && status == CNN_OK; i++)
        status = listing_add(&members->paths, relative, listing_name(&found, i), error);
    listing_free(&found);
    if (status != CNN_OK)
        return status;
    int32_t *label = realloc(folders->label, members->paths.count * sizeof *label);
    if (!label)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the labels of %zu %s",
                        members->paths.count, folders->kind->many);
    folders->label = label;
    for (size_t i = first; i < members->paths.count; i++)
        label[i] = class_index;
    return CNN_OK;
}

/* Adds the samples of a part: of the class folders under root/part, or under root when part is empty.
 * `count`: how many. */
static CnnStatus part_add(ClassFolders *folders, const char *part, int64_t *count, CnnError *error)
{
    Members *members = folders->members;
    char path[PATH_MAX], relative[PATH_MAX], name[NAME_BYTES];
    Listing found = {.watch = &folders->watch};
    int64_t before = (int64_t)members->paths.count;
    TRY(path_join(members->root, part, path, error));
    CnnStatus status = members->tree->list(members->tree, &found, path, ENTRY_FOLDER, error);
    for (size_t i = 0, c = 0; i < found.count && status == CNN_OK; i++) {
        const char *class_name = listing_name(&found, i);
        while (c < folders->names.count && strcmp(listing_name(&folders->names, c), class_name) < 0)
            c++;
        if (c == folders->names.count || strcmp(listing_name(&folders->names, c), class_name) != 0)
            status = cnn_fail(error, CNN_BAD_INPUT,
                              "the folder '%s' in '%s' is a class that the training part does not have",
                              name_printable(class_name, name), part);
        else if ((status = path_join(part, class_name, relative, error)) == CNN_OK)
            status = class_add(folders, relative, (int32_t)c, error);
    }
    listing_free(&found);
    *count = (int64_t)members->paths.count - before;
    return status;
}

/* The folders of the parts among those at the top. */
typedef struct {
    const char *train, *validation, *test; /* NULL: not there */
} PartFolders;

/* Whether the top holds nothing but parts: train, and perhaps others. (One class alone would be an error.) */
static bool top_has_parts(const Listing *top, PartFolders *parts)
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

static CnnStatus classes_tell(ClassFolders *folders, SourceInfo *info, CnnError *error)
{
    size_t count = folders->names.count;
    folders->class_names = calloc(count, sizeof *folders->class_names);
    if (!folders->class_names)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of %zu classes", count);
    for (size_t i = 0; i < count; i++)
        folders->class_names[i] = listing_name(&folders->names, i);
    info->classes = (int64_t)count;
    info->class_names = folders->class_names;
    return CNN_OK;
}

/* One folder is no classes; often it is the one that holds them. */
static CnnStatus only_class(const Members *members, const char *path, const char *only, CnnError *error)
{
    char below[PATH_MAX], name[NAME_BYTES], only_name[NAME_BYTES], below_name[NAME_BYTES];
    Listing found = {0};
    TRY(path_join(path, only, below, error));
    CnnStatus status = members->tree->list(members->tree, &found, below, ENTRY_FOLDER, error);
    size_t count = found.count;
    listing_free(&found);
    TRY(status);
    name_printable(path, name);
    name_printable(only, only_name);
    if (count < 2)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' holds one class only, '%s': at least two are needed",
                        name, only_name);
    return cnn_fail(
        error, CNN_BAD_INPUT,
        "'%s' holds one class only, '%s': at least two are needed; if they are the %zu folders in "
        "'%s', that is the folder to name",
        name, only_name, count, name_printable(below, below_name));
}

/* Reads the names of the classes from the folders under root/part, and says what is wrong with them. */
static CnnStatus classes_read(ClassFolders *folders, const char *part, SourceInfo *info, CnnError *error)
{
    const Members *members = folders->members;
    char path[PATH_MAX], name[NAME_BYTES];
    Listing files = {0};
    size_t others = 0;
    TRY(path_join(members->root, part, path, error));
    folders->names.watch = &folders->watch;
    TRY(members->tree->list(members->tree, &folders->names, path, ENTRY_FOLDER, error));
    size_t count = folders->names.count;
    if (count == 0) {
        CnnStatus status =
            members->tree->list_below(members->tree, &files, path, folders->kind->wanted, &others, error);
        size_t inside = files.count;
        listing_free(&files);
        TRY(status);
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' holds no folders: a folder for each class is needed (it holds %zu %s itself)",
                        name_printable(path, name), inside, folders->kind->many);
    }
    if (count == 1)
        return only_class(members, path, listing_name(&folders->names, 0), error);
    if (count > CLASSES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' holds %zu folders, more than there can be classes",
                        name_printable(path, name), count);
    return classes_tell(folders, info, error);
}

/* Lists all that is there. */
static CnnStatus folders_list(ClassFolders *folders, SourceInfo *info, CnnError *error)
{
    Members *members = folders->members;
    PartFolders parts;
    Listing top = {.watch = &folders->watch};
    CnnStatus status = members->tree->list(members->tree, &top, members->root, ENTRY_FOLDER, error);
    if (status == CNN_OK) {
        bool divided = folders->divided = top_has_parts(&top, &parts);
        status = classes_read(folders, divided ? parts.train : "", info, error);
        if (status == CNN_OK)
            status = part_add(folders, divided ? parts.train : "", &info->count, error);
        if (status == CNN_OK && divided && parts.validation)
            status = part_add(folders, parts.validation, &info->validation_count, error);
        if (status == CNN_OK && divided && parts.test)
            status = part_add(folders, parts.test, &info->test_count, error);
    }
    listing_free(&top);
    return status;
}

static void folders_keep(ClassFolders *folders, Key key, SourceInfo *info)
{
    Members *members = folders->members;
    SourceFound found = {.count = {info->count, info->validation_count, info->test_count},
                         .divided = folders->divided,
                         .classes = folders->names,
                         .label = folders->label};
    members_take_index(members,
                       source_index_keep(key, members->root, &found, &members->paths, &folders->watch), info);
}

static CnnStatus folders_take(ClassFolders *folders, const SourceFound *found, SourceInfo *info,
                              CnnError *error)
{
    folders->names = found->classes;
    folders->label = found->label;
    folders->divided = found->divided;
    info->count = found->count[PART_TRAIN];
    info->validation_count = found->count[PART_VALIDATION];
    info->test_count = found->count[PART_TEST];
    return classes_tell(folders, info, error);
}

CnnStatus class_folders_open(ClassFolders *folders, const char *base, const char *path, SourceInfo *info,
                             CnnError *error)
{
    Members *members = folders->members;
    SourceFound found;
    TRY(members->tree->resolve(members->tree, base, path, members->root, error));
    if (members->tree != &file_tree)
        return folders_list(folders, info, error);
    Key key = source_index_key(folders->kind->many, members->root);
    members_take_index(members, source_index_recall(key, members->root, &found), info);
    if (members->index)
        return folders_take(folders, &found, info, error);
    CnnStatus status = folders_list(folders, info, error);
    if (status == CNN_OK)
        folders_keep(folders, key, info);
    watch_free(&folders->watch);
    return status;
}

CnnStatus class_folders_group(const ClassFolders *folders, const char *by, int64_t count, int64_t *group,
                              int64_t *groups, CnnError *error)
{
    Listing names = {0};
    CnnStatus status = CNN_OK;
    if (strcmp(by, "folder") != 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "folders have no column \"%s\": by=folder, or the source 'list'", by);
    for (int64_t i = 0; i < count && status == CNN_OK; i++) {
        char relative[PATH_MAX], level[PATH_MAX], name[NAME_BYTES];
        const char *path = relative;
        status = members_relative(folders->members, i, relative, error);
        if (status != CNN_OK)
            break;
        for (int above = folders->divided ? 2 : 1; above > 0; above--)
            path = strchr(path, '/') + 1;
        size_t length = strcspn(path, "/");
        members_name(folders->members, i, name, sizeof name);
        if (path[length] == '\0')
            status = cnn_fail(error, CNN_BAD_INPUT,
                              "%s lies in no folder below that of its class, and by=folder needs one", name);
        else if (snprintf(level, sizeof level, "%.*s", (int)length, path) > 0)
            status = listing_add(&names, "", level, error);
    }
    if (status == CNN_OK)
        status = group_number(&names, group, groups, error);
    listing_free(&names);
    return status;
}

void class_folders_free(ClassFolders *folders)
{
    listing_free(&folders->names);
    free(folders->class_names);
    free(folders->label);
}
