#include "runtime/data/kept_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cache_folder.h"
#include "runtime/data/cache_file.h"
#include "runtime/data/files.h"
#include "runtime/data/listing.h"
#include "runtime/data/source_index.h"
#include "runtime/data/unpacked.h"

static const char PART[] = ".part"; /* ends the name of a file that is being built, which a lock tells */

/* Tells what a file was made of ("" where it does not say). False: nothing reads it any more. */
typedef bool Origin(const char *path, char origin[PATH_MAX]);

static const struct {
    const char *before, *behind; /* of the name */
    Origin *origin;              /* NULL: it is of no use unless it is being built */
} kinds[] = {{"samples-", "", cache_file_origin},
             {"names-", "", source_index_origin},
             {"", ".tar", unpacked_origin},
             {"", ".tar.part", NULL}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), behind = strlen(end);
    return length >= behind && strcmp(name + length - behind, end) == 0;
}

static int kind_of(const char *name)
{
    for (int k = 0; k < KINDS; k++)
        if (strncmp(name, kinds[k].before, strlen(kinds[k].before)) == 0 &&
            ends_with(name, kinds[k].behind) && !ends_with(name, ".tmp"))
            return k;
    return -1;
}

/* Opens and locks a file that is being built. False: another process has it, or it is gone. */
static bool lock_part(const char *path, int *descriptor)
{
    *descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*descriptor >= 0 && flock(*descriptor, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (*descriptor >= 0)
        close(*descriptor);
    return false;
}

static KeptFileState state_of(KeptFile *file, int kind)
{
    int descriptor;
    if (ends_with(file->path, PART)) {
        if (!lock_part(file->path, &descriptor))
            return KEPT_FILE_BUSY;
        close(descriptor);
    }
    if (!kinds[kind].origin || !kinds[kind].origin(file->path, file->origin))
        return KEPT_FILE_STALE;
    bool gone = *file->origin && access(file->origin, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
    return gone ? KEPT_FILE_ORPHAN : KEPT_FILE_OF_USE;
}

CnnStatus kept_files_list(KeptFile **files, size_t *count, CnnError *error)
{
    char folder[PATH_MAX];
    Listing names = {0};
    *files = NULL;
    *count = 0;
    TRY(cnn_cache_folder(folder, error));
    CnnStatus status = listing_read(&names, folder, ENTRY_FILE, error);
    if (status == CNN_OK && !(*files = calloc(names.count + 1, sizeof **files)))
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu names", names.count);
    for (size_t i = 0; i < names.count && status == CNN_OK; i++) {
        struct stat info;
        KeptFile *file = &(*files)[*count];
        int kind = kind_of(listing_name(&names, i));
        if (kind < 0)
            continue;
        *file = (KeptFile){0};
        status = path_join(folder, listing_name(&names, i), file->path, error);
        if (status != CNN_OK || stat(file->path, &info) != 0)
            continue; /* another process has removed it */
        file->bytes = (uint64_t)info.st_blocks * 512;
        file->state = state_of(file, kind);
        ++*count;
    }
    listing_free(&names);
    if (status != CNN_OK) {
        free(*files);
        *files = NULL;
    }
    return status;
}

bool kept_file_is_useless(const KeptFile *file)
{
    return file->state == KEPT_FILE_ORPHAN || file->state == KEPT_FILE_STALE;
}

CnnStatus kept_file_remove(const KeptFile *file, CnnError *error)
{
    int descriptor = -1;
    if (ends_with(file->path, PART) && !lock_part(file->path, &descriptor))
        return CNN_OK;
    CnnStatus status = CNN_OK;
    if (unlink(file->path) != 0 && errno != ENOENT)
        status = cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be removed: %s", file->path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return status;
}
