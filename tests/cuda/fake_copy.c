/* Copies and fills: on the legacy stream at once, on another when it comes to them. */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { WHY = 256 };

/* Memory of the GPU that a call is given. */
static int need_device(const char *what, FakePointer address, size_t bytes)
{
    char why[WHY];
    if (bytes == 0 || fake_memory_on_device(address, bytes, why, sizeof why))
        return SUCCESS;
    return fake_say(INVALID_VALUE, "%s: %s", what, why);
}

static int need_host(const char *what, const void *address, size_t bytes, bool *pinned)
{
    char why[WHY];
    if (bytes == 0 || fake_memory_on_host(address, bytes, pinned, why, sizeof why))
        return SUCCESS;
    return fake_say(INVALID_VALUE, "%s: %s", what, why);
}

/* Without a stream: waits for the streams that the legacy one waits for, then copies. */
static int copy_now(void *to, const void *from, size_t bytes)
{
    int status = fake_capture_forbids("a copy that waits");
    status = status ? status : fake_stream_drain_all(true);
    FakeWork work = {.kind = WORK_COPY, .to = to, .from = from, .bytes = bytes};
    return status ? status : fake_work_do(&work);
}

PUBLIC int cuMemcpyHtoD_v2(FakePointer to, const void *from, size_t bytes)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    int status = need_device("copied to", to, bytes);
    status = status ? status : need_host("copied from", from, bytes, NULL);
    RETURN(status ? status : copy_now((void *)(uintptr_t)to, from, bytes));
}

PUBLIC int cuMemcpyDtoH_v2(void *to, FakePointer from, size_t bytes)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    int status = need_device("copied from", from, bytes);
    status = status ? status : need_host("copied to", to, bytes, NULL);
    RETURN(status ? status : copy_now(to, (const void *)(uintptr_t)from, bytes));
}

PUBLIC int cuMemcpyHtoDAsync_v2(FakePointer to, const void *from, size_t bytes, FakeStream *stream)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    bool pinned;
    int status = need_device("copied to", to, bytes);
    status = status ? status : need_host("copied from", from, bytes, &pinned);
    if (status || bytes == 0)
        RETURN(status);
    FakeWork work = {.kind = WORK_COPY, .to = (void *)(uintptr_t)to, .from = from, .bytes = bytes};
    if (!pinned && stream && fake_object_is(stream, OBJECT_STREAM) && !stream->capture) {
        /* Memory that is not pinned has been read when the call returns. */
        work.staged = malloc(bytes);
        if (!work.staged)
            RETURN(OUT_OF_MEMORY);
        memcpy(work.staged, from, bytes);
    }
    RETURN(fake_stream_give(stream, &work));
}

PUBLIC int cuMemcpyDtoHAsync_v2(void *to, FakePointer from, size_t bytes, FakeStream *stream)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    int status = need_device("copied from", from, bytes);
    status = status ? status : need_host("copied to", to, bytes, NULL);
    FakeWork work = {.kind = WORK_COPY, .to = to, .from = (const void *)(uintptr_t)from, .bytes = bytes};
    RETURN(status || bytes == 0 ? status : fake_stream_give(stream, &work));
}

PUBLIC int cuMemcpyDtoDAsync_v2(FakePointer to, FakePointer from, size_t bytes, FakeStream *stream)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    int status = need_device("copied from", from, bytes);
    status = status ? status : need_device("copied to", to, bytes);
    FakeWork work = {.kind = WORK_COPY,
                     .to = (void *)(uintptr_t)to,
                     .from = (const void *)(uintptr_t)from,
                     .bytes = bytes};
    RETURN(status || bytes == 0 ? status : fake_stream_give(stream, &work));
}

/* On the legacy stream a fill need not be done when the call returns, but comes before all that follows. */
static int fill(FakePointer to, int value, size_t bytes, FakeStream *stream)
{
    int status = need_device("filled", to, bytes);
    FakeWork work = {.kind = WORK_SET, .to = (void *)(uintptr_t)to, .bytes = bytes, .value = value};
    return status || bytes == 0 ? status : fake_stream_give(stream, &work);
}

PUBLIC int cuMemsetD8_v2(FakePointer to, unsigned char value, size_t bytes)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    RETURN(fill(to, value, bytes, NULL));
}

PUBLIC int cuMemsetD8Async(FakePointer to, unsigned char value, size_t bytes, FakeStream *stream)
{
    CALL_IN_CONTEXT("bytes=%zu", bytes);
    RETURN(fill(to, value, bytes, stream));
}
