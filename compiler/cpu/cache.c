#include "compiler/cpu/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/cpu/key.h"

typedef struct {
    char magic[8];
    uint64_t bytes;
    Key hash;
} Header;

static const char MAGIC[8] = "cnncobj";
enum { PATH_MOST = 4096 };
static const uint64_t OBJECT_MOST = 1u << 28;

static Key content_hash(const void *object, size_t bytes)
{
    return key_add(key_start(), object, bytes);
}

void *cache_read(const char *folder, const char *name, size_t *bytes)
{
    char path[PATH_MOST];
    if (snprintf(path, sizeof path, "%s/%s.o", folder, name) >= (int)sizeof path)
        return NULL;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    Header header;
    void *object = NULL;
    if (fread(&header, sizeof header, 1, file) == 1 && memcmp(header.magic, MAGIC, sizeof MAGIC) == 0 &&
        header.bytes > 0 && header.bytes <= OBJECT_MOST)
        object = malloc(header.bytes);
    if (object) {
        bool whole = fread(object, 1, header.bytes, file) == header.bytes && fgetc(file) == EOF;
        Key hash = content_hash(object, header.bytes);
        if (!whole || hash.high != header.hash.high || hash.low != header.hash.low) {
            free(object);
            object = NULL;
        } else {
            *bytes = header.bytes;
        }
    }
    fclose(file);
    return object;
}

void cache_write(const char *folder, const char *name, const void *object, size_t bytes)
{
    char path[PATH_MOST], beside[PATH_MOST];
    if (snprintf(path, sizeof path, "%s/%s.o", folder, name) >= (int)sizeof path ||
        snprintf(beside, sizeof beside, "%s/.%s.XXXXXX", folder, name) >= (int)sizeof beside)
        return;
    int descriptor = mkostemp(beside, O_CLOEXEC);
    if (descriptor < 0)
        return;
    Header header = {.bytes = bytes, .hash = content_hash(object, bytes)};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    FILE *file = fdopen(descriptor, "wb");
    if (!file) {
        close(descriptor);
        unlink(beside);
        return;
    }
    bool written = fwrite(&header, sizeof header, 1, file) == 1 && fwrite(object, 1, bytes, file) == bytes;
    written = fclose(file) == 0 && written;
    if (!written || rename(beside, path) != 0)
        unlink(beside);
}

static const char *base_folder(Arena *arena, const char **complaint)
{
    const char *set = getenv("XDG_CACHE_HOME");
    if (set && set[0] == '/')
        return set;
    const char *home = getenv("HOME");
    if (home && home[0] == '/')
        return arena_printf(arena, "%s/.cache", home);
    *complaint = "neither XDG_CACHE_HOME nor HOME is set";
    return NULL;
}

const char *cpu_cache_folder(Arena *arena, const char **complaint)
{
    const char *base = base_folder(arena, complaint);
    if (!base)
        return NULL;
    const char *folder = arena_printf(arena, "%s/cnnc", base);
    if ((mkdir(base, 0700) != 0 && errno != EEXIST) || (mkdir(folder, 0700) != 0 && errno != EEXIST)) {
        *complaint = arena_printf(arena, "%s cannot be made: %s", folder, strerror(errno));
        return NULL;
    }
    struct stat status;
    if (lstat(folder, &status) != 0) {
        *complaint = arena_printf(arena, "%s: %s", folder, strerror(errno));
        return NULL;
    }
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077)) {
        *complaint = arena_printf(arena, "%s is not a folder that only you can use (mode 0700)", folder);
        return NULL;
    }
    return folder;
}
