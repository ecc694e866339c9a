#include "runtime/data/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "runtime/dtype.h"
#include "runtime/file.h"
#include "runtime/memory.h"

enum { FILE_VERSION = 1, RECORDS_AT = 4096 };
enum {
    ORIGIN_AT = 256,
    ORIGIN_BYTES = RECORDS_AT - ORIGIN_AT
}; /* behind the header; a longer path is left out */

typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t crc; /* of the content */
    CacheContent content;
} Header;

static const char MAGIC[8] = "cnncpix";

/* What follows a record's values. */
typedef struct {
    uint32_t state; /* RecordState */
    uint32_t crc;   /* of the record's number, the state, the values */
} Foot;

struct CacheFile {
    char *path, *part; /* part: NULL where the file is not being built */
    int descriptor;
    CacheContent content;
    uint64_t record_bytes; /* without the foot */
    _Atomic int64_t written;
    atomic_bool failed;
};

uint64_t cache_record_bytes(const CacheContent *content)
{
    return (uint64_t)(content->height * content->width * content->channels) *
           dtype_bytes((Dtype)content->dtype);
}

bool cache_file_bytes(const CacheContent *content, uint64_t *bytes)
{
    uint64_t record = cache_record_bytes(content);
    return cnn_add(record, sizeof(Foot), &record) && cnn_multiply(record, (uint64_t)content->count, bytes) &&
           cnn_add(*bytes, RECORDS_AT, bytes) && *bytes <= INT64_MAX;
}

static uint64_t blocks_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_blocks * 512 : 0;
}

uint64_t cache_file_room(const char *path)
{
    char part[PATH_MAX + 8];
    struct statvfs disk;
    struct rlimit limit;
    snprintf(part, sizeof part, "%.*s", (int)cnn_path_folder(path), path);
    bool known = statvfs(part, &disk) == 0;
    if (!known) { /* the folder will be made */
        part[strlen(part) - 1] = '\0';
        part[cnn_path_folder(part)] = '\0';
        known = statvfs(*part ? part : ".", &disk) == 0;
    }
    snprintf(part, sizeof part, "%s.part", path);
    uint64_t room = known ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
    room += blocks_of(path) + blocks_of(part);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < room)
        room = limit.rlim_cur;
    return room;
}

static CnnStatus path_failure(const char *path, CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "the cache '%s' cannot be written: %s", path, strerror(errno));
}

static Header header_of(const CacheContent *content)
{
    Header header = {.version = FILE_VERSION, .content = *content};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    header.crc =
        (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const Bytef *)&header.content, sizeof header.content);
    return header;
}

/* Whether an open file is one of this content, of the right size. */
static bool file_holds(int descriptor, const CacheContent *content)
{
    Header wanted = header_of(content), header;
    struct stat info;
    uint64_t bytes;
    return fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && cache_file_bytes(content, &bytes) &&
           (uint64_t)info.st_size == bytes &&
           pread(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header &&
           memcmp(&header, &wanted, sizeof header) == 0;
}

bool cache_file_peek(const char *path, CacheContent *content)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool found = false;
    for (int i = 0; i < 2 && !found && descriptor >= 0; i++) {
        content->dtype = i ? DTYPE_F32 : DTYPE_U8;
        found = file_holds(descriptor, content);
    }
    if (descriptor >= 0)
        close(descriptor);
    return found;
}

/* Takes over the descriptor, closed on failure. */
static CnnStatus file_new(const char *path, const char *part, int descriptor, const CacheContent *content,
                          CacheFile **out, CnnError *error)
{
    CacheFile *file = calloc(1, sizeof *file);
    char *path_copy = strdup(path), *part_copy = part ? strdup(part) : NULL;
    if (!file || !path_copy || (part && !part_copy)) {
        free(file);
        free(path_copy);
        free(part_copy);
        close(descriptor);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a cache");
    }
    *file = (CacheFile){.path = path_copy,
                        .part = part_copy,
                        .descriptor = descriptor,
                        .content = *content,
                        .record_bytes = cache_record_bytes(content)};
    *out = file;
    return CNN_OK;
}

CnnStatus cache_file_open(const char *path, const CacheContent *content, CacheFile **out, CnnError *error)
{
    *out = NULL;
    int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) /* damaged records are then not mended */
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return CNN_OK;
    if (file_holds(descriptor, content))
        return file_new(path, NULL, descriptor, content, out, error);
    close(descriptor);
    return CNN_OK;
}

/* Whether the path still leads to the open file: it may have been renamed, or removed and made anew. */
static bool is_at(int descriptor, const char *path)
{
    struct stat opened, named;
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* Opens PATH.part for this process alone. *descriptor is -1 where another has it. */
static CnnStatus part_lock(const char *part, int *descriptor, CnnError *error)
{
    for (;;) {
        *descriptor = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (*descriptor < 0)
            return path_failure(part, error);
        if (flock(*descriptor, LOCK_EX | LOCK_NB) != 0) {
            int cause = errno;
            close(*descriptor);
            *descriptor = -1;
            errno = cause;
            return cause == EWOULDBLOCK ? CNN_OK : path_failure(part, error);
        }
        if (is_at(*descriptor, part))
            return CNN_OK;
        close(*descriptor);
    }
}

/* Makes the file as large as it will be, so that the disk cannot be full later. */
static CnnStatus part_begin(const char *path, const char *part, int descriptor, const CacheContent *content,
                            const char *origin, CnnError *error)
{
    char noted[ORIGIN_BYTES] = {0};
    if (strlen(origin) < sizeof noted)
        strcpy(noted, origin);
    uint64_t bytes, room = cache_file_room(path);
    Header header = header_of(content);
    if (!cache_file_bytes(content, &bytes) || bytes > room) {
        errno = ENOSPC;
    } else {
        unlink(path); /* one of other content, which is of no use any more: its room is needed */
        int result = ftruncate(descriptor, 0);
        while (result == 0 && (result = fallocate(descriptor, 0, 0, (off_t)bytes)) != 0 && errno == EINTR)
            result = 0;
        if (result != 0 && errno == EOPNOTSUPP)
            result = ftruncate(descriptor, (off_t)bytes);
        if (result == 0 && pwrite(descriptor, noted, sizeof noted, ORIGIN_AT) == (ssize_t)sizeof noted &&
            pwrite(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header)
            return CNN_OK;
    }
    if (errno != ENOSPC)
        return path_failure(part, error);
    return cnn_fail(error, CNN_NO_RESOURCE,
                    "'cache disk' needs %.1f MiB in '%.*s', and %.1f MiB are free there: make room, or name "
                    "another place with folder=",
                    (double)bytes / 0x1p20, (int)cnn_path_folder(path), path, (double)room / 0x1p20);
}

CnnStatus cache_file_build(const char *path, const CacheContent *content, const char *origin, CacheFile **out,
                           bool *begun, CnnError *error)
{
    char *part = NULL;
    int descriptor = -1;
    CacheFile *whole = NULL;
    *out = NULL;
    *begun = false;
    if (asprintf(&part, "%s.part", path) < 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a cache");
    CnnStatus status = part_lock(part, &descriptor, error);
    if (status == CNN_OK && descriptor >= 0)
        status = cache_file_open(path, content, &whole, error); /* finished by the one that had the lock */
    if (status == CNN_OK && descriptor >= 0 && !whole) {
        *begun = file_holds(descriptor, content);
        if (!*begun)
            status = part_begin(path, part, descriptor, content, origin, error);
        if (status == CNN_OK) {
            status = file_new(path, part, descriptor, content, out, error);
            descriptor = -1;
            if (status == CNN_OK)
                (*out)->written = *begun; /* what was begun stays, even if nothing is added */
        }
    }
    if (descriptor >= 0) {
        unlink(part);
        close(descriptor);
    }
    cache_file_close(whole);
    free(part);
    return status;
}

bool cache_file_origin(const char *path, char *origin)
{
    Header header;
    char noted[ORIGIN_BYTES];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool read = descriptor >= 0 && pread(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header &&
                pread(descriptor, noted, sizeof noted, ORIGIN_AT) == (ssize_t)sizeof noted &&
                file_holds(descriptor, &header.content) && memchr(noted, '\0', sizeof noted);
    if (descriptor >= 0)
        close(descriptor);
    if (read)
        strcpy(origin, noted);
    return read;
}

CnnStatus cache_file_commit(CacheFile *file, CnnError *error)
{
    bool synced = fsync(file->descriptor) == 0;
    if (synced && !is_at(file->descriptor, file->part)) {
        synced = false; /* somebody has removed it */
        errno = ENOENT;
    }
    if (!synced || rename(file->part, file->path) != 0) {
        atomic_store(&file->failed, true);
        return path_failure(file->path, error);
    }
    free(file->part);
    file->part = NULL;
    return CNN_OK;
}

void cache_file_close(CacheFile *file)
{
    if (!file)
        return;
    bool useless = atomic_load(&file->failed) || atomic_load(&file->written) == 0;
    if (file->part && useless && is_at(file->descriptor, file->part))
        unlink(file->part); /* before the lock is given back */
    close(file->descriptor);
    free(file->path);
    free(file->part);
    free(file);
}

static uint32_t record_crc(const CacheFile *file, int64_t index, uint32_t state, const void *bytes)
{
    uint64_t head[2] = {(uint64_t)index, state};
    uLong crc = crc32_z(crc32_z(0, NULL, 0), (const Bytef *)head, sizeof head);
    return (uint32_t)(state == RECORD_KEPT ? crc32_z(crc, bytes, file->record_bytes) : crc);
}

static off_t record_at(const CacheFile *file, int64_t index)
{
    return (off_t)(RECORDS_AT + (uint64_t)index * (file->record_bytes + sizeof(Foot)));
}

RecordState cache_file_read(const CacheFile *file, int64_t index, void *out)
{
    Foot foot;
    struct iovec parts[] = {{out, file->record_bytes}, {&foot, sizeof foot}};
    ssize_t count;
    do
        count = preadv(file->descriptor, parts, 2, record_at(file, index));
    while (count < 0 && errno == EINTR);
    if (count != (ssize_t)(file->record_bytes + sizeof foot) ||
        (foot.state != RECORD_KEPT && foot.state != RECORD_NONE) ||
        foot.crc != record_crc(file, index, foot.state, out))
        return RECORD_EMPTY;
    return (RecordState)foot.state;
}

CnnStatus cache_file_write(CacheFile *file, int64_t index, const void *bytes, CnnError *error)
{
    Foot foot = {.state = bytes ? RECORD_KEPT : RECORD_NONE};
    foot.crc = record_crc(file, index, foot.state, bytes);
    struct iovec parts[] = {{(void *)bytes, bytes ? file->record_bytes : 0}, {&foot, sizeof foot}};
    off_t at = record_at(file, index) + (bytes ? 0 : (off_t)file->record_bytes);
    ssize_t wanted = (ssize_t)(parts[0].iov_len + parts[1].iov_len), count;
    do
        count = pwritev(file->descriptor, parts, 2, at);
    while (count < 0 && errno == EINTR);
    if (count == wanted) {
        atomic_fetch_add(&file->written, 1);
        return CNN_OK;
    }
    if (count >= 0)
        errno = ENOSPC; /* a part was written: the next one would say so */
    atomic_store(&file->failed, true);
    return path_failure(file->path, error);
}
