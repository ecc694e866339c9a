#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake.h"

enum { PAGE = 4096, ALIGNMENT = 256, UNTOUCHED = 0xA5 };

/* An allocation ends at a page that cannot be touched, but for what the alignment leaves; that, and what lies
 * before it on its first page, has a pattern. */
typedef struct Allocation {
    char *pages; /* of the whole, without the page before and the one behind */
    size_t page_bytes;
    char *start;
    size_t bytes;
    bool host, freed;
    bool told; /* that it was written beside */
    struct Allocation *next;
} Allocation;

static Allocation *first;
static uint64_t used;

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* The allocation with this address, or before or behind which it lies by less than a page. */
static Allocation *near(const void *address)
{
    const char *at = address;
    for (Allocation *it = first; it; it = it->next)
        if (at >= it->pages - PAGE && at < it->pages + it->page_bytes + PAGE)
            return it;
    return NULL;
}

static bool is_in(const Allocation *it, const char *at)
{
    return at >= it->start && at < it->start + it->bytes;
}

void fake_memory_describe(const void *address, char *text, size_t room)
{
    const char *at = address;
    const Allocation *it = near(address);
    const char *place = it && it->host ? "pinned memory" : "memory of the GPU";
    if (!it)
        snprintf(text, room, "%p, which is nowhere", address);
    else if (it->freed)
        snprintf(text, room, "%s that has been freed", place);
    else if (at < it->start)
        snprintf(text, room, "%td bytes before an allocation of %zu bytes in %s", it->start - at, it->bytes,
                 place);
    else if (!is_in(it, at))
        snprintf(text, room, "%td bytes behind the end of an allocation of %zu bytes in %s",
                 at - it->start - (ptrdiff_t)it->bytes, it->bytes, place);
    else
        snprintf(text, room, "byte %td of an allocation of %zu bytes in %s", at - it->start, it->bytes,
                 place);
}

bool fake_memory_on_device(FakePointer address, size_t bytes, char *why, size_t room)
{
    const char *at = (const char *)(uintptr_t)address;
    const Allocation *it = near(at);
    if (it && !it->host && !it->freed && is_in(it, at) && bytes <= (size_t)(it->start + it->bytes - at))
        return true;
    if (it && !it->host && !it->freed && is_in(it, at))
        snprintf(why, room, "%zu bytes from byte %td of an allocation of %zu bytes", bytes, at - it->start,
                 it->bytes);
    else
        fake_memory_describe(at, why, room);
    return false;
}

bool fake_memory_on_host(const void *address, size_t bytes, bool *pinned, char *why, size_t room)
{
    const char *at = address;
    const Allocation *it = near(address);
    bool whole =
        it && it->host && !it->freed && is_in(it, at) && bytes <= (size_t)(it->start + it->bytes - at);
    if (pinned)
        *pinned = whole;
    if (whole || (!it && at))
        return true;
    fake_memory_describe(address, why, room);
    return false;
}

static int allocate(size_t bytes, bool host, Allocation **out)
{
    if (bytes == 0)
        return INVALID_VALUE;
    size_t whole = round_up(bytes, ALIGNMENT);
    if (!host && (whole < bytes || used + whole > fake_memory_of_device()))
        return OUT_OF_MEMORY;
    Allocation *it = calloc(1, sizeof *it);
    if (!it)
        return OUT_OF_MEMORY;
    it->page_bytes = round_up(whole, PAGE);
    char *memory =
        mmap(NULL, it->page_bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        free(it);
        return OUT_OF_MEMORY;
    }
    it->pages = memory + PAGE;
    it->start = it->pages + it->page_bytes - whole;
    it->bytes = bytes;
    it->host = host;
    mprotect(it->pages, it->page_bytes, PROT_READ | PROT_WRITE);
    memset(it->pages, UNTOUCHED, (size_t)(it->start - it->pages));
    memset(it->start, 0xFF, bytes);
    memset(it->start + bytes, UNTOUCHED, whole - bytes);
    if (!host) {
        mprotect(it->pages, it->page_bytes, PROT_NONE);
        used += whole;
    }
    it->next = first;
    first = it;
    *out = it;
    return SUCCESS;
}

void fake_memory_open(bool open)
{
    for (const Allocation *it = first; it; it = it->next)
        if (!it->host && !it->freed)
            mprotect(it->pages, it->page_bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static bool untouched(const char *at, const char *end)
{
    for (; at < end; at++)
        if ((unsigned char)*at != UNTOUCHED)
            return false;
    return true;
}

static bool intact(const Allocation *it)
{
    return untouched(it->pages, it->start) && untouched(it->start + it->bytes, it->pages + it->page_bytes);
}

bool fake_memory_intact(const char *writer)
{
    for (Allocation *it = first; it; it = it->next) {
        if (it->freed || it->told || intact(it))
            continue;
        it->told = true;
        const char *where = untouched(it->pages, it->start) ? "behind" : "before";
        fake_say(0, "%s has written %s an allocation of %zu bytes", writer, where, it->bytes);
        return false;
    }
    return true;
}

/* The place stays taken, so that whoever still uses it is found. */
static void take_back(Allocation *it)
{
    it->freed = true;
    mprotect(it->pages, it->page_bytes, PROT_NONE);
    madvise(it->pages, it->page_bytes, MADV_DONTNEED);
    if (!it->host)
        used -= round_up(it->bytes, ALIGNMENT);
}

static int release(char *start, bool host)
{
    Allocation *it = near(start);
    if (!it || it->host != host || it->freed || it->start != start) {
        char why[256];
        fake_memory_describe(start, why, sizeof why);
        return fake_say(INVALID_VALUE, "freed: %s", why);
    }
    int status = fake_stream_drain_all(false);
    take_back(it);
    return status;
}

void fake_memory_take_back(bool tell)
{
    for (Allocation *it = first; it; it = it->next) {
        if (it->freed)
            continue;
        if (tell)
            fake_say(0, "leak: %zu bytes of %s", it->bytes, it->host ? "pinned memory" : "memory of the GPU");
        take_back(it);
    }
}

void fake_memory_end(void)
{
    while (first) {
        Allocation *it = first;
        first = it->next;
        munmap(it->pages - PAGE, it->page_bytes + 2 * PAGE);
        free(it);
    }
    used = 0;
}

PUBLIC int cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    CALL_IN_CONTEXT("%s", "");
    *free_bytes = fake_memory_of_device() - used;
    *total = fake_memory_of_device();
    RETURN(SUCCESS);
}

static int allocate_outside_capture(size_t bytes, bool host, void **out)
{
    Allocation *it;
    int status = fake_capture_forbids("an allocation");
    status = status ? status : allocate(bytes, host, &it);
    if (!status)
        *out = it->start;
    return status;
}

PUBLIC int cuMemAlloc_v2(FakePointer *memory, size_t bytes)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    void *start = NULL;
    int status = allocate_outside_capture(bytes, false, &start);
    *memory = (uintptr_t)start;
    RETURN(status);
}

PUBLIC int cuMemFree_v2(FakePointer memory)
{
    CALL_IN_CONTEXT("%s", "");
    int status = fake_capture_forbids("freeing memory");
    RETURN(status || !memory ? status : release((char *)(uintptr_t)memory, false));
}

PUBLIC int cuMemAllocHost_v2(void **memory, size_t bytes)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    RETURN(allocate_outside_capture(bytes, true, memory));
}

PUBLIC int cuMemFreeHost(void *memory)
{
    CALL_IN_CONTEXT("%s", "");
    int status = fake_capture_forbids("freeing memory");
    RETURN(status || !memory ? status : release(memory, true));
}
