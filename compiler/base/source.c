/* Reads a source file whole, into the source map. */
#include "compiler/base/source.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "runtime/file.h"

bool source_read(Diag *diag, Span at, const char *path, Span *source)
{
    struct stat info;
    CnnError error = {0};
    char *text;
    size_t length;
    /* A model that large is some other file, named by mistake: not worth its memory. */
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > SOURCE_BYTES_MAX) {
        diag_error(diag, at, "file-too-large", "'%s' has %lld bytes; a model has at most %d", path,
                   (long long)info.st_size, SOURCE_BYTES_MAX);
        return false;
    }
    if (cnn_file_read(path, &text, &length, &error) != CNN_OK) {
        diag_error(diag, at, "cannot-read", "%s", error.text);
        return false;
    }
    *source = diag_add_source(diag, path, text, length);
    free(text);
    return true;
}
