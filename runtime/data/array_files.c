/* Finding arrays. */
#include "runtime/data/array_files.h"

#include <limits.h>

#include "runtime/data/class_folders.h"

CnnStatus array_files_open(const Tree *tree, const char *base, const char *npz, ArrayFiles *out,
                           CnnError *error)
{
    char path[PATH_MAX];
    Extent file;
    *out = (ArrayFiles){.tree = tree, .base = base};
    if (!npz)
        return CNN_OK;
    TRY(tree->resolve(tree, base, npz, path, error));
    const char *const single[] = {"npy", NULL};
    char name[NAME_BYTES];
    if (name_ends_as(path, single))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' is one array, and two are needed: arrays x=\"…\", y=\"…\"",
                        name_printable(path, name));
    TRY(tree->open(tree, path, &file, error));
    return zip_open_extent(&file, &out->npz, error);
}

void array_files_close(ArrayFiles *files)
{
    zip_close(&files->npz);
}

bool array_files_are_members(const ArrayFiles *files)
{
    return files->npz.file.path != NULL;
}

/* The member NAME.npy, or NAME. */
static const ZipMember *array_member(const ArrayFiles *files, const char *name)
{
    char file[PATH_MAX];
    const ZipMember *member = zip_find(&files->npz, name);
    if (!member && snprintf(file, sizeof file, "%s.npy", name) < (int)sizeof file)
        member = zip_find(&files->npz, file);
    return member;
}

bool array_files_have(const ArrayFiles *files, const char *name)
{
    return array_member(files, name) != NULL;
}

CnnStatus array_files_lack(const ArrayFiles *files, const char *what, CnnError *error)
{
    const Zip *npz = &files->npz;
    char name[NAME_BYTES], names[NAMES_BYTES] = "";
    for (size_t i = 0; i < npz->count; i++)
        names_add(names, npz->members[i].name);
    return cnn_fail(error, CNN_BAD_INPUT, "%s: holds %s; it holds %s", name_printable(npz->file.path, name),
                    what, *names ? names : "nothing");
}

CnnStatus array_files_array(const ArrayFiles *files, const char *name, Npy *out, CnnError *error)
{
    char path[PATH_MAX], shown[NAME_BYTES], what[NAME_BYTES + 16];
    Extent file;
    if (array_files_are_members(files)) {
        const ZipMember *member = array_member(files, name);
        snprintf(what, sizeof what, "no array '%s'", name_printable(name, shown));
        if (!member)
            return array_files_lack(files, what, error);
        TRY(zip_open_member(&files->npz, member, &file, error));
    } else {
        TRY(files->tree->resolve(files->tree, files->base, name, path, error));
        TRY(files->tree->open(files->tree, path, &file, error));
    }
    return npy_open(&file, out, error);
}
