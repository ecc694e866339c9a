#include "runtime/run/lines_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MUCH = 16 << 10, BLOCK = 4 << 10 };

static bool read_block(int descriptor, char *block, size_t count, off_t at)
{
    while (count > 0) {
        ssize_t got = pread(descriptor, block, count, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO; /* somebody else cuts it */
        if (got <= 0)
            return false;
        block += got;
        at += got;
        count -= (size_t)got;
    }
    return true;
}

/* The bytes of a file up to the end of its last whole line; -1: it cannot be read. */
static off_t whole_lines(int descriptor)
{
    char block[BLOCK];
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return -1;
    for (off_t end = info.st_size; end > 0;) {
        size_t count = end < BLOCK ? (size_t)end : BLOCK;
        end -= (off_t)count;
        if (!read_block(descriptor, block, count, end))
            return -1;
        const char *found = memrchr(block, '\n', count);
        if (found)
            return end + (found - block) + 1;
    }
    return 0;
}

static CnnStatus cannot_write(const LinesFile *file, CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", file->path, strerror(errno));
}

CnnStatus cnn_lines_cut(LinesFile *file, off_t length, CnnError *error)
{
    if (ftruncate(file->descriptor, length) != 0)
        return cannot_write(file, error);
    file->length = length;
    return CNN_OK;
}

CnnStatus cnn_lines_open(const RunFolder *folder, const char *name, LinesFile *file, CnnError *error)
{
    CnnStatus status = CNN_OK;
    *file = (LinesFile){.path = cnn_run_folder_file(folder, name), .descriptor = -1};
    if (!file->path)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the path of '%s'", name);
    file->descriptor = open(file->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file->descriptor < 0)
        status = cannot_write(file, error);
    if (status == CNN_OK && (file->length = whole_lines(file->descriptor)) < 0)
        status = cnn_fail(error, CNN_NO_RESOURCE, "cannot read '%s': %s", file->path, strerror(errno));
    if (status == CNN_OK)
        status = cnn_lines_cut(file, file->length, error);
    if (status == CNN_OK)
        return CNN_OK;
    if (file->descriptor >= 0)
        close(file->descriptor);
    free(file->path);
    return status;
}

static void missing(LinesFile *file, int failure)
{
    if (file->failure == 0)
        file->failure = failure;
}

FILE *cnn_lines_out(LinesFile *file)
{
    if (!file->stream.out && !cnn_text_open(&file->stream)) {
        file->stream.out = NULL;
        missing(file, ENOMEM);
    }
    return file->stream.out;
}

static bool write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

/* Removes what a write that failed may have left. */
static bool cut_half(LinesFile *file)
{
    file->half = file->half && ftruncate(file->descriptor, file->length) != 0;
    return !file->half;
}

void cnn_lines_flush(LinesFile *file, bool few)
{
    size_t count;
    if (!file->stream.out || (few && file->stream.length < MUCH))
        return;
    char *text = cnn_text_close(&file->stream, &count);
    file->stream.out = NULL;
    if (!text) {
        missing(file, ENOMEM);
    } else if (cut_half(file) && write_all(file->descriptor, text, count)) {
        file->length += (off_t)count;
    } else {
        missing(file, errno);
        file->half = true;
        cut_half(file);
    }
    free(text);
}

CnnStatus cnn_lines_close(LinesFile *file, CnnError *error)
{
    cnn_lines_flush(file, false);
    if (close(file->descriptor) != 0)
        missing(file, errno);
    CnnStatus status = file->failure ? cnn_fail(error, CNN_NO_RESOURCE, "lines are missing in '%s': %s",
                                                file->path, strerror(file->failure))
                                     : CNN_OK;
    free(file->path);
    return status;
}
