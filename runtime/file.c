/* Writing a file in one move, and reading one whole. */
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/memory.h"

bool cnn_path_ends(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    return length > end && strcasecmp(path + length - end, ending) == 0;
}

size_t cnn_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The folder of a path, as a name that can be opened; freed by the caller. */
static char *folder_of(const char *path)
{
    size_t length = cnn_path_folder(path);
    return length ? strndup(path, length) : strdup(".");
}

/* Where the file lies until it is whole; freed by the caller. */
static char *temporary_of(const char *path)
{
    char *temporary;
    return asprintf(&temporary, "%s" FILE_TEMPORARY, path) < 0 ? NULL : temporary;
}

CnnStatus cnn_file_check(const char *path, CnnError *error)
{
    struct stat info;
    if (*path == '\0')
        return cnn_fail(error, CNN_BAD_USAGE, "an empty name cannot be written to");
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return cnn_fail(error, CNN_BAD_USAGE, "cannot write '%s': it is %s", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    char *temporary = temporary_of(path);
    if (!temporary)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for a path");
    /* Tried, as permissions do not tell of read-only disks, of folders like /proc, of names too long. */
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int failure = descriptor >= 0 || errno == EEXIST ? 0 : errno;
    if (descriptor >= 0) {
        close(descriptor);
        unlink(temporary);
    }
    free(temporary);
    if (failure)
        return cnn_fail(error, CNN_BAD_USAGE, "cannot write '%s': %s%s", path,
                        failure == ENAMETOOLONG ? "" : "its folder: ", strerror(failure));
    return CNN_OK;
}

bool cnn_file_same(const char *a, const char *b)
{
    struct stat x, y;
    if (stat(a, &x) != 0 || stat(b, &y) != 0) {
        if (strcmp(a + cnn_path_folder(a), b + cnn_path_folder(b)) != 0)
            return false;
        char *of_a = folder_of(a), *of_b = folder_of(b);
        bool found = of_a && of_b && stat(of_a, &x) == 0 && stat(of_b, &y) == 0;
        free(of_a);
        free(of_b);
        if (!found)
            return false;
    }
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static CnnStatus file_failure(const NewFile *file, CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", file->path, strerror(errno));
}

void cnn_file_hold_standard(void)
{
    /* Each is opened for what it is not used for. The smallest free number is taken, which is this one. */
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY) != i)
            _exit(CNN_NO_RESOURCE);
}

CnnStatus cnn_file_create(const char *path, NewFile *file, CnnError *error)
{
    CnnError cause = {0};
    *file = (NewFile){.descriptor = -1};
    if (cnn_file_check(path, &cause) != CNN_OK)
        return cnn_fail(error, CNN_NO_RESOURCE, "%s", cause.text);
    file->path = strdup(path);
    file->temporary = temporary_of(path);
    if (!file->path || !file->temporary) {
        cnn_file_abandon(file);
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for a path");
    }
    unlink(file->temporary); /* left by a process that was killed; O_EXCL below follows no link */
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->descriptor < 0) {
        CnnStatus status = file_failure(file, error);
        cnn_file_abandon(file);
        return status;
    }
    return CNN_OK;
}

CnnStatus cnn_file_write(NewFile *file, const void *bytes, size_t count, CnnError *error)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = write(file->descriptor, at, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return file_failure(file, error);
        at += written;
        count -= (size_t)written;
    }
    return CNN_OK;
}

CnnStatus cnn_file_seek(NewFile *file, size_t offset, CnnError *error)
{
    return lseek(file->descriptor, (off_t)offset, SEEK_SET) < 0 ? file_failure(file, error) : CNN_OK;
}

static int sync_all(int descriptor)
{
    int result;
    do
        result = fsync(descriptor);
    while (result != 0 && errno == EINTR);
    return result;
}

/* A rename is safe on disk only when its folder is. */
static int folder_sync(const char *path)
{
    char *folder = folder_of(path);
    if (!folder)
        return -1;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (descriptor < 0)
        return -1;
    int result = sync_all(descriptor);
    close(descriptor);
    return result;
}

static void file_forget(NewFile *file)
{
    free(file->path);
    free(file->temporary);
    *file = (NewFile){.descriptor = -1};
}

CnnStatus cnn_file_commit(NewFile *file, CnnError *error)
{
    int synced = sync_all(file->descriptor), failure = errno;
    int closed = close(file->descriptor);
    file->descriptor = -1;
    if (synced == 0)
        failure = errno;
    if (synced == 0 && closed == 0 && rename(file->temporary, file->path) == 0) {
        CnnStatus status = folder_sync(file->path) == 0 ? CNN_OK : file_failure(file, error);
        file_forget(file);
        return status;
    }
    errno = synced == 0 && closed == 0 ? errno : failure;
    CnnStatus status = file_failure(file, error);
    cnn_file_abandon(file);
    return status;
}

void cnn_file_abandon(NewFile *file)
{
    if (file->descriptor >= 0) {
        close(file->descriptor);
        file->descriptor = -1;
    }
    if (file->temporary)
        unlink(file->temporary);
    file_forget(file);
}

CnnStatus cnn_folder_make(const char *path, CnnError *error)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return CNN_OK;
    return cnn_fail(error, CNN_NO_RESOURCE, "cannot make the folder '%s': %s", path, strerror(errno));
}

/* Reads `count` bytes, and finds out whether the file ends there. */
static CnnStatus read_exactly(int descriptor, const char *path, char *bytes, size_t count, CnnError *error)
{
    size_t at = 0;
    while (at < count) {
        ssize_t got = pread(descriptor, bytes + at, count - at, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cnn_fail(error, CNN_BAD_INPUT, "cannot read '%s': %s", path, strerror(errno));
        if (got == 0)
            return cnn_fail(error, CNN_BAD_INPUT, "'%s' was cut short while it was read", path);
        at += (size_t)got;
    }
    bytes[count] = '\0';
    return CNN_OK;
}

CnnStatus cnn_file_read(const char *path, char **bytes, size_t *count, CnnError *error)
{
    *bytes = NULL;
    /* Not blocking: a pipe that nobody writes to must not hang us before it is refused. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return cnn_fail(error, CNN_BAD_INPUT, "cannot open '%s': %s", path, strerror(errno));
    struct stat info;
    CnnStatus status = CNN_OK;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = cnn_fail(error, CNN_BAD_INPUT, "'%s' is not a regular file", path);
    } else {
        *count = (size_t)info.st_size;
        *bytes = *count < cnn_memory_available() ? malloc(*count + 1) : NULL;
        status = *bytes
                     ? read_exactly(descriptor, path, *bytes, *count, error)
                     : cnn_fail(error, CNN_NO_RESOURCE, "no memory for the %zu bytes of '%s'", *count, path);
    }
    close(descriptor);
    if (status != CNN_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}
