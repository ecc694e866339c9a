/* Pictures in a folder for each class. */
#include <stdlib.h>

#include "runtime/data/class_folders.h"
#include "runtime/data/loose.h"
#include "runtime/data/pictures.h"

typedef struct {
    Source source;
    Pictures pictures;
    ClassFolders folders;
} FolderSource;

typedef struct {
    const char *folder;
    int channels;
} FolderArgs;

static const Field folder_fields[] = {
    FIELD(FolderArgs, folder, FIELD_TEXT, .path = true,
          .doc = "folder that holds a folder of pictures for each class"),
    PICTURES_CHANNELS_FIELD(FolderArgs),
    FIELDS_END,
};
const Schema folder_schema = {
    .word = "folder",
    .doc = "Pictures in a folder for each class; folders inside a class folder belong to the "
           "class. Folders "
           "train and test (or validation, valid, val) at the top are taken as the parts. Hidden files, and "
           "files whose names do not "
           "end as pictures' do, are ignored.",
    .places = IN_DATA | IN_SOURCE,
    .fields = folder_fields,
    .args_bytes = sizeof(FolderArgs),
    .example = "folder \"data/plants\", channels=1",
};

static const MemberKind folder_kind = {decode_is_picture_name, "picture", "pictures"};

static CnnStatus folder_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    return pictures_read(&((const FolderSource *)source)->pictures, index, want_height, want_width, out,
                         error);
}

static double folder_label(Source *source, int64_t index)
{
    return ((const FolderSource *)source)->folders.label[index];
}

static CnnStatus folder_group(Source *source, const char *by, int64_t *group, int64_t *groups,
                              CnnError *error)
{
    return class_folders_group(&((const FolderSource *)source)->folders, by, source->info.count, group,
                               groups, error);
}

static void folder_name(Source *source, int64_t index, char *out, size_t bytes)
{
    members_name(&((const FolderSource *)source)->pictures.members, index, out, bytes);
}

static void folder_stamp(Source *source, Stamp *stamp)
{
    members_stamp(&((const FolderSource *)source)->pictures.members, stamp);
}

static void folder_close(Source *source)
{
    FolderSource *folder = (FolderSource *)source;
    class_folders_free(&folder->folders);
    members_free(&folder->pictures.members);
    free(folder);
}

static CnnStatus folder_open(const void *args, const Tree *tree, const char *base, Source **out,
                             CnnError *error)
{
    const FolderArgs *folder_args = args;
    FolderSource *folder = calloc(1, sizeof *folder);
    if (!folder)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'", folder_args->folder);
    folder->source = (Source){.read = folder_sample,
                              .label = folder_label,
                              .group = folder_group,
                              .name = folder_name,
                              .stamp = folder_stamp,
                              .close = folder_close};
    folder->source.info = (SourceInfo){.ranged = true, .low = 0, .high = 255};
    folder->pictures.members.tree = tree;
    folder->pictures.channels = pictures_channels(folder_args->channels);
    folder->folders = (ClassFolders){.kind = &folder_kind, .members = &folder->pictures.members};
    CnnStatus status =
        class_folders_open(&folder->folders, base, folder_args->folder, &folder->source.info, error);
    if (status == CNN_OK)
        status = pictures_find_channels(&folder->pictures, folder->source.info.count, error);
    folder->source.info.channels = folder->pictures.channels;
    if (status == CNN_OK)
        *out = &folder->source;
    else
        folder_close(&folder->source);
    return status;
}

const SourceKind source_folder = {.schema = &folder_schema,
                                  .libraries = LIBRARY_FORMATS,
                                  .open_in = folder_open,
                                  .loose = loose_as_pictures};
