/* Paths, names and reading for the sources. */
#include "runtime/data/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/file.h"

CnnStatus bytes_reserve(Bytes *bytes, size_t size, CnnError *error)
{
    if (size > bytes->capacity) {
        size_t capacity =
            size + size / 2; /* files differ a little in size: not every larger one is to reallocate */
        unsigned char *data = malloc(capacity);
        if (!data)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu bytes", capacity);
        free(bytes->data);
        bytes->data = data;
        bytes->capacity = capacity;
    }
    bytes->size = size;
    return CNN_OK;
}

void bytes_free(Bytes *bytes)
{
    free(bytes->data);
    *bytes = (Bytes){0};
}

size_t name_character(const char *name)
{
    const unsigned char *at = (const unsigned char *)name;
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f;
    size_t count = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || (count == 2 && at[0] == 0xc2 && at[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool too_long = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool too_large = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return too_long || too_large ? 0 : count;
}

const char *name_printable(const char *name, char out[NAME_BYTES])
{
    enum { ESCAPED = 4 };
    size_t length = strlen(name), most = (NAME_BYTES - 8) / ESCAPED, used = 0;
    if (length > most && length >= NAME_BYTES - 8) { /* the end of a path tells more than its beginning */
        name += length - most;
        memcpy(out, "...", 3);
        used = 3;
    }
    while (*name && used + ESCAPED < NAME_BYTES) {
        size_t count = name_character(name);
        if (count == 0) {
            used += (size_t)snprintf(out + used, NAME_BYTES - used, "\\x%02x", (unsigned char)*name++);
            continue;
        }
        memcpy(out + used, name, count);
        used += count;
        name += count;
    }
    out[used] = '\0';
    return out;
}

void names_add(char *names, const char *name)
{
    static const char more[] = ", …";
    char shown[NAME_BYTES];
    size_t used = strlen(names), room = NAMES_BYTES - sizeof more - used;
    if (used >= sizeof more && strcmp(names + used - strlen(more), more) == 0)
        return;
    if ((size_t)snprintf(names + used, room, "%s'%s'", used ? ", " : "", name_printable(name, shown)) >= room)
        strcpy(names + used, more);
}

CnnStatus path_join(const char *folder, const char *name, char *out, CnnError *error)
{
    char printable[NAME_BYTES];
    if (strlen(folder) + strlen(name) + 2 > PATH_MAX)
        return cnn_fail(error, CNN_BAD_INPUT, "the path of '%s' is too long",
                        name_printable(name, printable));
    char *end = stpcpy(out, folder);
    if (*folder && *name)
        *end++ = '/';
    strcpy(end, name);
    return CNN_OK;
}

bool path_is_inside(const char *name)
{
    if (*name == '\0' || *name == '/' || strchr(name, '\\'))
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0)
            return false;
    }
    return true;
}

CnnStatus path_resolve(const char *base, const char *path, char *out, CnnError *error)
{
    char name[NAME_BYTES], folder[NAME_BYTES];
    struct stat info;
    if (*path == '\0')
        return cnn_fail(error, CNN_BAD_INPUT, "the path is empty");
    bool absolute = *path == '/';
    TRY(path_join(absolute ? "" : base, path, out, error));
    if (stat(out, &info) == 0)
        return CNN_OK;
    int cause = errno;
    if (cause == ENOENT && !absolute && stat(path, &info) == 0) {
        strcpy(out, path);
        return CNN_OK;
    }
    if (cause == ENOENT && !absolute)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' is neither in the model's folder '%s' nor in the current one",
                        name_printable(path, name), name_printable(*base ? base : ".", folder));
    return cnn_fail(error, CNN_BAD_INPUT, "cannot open '%s': %s", name_printable(out, name), strerror(cause));
}

CnnStatus path_resolve_beside(const char *model_path, const char *path, char *out, CnnError *error)
{
    char base[PATH_MAX];
    size_t length = cnn_path_folder(model_path);
    if (length >= sizeof base)
        return cnn_fail(error, CNN_BAD_INPUT, "the path of the model is too long");
    memcpy(base, model_path, length);
    base[length] = '\0';
    return path_resolve(base, path, out, error);
}

CnnStatus file_open(const char *path, int *descriptor, uint64_t *size, CnnError *error)
{
    char name[NAME_BYTES];
    struct stat info;
    /* Opening some devices already does something: only what has become one since is opened, and not waited
     * for. */
    bool there = stat(path, &info) == 0, other = there && !S_ISREG(info.st_mode);
    *descriptor = other ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (there && S_ISDIR(info.st_mode))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: a folder, not a file", name_printable(path, name));
    if (other)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: not a regular file", name_printable(path, name));
    if (*descriptor < 0)
        return cnn_fail(
            error, errno == EMFILE || errno == ENFILE || errno == ENOMEM ? CNN_NO_RESOURCE : CNN_BAD_INPUT,
            "%s: cannot open: %s", name_printable(path, name), strerror(errno));
    if (fstat(*descriptor, &info) == 0 && S_ISREG(info.st_mode)) {
        *size = (uint64_t)info.st_size;
        return CNN_OK;
    }
    close(*descriptor);
    *descriptor = -1;
    return cnn_fail(error, CNN_BAD_INPUT, "%s: not a regular file", name_printable(path, name));
}

CnnStatus file_read_at(int descriptor, const char *path, void *out, size_t size, uint64_t offset,
                       CnnError *error)
{
    char name[NAME_BYTES];
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(descriptor, (char *)out + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return cnn_fail(error, errno == ENOMEM ? CNN_NO_RESOURCE : CNN_BAD_INPUT, "%s: cannot read: %s",
                            name_printable(path, name), strerror(errno));
        if (count == 0)
            return cnn_fail(error, CNN_BAD_INPUT,
                            "%s: cut short while in use: it ends at byte %llu, %llu are needed",
                            name_printable(path, name), (unsigned long long)(offset + done),
                            (unsigned long long)(offset + size));
        done += (size_t)count;
    }
    return CNN_OK;
}

CnnStatus file_load(const char *path, Bytes *out, CnnError *error)
{
    int descriptor;
    uint64_t size;
    TRY(file_open(path, &descriptor, &size, error));
    CnnStatus status = bytes_reserve(out, (size_t)size, error);
    if (status == CNN_OK)
        status = file_read_at(descriptor, path, out->data, out->size, 0, error);
    close(descriptor);
    return status;
}
