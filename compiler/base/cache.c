#include "compiler/base/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/key.h"
#include "runtime/cache_folder.h"

typedef struct {
    char magic[8];
    uint64_t bytes;
    Key hash;
} Header;

static const char MAGIC[8] = "cnncobj";
enum { PATH_MOST = 4096 };
static const uint64_t OBJECT_MOST = 1u << 28, CACHE_MOST = 256u << 20;

static Key content_hash(const void *object, size_t bytes)
{
    return key_add(key_start(), object, bytes);
}

static bool object_path(char path[PATH_MOST], const char *folder, const char *name)
{
    return snprintf(path, PATH_MOST, "%s/%s.o", folder, name) < PATH_MOST;
}

bool cache_has(const char *folder, const char *name)
{
    char path[PATH_MOST];
    return object_path(path, folder, name) && access(path, R_OK) == 0;
}

void *cache_read(const char *folder, const char *name, size_t *bytes)
{
    char path[PATH_MOST];
    if (!object_path(path, folder, name))
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
            futimens(fileno(file), NULL); /* used now: cache_trim looks at it */
        }
    }
    fclose(file);
    return object;
}

void cache_write(const char *folder, const char *name, const void *object, size_t bytes)
{
    char path[PATH_MOST], beside[PATH_MOST];
    if (!object_path(path, folder, name) ||
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

/* ---- What has not been used for long ---- */

typedef struct {
    char *name;
    uint64_t bytes;
    struct timespec used;
} Entry;

typedef struct {
    Entry *items;
    size_t count, capacity;
    uint64_t bytes;
} Entries;

static bool add_entry(Entries *entries, int folder, const char *name)
{
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return true;
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity ? 2 * entries->capacity : 1024;
        Entry *items = realloc(entries->items, capacity * sizeof *items);
        if (!items)
            return false;
        entries->items = items;
        entries->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy)
        return false;
    entries->items[entries->count++] = (Entry){copy, (uint64_t)status.st_size, status.st_mtim};
    entries->bytes += (uint64_t)status.st_size;
    return true;
}

static int by_use(const void *left, const void *right)
{
    const Entry *a = left, *b = right;
    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
    return (a->used.tv_nsec > b->used.tv_nsec) - (a->used.tv_nsec < b->used.tv_nsec);
}

static bool is_object(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 2 && strcmp(name + length - 2, ".o") == 0;
}

/* Collects the objects in a folder. */
static Entries list_objects(DIR *directory)
{
    Entries entries = {0};
    bool room = true;
    for (struct dirent *entry; room && (entry = readdir(directory));)
        if (is_object(entry->d_name))
            room = add_entry(&entries, dirfd(directory), entry->d_name);
    return entries;
}

static void free_entries(Entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->items[i].name);
    free(entries->items);
}

void cache_trim_to(const char *folder, uint64_t bytes)
{
    DIR *directory = opendir(folder);
    if (!directory)
        return;
    Entries entries = list_objects(directory);
    if (entries.bytes > bytes)
        qsort(entries.items, entries.count, sizeof *entries.items, by_use);
    for (size_t i = 0; i < entries.count && entries.bytes > bytes; i++)
        if (unlinkat(dirfd(directory), entries.items[i].name, 0) == 0)
            entries.bytes -= entries.items[i].bytes;
    free_entries(&entries);
    closedir(directory);
}

void cache_trim(const char *folder)
{
    cache_trim_to(folder, CACHE_MOST);
}

int64_t cache_use(const char *folder, uint64_t *bytes)
{
    DIR *directory = opendir(folder);
    *bytes = 0;
    if (!directory)
        return 0;
    Entries entries = list_objects(directory);
    int64_t count = (int64_t)entries.count;
    *bytes = entries.bytes;
    free_entries(&entries);
    closedir(directory);
    return count;
}

const char *cache_folder(Arena *arena, const char **complaint)
{
    char folder[PATH_MAX];
    CnnError error = {0};
    if (cnn_cache_folder(folder, &error) == CNN_OK)
        return arena_printf(arena, "%s", folder);
    *complaint = arena_printf(arena, "%s", error.text);
    return NULL;
}
