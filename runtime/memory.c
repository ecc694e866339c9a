/* Memory in large blocks: zeroed at once, so that a step never waits for the system to hand out a page. */
#include "runtime/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { LINE = 64, LARGE_PAGE = 2 << 20 };

/* The number behind `key` in a file of lines "key number"; an empty key: the number that the file begins
 * with. */
static bool number_in_file(const char *path, const char *key, uint64_t *out)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    char line[256];
    bool found = false;
    size_t length = strlen(key);
    unsigned long long value;
    while (!found && fgets(line, sizeof line, file))
        found = strncmp(line, key, length) == 0 && sscanf(line + length, "%llu", &value) == 1;
    fclose(file);
    if (found)
        *out = value;
    return found;
}

/* What `ulimit -v` leaves to the process. */
static uint64_t address_space_left(void)
{
    struct rlimit limit;
    uint64_t kibibytes;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        !number_in_file("/proc/self/status", "VmSize:", &kibibytes))
        return UINT64_MAX;
    return limit.rlim_cur > kibibytes * 1024 ? limit.rlim_cur - kibibytes * 1024 : 0;
}

uint64_t cnn_memory_available(void)
{
    uint64_t available = UINT64_MAX, kibibytes, limit;
    if (number_in_file("/proc/meminfo", "MemAvailable:", &kibibytes))
        available =
            kibibytes * 1024 / 16 * 15; /* some is for all that is not counted, in this process and others */
    if (number_in_file("/sys/fs/cgroup/memory.max", "", &limit) && limit < available)
        available = limit;
    limit = address_space_left();
    return limit < available ? limit : available;
}

uint64_t cnn_memory_most(void)
{
    uint64_t kibibytes;
    return number_in_file("/proc/self/status", "VmHWM:", &kibibytes) ? kibibytes * 1024 : 0;
}

void *cnn_memory_reserve(uint64_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t alignment = bytes >= 2 * LARGE_PAGE ? LARGE_PAGE : LINE;
    size_t size = ((size_t)bytes + alignment) / alignment * alignment; /* never 0 */
    void *block = aligned_alloc(alignment, size);
    if (!block)
        return NULL;
    if (alignment == LARGE_PAGE)
        madvise(block, size, MADV_HUGEPAGE); /* a wish: refused where the kernel has none */
    return block;
}

void *cnn_memory_take(uint64_t bytes)
{
    void *block = cnn_memory_reserve(bytes);
    return block ? memset(block, 0, (size_t)bytes) : NULL;
}

bool cnn_multiply(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool cnn_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
