/* Files by their number. */
#include "runtime/data/members.h"

#include <string.h>

#include "runtime/data/stamp.h"

int64_t members_count(const Members *members)
{
    return members->index ? source_index_count(members->index) : (int64_t)members->paths.count;
}

CnnStatus members_relative(const Members *members, int64_t index, char *out, CnnError *error)
{
    char name[NAME_BYTES];
    if (members->index)
        return source_index_name(members->index, index, out, error);
    const char *path = listing_name(&members->paths, (size_t)index);
    if (strlen(path) >= PATH_MAX)
        return cnn_fail(error, CNN_BAD_INPUT, "the path of '%s' is too long", name_printable(path, name));
    strcpy(out, path);
    return CNN_OK;
}

CnnStatus members_path(const Members *members, int64_t index, char *path, CnnError *error)
{
    char relative[PATH_MAX];
    TRY(members_relative(members, index, relative, error));
    return path_join(*relative == '/' ? "" : members->root, relative, path, error);
}

void members_name(const Members *members, int64_t index, char *out, size_t bytes)
{
    char path[PATH_MAX], name[NAME_BYTES];
    CnnError none = {0};
    if (members_path(members, index, path, &none) != CNN_OK &&
        members_relative(members, index, path, &none) != CNN_OK)
        snprintf(path, sizeof path, "sample %lld", (long long)index);
    snprintf(out, bytes, "%s", name_printable(path, name));
}

void members_stamp(const Members *members, Stamp *stamp)
{
    char path[PATH_MAX], relative[PATH_MAX];
    CnnError none = {0};
    stamp_place(stamp, members->root);
    for (int64_t i = 0; i < members_count(members); i++) {
        bool known = members_relative(members, i, relative, &none) == CNN_OK;
        bool short_enough = known && members_path(members, i, path, &none) == CNN_OK;
        stamp_file(stamp, short_enough ? path : "", known ? relative : "");
    }
}

void members_take_index(Members *members, SourceIndex *index, SourceInfo *info)
{
    if (!index)
        return;
    listing_free(&members->paths);
    members->index = index;
    info->index = source_index_path(index, &info->index_bytes);
}

void members_free(Members *members)
{
    listing_free(&members->paths);
    source_index_close(members->index);
}
