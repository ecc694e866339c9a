#include "runtime/data/unpacked.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runtime/cache_folder.h"
#include "runtime/clock.h"
#include "runtime/data/decompress.h"
#include "runtime/data/tar.h"
#include "runtime/report.h"
#include "runtime/rng.h"

/* The beginning of a file: of which archive it was made. */
typedef union {
    struct {
        char magic[8];
        uint64_t size;                /* of the archive */
        int64_t seconds, nanoseconds; /* when it was changed last */
        uint64_t bytes;               /* that follow the head */
        char path[PATH_MAX];
    };
    char room[2 * PATH_MAX]; /* a multiple of a block */
} Head;

static const char MAGIC[8] = "cnnctar";
/* Left free on the disk, and how often it is asked for. */
static const uint64_t ROOM_LEFT = (uint64_t)256 << 20, ROOM_EVERY = (uint64_t)16 << 20;

typedef struct {
    const char *archive; /* its path */
    char path[PATH_MAX], part[PATH_MAX];
    Head head;
    int descriptor; /* of the part, locked; -1: none */
    int source;     /* the archive's descriptor */
    Report report;  /* on a terminal */
    double started;
    uint64_t room; /* bytes that may be written before the disk is asked again */
} Unpacking;

static CnnStatus write_failed(const Unpacking *unpacking, int cause, CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "%s: cannot be unpacked to '%s': %s", unpacking->archive,
                    unpacking->path, strerror(cause));
}

/* Names the file in the cache, and notes what the archive is now. */
static CnnStatus begin(Unpacking *unpacking, const struct stat *info, CnnError *error)
{
    char folder[PATH_MAX];
    CnnError cause = {0};
    Head *head = &unpacking->head;
    if (cnn_cache_folder(folder, &cause) != CNN_OK)
        return cnn_fail(error, cause.status, "%s: a compressed archive is unpacked to the cache folder: %s",
                        unpacking->archive, cause.text);
    memcpy(head->magic, MAGIC, sizeof MAGIC);
    head->size = (uint64_t)info->st_size;
    head->seconds = info->st_mtim.tv_sec;
    head->nanoseconds = info->st_mtim.tv_nsec;
    if (!realpath(unpacking->archive, head->path))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", unpacking->archive, strerror(errno));
    const char *name = strrchr(head->path, '/') + 1;
    if (snprintf(unpacking->path, PATH_MAX, "%s/%.100s-%08x.tar", folder, name, cnn_hash_name(head->path)) >=
            PATH_MAX ||
        snprintf(unpacking->part, PATH_MAX, "%s.part", unpacking->path) >= PATH_MAX)
        return cnn_fail(error, CNN_NO_RESOURCE, "the path of the cache folder is too long");
    return CNN_OK;
}

/* Opens the file in the cache, if it is whole and of this archive. */
static bool open_whole(const Unpacking *unpacking, Extent *out)
{
    Head has;
    CnnError none = {0};
    if (extent_open(unpacking->path, out, &none) != CNN_OK)
        return false;
    const Head *wanted = &unpacking->head;
    if (out->size >= sizeof has && extent_read(out, &has, sizeof has, 0, &none) == CNN_OK &&
        memcmp(has.magic, MAGIC, sizeof MAGIC) == 0 && has.size == wanted->size &&
        has.seconds == wanted->seconds && has.nanoseconds == wanted->nanoseconds &&
        has.bytes == out->size - sizeof has && strncmp(has.path, wanted->path, PATH_MAX) == 0) {
        out->start += sizeof has;
        out->size -= sizeof has;
        return true;
    }
    extent_close(out);
    return false;
}

/* Opens and locks the part. Another process may have put the one that was waited for in its place. */
static CnnStatus lock_part(Unpacking *unpacking, CnnError *error)
{
    for (;;) {
        struct stat has, there;
        int descriptor = open(unpacking->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), state;
        if (descriptor < 0)
            return write_failed(unpacking, errno, error);
        while ((state = flock(descriptor, LOCK_EX)) != 0 && errno == EINTR)
            continue;
        int cause = errno;
        if (state == 0 && fstat(descriptor, &has) == 0 && stat(unpacking->part, &there) == 0 &&
            has.st_ino == there.st_ino) {
            unpacking->descriptor = descriptor;
            return CNN_OK;
        }
        close(descriptor);
        if (state != 0)
            return write_failed(unpacking, cause, error);
    }
}

static CnnStatus check_room(Unpacking *unpacking, size_t count, CnnError *error)
{
    struct statvfs disk;
    if (unpacking->room >= count) {
        unpacking->room -= count;
        return CNN_OK;
    }
    if (fstatvfs(unpacking->descriptor, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < ROOM_LEFT)
        return cnn_fail(
            error, CNN_NO_RESOURCE,
            "%s: no room to unpack it to '%s': %.1f GiB are written, and the disk has less than 256 MiB "
            "left; set XDG_CACHE_HOME to a folder on a larger one",
            unpacking->archive, unpacking->path, (double)unpacking->head.bytes / (double)(1u << 30));
    unpacking->room = ROOM_EVERY;
    return CNN_OK;
}

static CnnStatus write_all(Unpacking *unpacking, const void *bytes, size_t count, uint64_t offset,
                           CnnError *error)
{
    for (size_t done = 0; done < count;) {
        ssize_t written =
            pwrite(unpacking->descriptor, (const char *)bytes + done, count - done, (off_t)(offset + done));
        if (written < 0 && errno != EINTR)
            return write_failed(unpacking, errno, error);
        done += written > 0 ? (size_t)written : 0;
    }
    return CNN_OK;
}

static CnnStatus no_tar(const Unpacking *unpacking, CnnError *error)
{
    return cnn_fail(error, CNN_BAD_INPUT, "%s: a compressed file, but no tar archive", unpacking->archive);
}

static CnnStatus take_bytes(void *context, const void *bytes, size_t count, CnnError *error)
{
    Unpacking *unpacking = context;
    uint64_t *written = &unpacking->head.bytes;
    TRY(check_room(unpacking, count, error));
    TRY(write_all(unpacking, bytes, count, sizeof(Head) + *written, error));
    bool first = *written < TAR_BLOCK;
    *written += count;
    report_bar(&unpacking->report, "unpacking", lseek(unpacking->source, 0, SEEK_CUR),
               (int64_t)unpacking->head.size, cnn_clock() - unpacking->started);
    if (first && *written >= TAR_BLOCK) { /* before all of it is unpacked for nothing */
        unsigned char block[TAR_BLOCK];
        TRY(file_read_at(unpacking->descriptor, unpacking->part, block, sizeof block, sizeof(Head), error));
        if (!tar_begins(block))
            return no_tar(unpacking, error);
    }
    return CNN_OK;
}

static CnnStatus unpack(Unpacking *unpacking, int archive, const char *compression, CnnError *error)
{
    struct stat now;
    if (ftruncate(unpacking->descriptor, 0) != 0)
        return write_failed(unpacking, errno, error);
    unpacking->source = archive;
    unpacking->started = cnn_clock();
    report_open(&unpacking->report, stderr);
    CnnStatus status = decompress(archive, unpacking->archive, compression, take_bytes, unpacking, error);
    report_clear(&unpacking->report);
    TRY(status);
    const Head *head = &unpacking->head;
    if (head->bytes < TAR_BLOCK)
        return no_tar(unpacking, error);
    if (fstat(archive, &now) != 0 || (uint64_t)now.st_size != head->size ||
        now.st_mtim.tv_sec != head->seconds || now.st_mtim.tv_nsec != head->nanoseconds)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: changed while it was unpacked", unpacking->archive);
    TRY(write_all(unpacking, head, sizeof *head, 0, error));
    if (fsync(unpacking->descriptor) != 0 || rename(unpacking->part, unpacking->path) != 0)
        return write_failed(unpacking, errno, error);
    return CNN_OK;
}

static CnnStatus open_or_make(Unpacking *unpacking, int archive, const char *compression, Extent *out,
                              CnnError *error)
{
    struct stat info;
    if (fstat(archive, &info) != 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", unpacking->archive, strerror(errno));
    TRY(begin(unpacking, &info, error));
    if (open_whole(unpacking, out))
        return CNN_OK;
    TRY(lock_part(unpacking, error));
    bool there = open_whole(unpacking, out); /* made by the process that was waited for */
    CnnStatus status = there ? CNN_OK : unpack(unpacking, archive, compression, error);
    if (there || status != CNN_OK)
        unlink(unpacking->part);
    close(unpacking->descriptor);
    if (status == CNN_OK && !there && !open_whole(unpacking, out))
        return cnn_fail(error, CNN_NO_RESOURCE, "%s: '%s' has gone", unpacking->archive, unpacking->path);
    return status;
}

CnnStatus unpacked_open(const char *path, const char *compression, Extent *out, CnnError *error)
{
    int archive;
    uint64_t size;
    Unpacking *unpacking = calloc(1, sizeof *unpacking);
    if (!unpacking)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to unpack '%s'", path);
    unpacking->archive = path;
    CnnStatus status = file_open(path, &archive, &size, error);
    if (status == CNN_OK) {
        status = open_or_make(unpacking, archive, compression, out, error);
        close(archive);
    }
    free(unpacking);
    return status;
}

bool unpacked_origin(const char *path, char *origin)
{
    Head head;
    Extent file;
    CnnError none = {0};
    struct stat info;
    if (extent_open(path, &file, &none) != CNN_OK)
        return false;
    bool read = file.size >= sizeof head && extent_read(&file, &head, sizeof head, 0, &none) == CNN_OK &&
                memcmp(head.magic, MAGIC, sizeof MAGIC) == 0 && head.bytes == file.size - sizeof head &&
                memchr(head.path, '\0', sizeof head.path);
    extent_close(&file);
    if (!read)
        return false;
    memcpy(origin, head.path, sizeof head.path);
    return stat(origin, &info) != 0 ||
           ((uint64_t)info.st_size == head.size && info.st_mtim.tv_sec == head.seconds &&
            info.st_mtim.tv_nsec == head.nanoseconds);
}
