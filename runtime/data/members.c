/* Files by their number. */
#include "runtime/data/members.h"

#include "runtime/data/stamp.h"

CnnStatus members_path(const Members *members, int64_t index, char *path, CnnError *error)
{
    const char *name = listing_name(&members->paths, (size_t)index);
    return path_join(*name == '/' ? "" : members->root, name, path, error);
}

void members_name(const Members *members, int64_t index, char *out, size_t bytes)
{
    char path[PATH_MAX], name[NAME_BYTES];
    CnnError too_long = {0};
    const char *shown = members_path(members, index, path, &too_long) == CNN_OK
                            ? path
                            : listing_name(&members->paths, (size_t)index);
    snprintf(out, bytes, "%s", name_printable(shown, name));
}

void members_stamp(const Members *members, Stamp *stamp)
{
    char path[PATH_MAX];
    CnnError too_long = {0};
    stamp_place(stamp, members->root);
    for (size_t i = 0; i < members->paths.count; i++)
        stamp_file(stamp, members_path(members, (int64_t)i, path, &too_long) == CNN_OK ? path : "",
                   listing_name(&members->paths, i));
}

void members_free(Members *members)
{
    listing_free(&members->paths);
}
