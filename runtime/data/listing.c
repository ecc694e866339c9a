/* Reading folders. The kind of an entry comes with the entry on most file systems; only links, and entries of
 * file systems that do not tell, cost a call of their own. */
#include "runtime/data/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/data/files.h"
#include "runtime/data/watch.h"

enum { DEPTH_MOST = 32 };

CnnStatus listing_add(Listing *listing, const char *prefix, const char *name, CnnError *error)
{
    size_t before = strlen(prefix), length = strlen(name), size = before + (before > 0) + length + 1;
    if (listing->used + size > listing->room) {
        size_t room = 2 * (listing->room + size) + 1024;
        char *text = realloc(listing->text, room);
        if (!text)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of files");
        listing->text = text;
        listing->room = room;
    }
    if (listing->count == listing->count_room) {
        size_t room = 2 * listing->count_room + 64;
        size_t *at = realloc(listing->at, room * sizeof *at);
        if (!at)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of files");
        listing->at = at;
        listing->count_room = room;
    }
    char *to = listing->text + listing->used;
    listing->at[listing->count++] = listing->used;
    listing->used += size;
    if (before) {
        memcpy(to, prefix, before);
        to[before] = '/';
        to += before + 1;
    }
    memcpy(to, name, length + 1);
    return CNN_OK;
}

static int listing_compare(const void *a, const void *b, void *text)
{
    return strcmp((const char *)text + *(const size_t *)a, (const char *)text + *(const size_t *)b);
}

void listing_sort(Listing *listing)
{
    if (listing->count)
        qsort_r(listing->at, listing->count, sizeof *listing->at, listing_compare, listing->text);
}

const char *listing_name(const Listing *listing, size_t i)
{
    return listing->text + listing->at[i];
}

bool listing_has(const Listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing_name(listing, i), name) == 0)
            return true;
    return false;
}

void listing_free(Listing *listing)
{
    free(listing->text);
    free(listing->at);
    *listing = (Listing){0};
}

/* S_IFREG, S_IFDIR, or 0 for everything else. *link: it is a link. */
static mode_t entry_type(DIR *folder, const struct dirent *entry, bool *link)
{
    struct stat info;
    *link = entry->d_type == DT_LNK;
    if (entry->d_type == DT_REG)
        return S_IFREG;
    if (entry->d_type == DT_DIR)
        return S_IFDIR;
    if (entry->d_type == DT_UNKNOWN && fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        *link = S_ISLNK(info.st_mode);
    if ((entry->d_type == DT_UNKNOWN || *link) && fstatat(dirfd(folder), entry->d_name, &info, 0) == 0)
        return S_ISREG(info.st_mode) ? S_IFREG : S_ISDIR(info.st_mode) ? S_IFDIR : 0;
    return 0;
}

static CnnStatus folder_open_failed(const char *path, CnnError *error)
{
    char name[NAME_BYTES];
    int cause = errno;
    name_printable(path, name);
    if (cause == ENOTDIR)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' is a file, not a folder ('archive' reads zip and tar archives)", name);
    return cnn_fail(error, CNN_BAD_INPUT, "cannot read the folder '%s': %s", name, strerror(cause));
}

/* Opens a folder, and notes it before anything in it is read. */
static CnnStatus folder_open(const Listing *listing, const char *path, DIR **out, CnnError *error)
{
    struct stat info;
    DIR *folder = opendir(path);
    if (!folder)
        return folder_open_failed(path, error);
    CnnStatus status = CNN_OK;
    if (listing->watch)
        status = fstat(dirfd(folder), &info) == 0 ? watch_add(listing->watch, path, &info, error)
                                                  : folder_open_failed(path, error);
    if (status == CNN_OK)
        *out = folder;
    else
        closedir(folder);
    return status;
}

CnnStatus listing_read(Listing *listing, const char *path, EntryKind kind, CnnError *error)
{
    DIR *folder;
    bool link;
    TRY(folder_open(listing, path, &folder, error));
    CnnStatus status = CNN_OK;
    for (struct dirent *entry; status == CNN_OK && (entry = readdir(folder));)
        if (entry->d_name[0] != '.' &&
            entry_type(folder, entry, &link) == (kind == ENTRY_FILE ? S_IFREG : S_IFDIR))
            status = listing_add(listing, "", entry->d_name, error);
    closedir(folder);
    listing_sort(listing);
    return status;
}

/* What stays the same on the way down. */
typedef struct {
    Listing *listing;
    const char *root;
    bool (*wanted)(const char *name);
    size_t *others;
    CnnError *error;
} Walk;

static CnnStatus walk_folder(const Walk *walk, const char *relative, int depth)
{
    char path[PATH_MAX], below[PATH_MAX];
    char name[NAME_BYTES];
    TRY(path_join(walk->root, relative, path, walk->error));
    if (depth > DEPTH_MOST)
        return cnn_fail(walk->error, CNN_BAD_INPUT, "folders lie too deep in each other under '%s'",
                        name_printable(walk->root, name));
    DIR *folder;
    bool link;
    TRY(folder_open(walk->listing, path, &folder, walk->error));
    CnnStatus status = CNN_OK;
    for (struct dirent *entry; status == CNN_OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        mode_t type = entry_type(folder, entry, &link);
        if (type != S_IFDIR && walk->wanted(entry->d_name)) {
            status = listing_add(walk->listing, relative, entry->d_name, walk->error);
        } else if (type == S_IFDIR && !link) {
            status = path_join(relative, entry->d_name, below, walk->error);
            if (status == CNN_OK)
                status = walk_folder(walk, below, depth + 1);
        } else if (type) {
            ++*walk->others;
        }
    }
    closedir(folder);
    return status;
}

/* A link to a folder that it lies in itself would give once more what lies beside it. */
static CnnStatus refuse_circle(const char *path, CnnError *error)
{
    char around[PATH_MAX], to[PATH_MAX], from[PATH_MAX], name[NAME_BYTES];
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode) || strlen(path) >= sizeof around)
        return CNN_OK; /* what is wrong with it is told when it is opened */
    strcpy(around, path);
    char *slash = strrchr(around, '/');
    strcpy(slash && slash > around ? slash : around, slash ? "" : ".");
    if (!realpath(path, to) || !realpath(*around ? around : "/", from))
        return CNN_OK;
    size_t length = strlen(to);
    if (strncmp(from, to, length) != 0 || (length > 1 && from[length] != '/' && from[length] != '\0'))
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT, "'%s' is a link to a folder that it lies in itself",
                    name_printable(path, name));
}

CnnStatus listing_read_tree(Listing *listing, const char *path, bool (*wanted)(const char *name),
                            size_t *others, CnnError *error)
{
    Walk walk = {.listing = listing, .root = path, .wanted = wanted, .others = others, .error = error};
    *others = 0;
    TRY(refuse_circle(path, error));
    TRY(walk_folder(&walk, "", 0));
    listing_sort(listing);
    return CNN_OK;
}
