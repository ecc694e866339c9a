/* Reads a source file whole. Anything that is no regular file is refused before it is read: a pipe would
 * wait, a device never end. */
#include "compiler/base/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/bug.h"

/* The bytes of an open file, malloc'ed; NULL with errno set. */
static char *read_whole(int file, size_t bytes, size_t *length)
{
    char *text = malloc(bytes + 1);
    if (!text)
        out_of_memory(bytes + 1);
    *length = 0;
    while (*length < bytes) {
        ssize_t count = read(file, text + *length, bytes - *length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            int cause = errno;
            free(text);
            errno = cause;
            return NULL;
        }
        if (count == 0)
            break;
        *length += (size_t)count;
    }
    return text;
}

bool source_read(Diag *diag, Span at, const char *path, Span *source)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        diag_error(diag, at, "cannot-read", "cannot read '%s': %s", path, strerror(errno));
        if (file >= 0)
            close(file);
        return false;
    }
    size_t length;
    char *text = NULL;
    if (!S_ISREG(status.st_mode))
        diag_error(diag, at, "cannot-read", "cannot read '%s': it is %s", path,
                   S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
    else if (status.st_size > SOURCE_BYTES_MAX)
        diag_error(diag, at, "file-too-large", "'%s' has %lld bytes; a model has at most %d", path,
                   (long long)status.st_size, SOURCE_BYTES_MAX);
    else if (!(text = read_whole(file, (size_t)status.st_size, &length)))
        diag_error(diag, at, "cannot-read", "cannot read '%s': %s", path, strerror(errno));
    close(file);
    if (text)
        *source = diag_add_source(diag, path, text, length);
    free(text);
    return text != NULL;
}
