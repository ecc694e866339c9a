/* Streams do nothing before somebody must see the result: so a host that does not wait reads what was there
 * before. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void fake_work_free(FakeWork *work)
{
    free(work->staged);
    free(work->launch.arguments);
    free(work);
}

static int do_first(FakeStream *stream)
{
    FakeWork *work = stream->first;
    stream->first = work->next;
    if (!stream->first)
        stream->last = NULL;
    int status = fake_work_do(work);
    if (status)
        fake_break_context(status);
    fake_work_free(work);
    return status;
}

static int drain(FakeStream *stream)
{
    int status = SUCCESS;
    while (stream->first && !status)
        status = do_first(stream);
    return status;
}

/* Up to a record of an event. */
static int drain_event(const FakeEvent *event, uint64_t turn)
{
    int status = SUCCESS;
    while (event->done < turn && event->stream && event->stream->first && !status)
        status = do_first(event->stream);
    return status;
}

int fake_stream_drain_all(bool blocking)
{
    int status = SUCCESS;
    for (FakeStream *it = fake_object_next(OBJECT_STREAM, NULL); it;
         it = fake_object_next(OBJECT_STREAM, it)) {
        int of_this = blocking && it->non_blocking ? SUCCESS : drain(it);
        status = status ? status : of_this;
    }
    return status;
}

static int replay(const FakeGraph *graph)
{
    int status = SUCCESS;
    for (const FakeWork *work = graph->first; work && !status; work = work->next)
        status = fake_work_do(work);
    return status;
}

int fake_work_do(const FakeWork *work)
{
    int status = SUCCESS;
    switch (work->kind) {
    case WORK_COPY:
    case WORK_SET:
        fake_memory_open(true);
        if (work->kind == WORK_COPY)
            memmove(work->to, work->staged ? work->staged : work->from, work->bytes);
        else
            memset(work->to, work->value, work->bytes);
        fake_memory_open(false);
        break;
    case WORK_LAUNCH:
        status = fake_launch_run(&work->launch);
        break;
    case WORK_RECORD:
        work->event->done = work->turn;
        work->event->seconds = now();
        break;
    case WORK_WAIT:
        status = drain_event(work->event, work->turn);
        break;
    case WORK_REPLAY:
        status = replay(work->graph);
        break;
    }
    return status;
}

static int append(FakeStream *stream, const FakeWork *work)
{
    FakeWork *copy = malloc(sizeof *copy);
    if (!copy) {
        free(work->staged);
        free(work->launch.arguments);
        return OUT_OF_MEMORY;
    }
    *copy = *work;
    copy->next = NULL;
    *(stream->last ? &stream->last->next : &stream->first) = copy;
    stream->last = copy;
    return SUCCESS;
}

int fake_stream_give(FakeStream *stream, const FakeWork *work)
{
    int status;
    if (stream && !fake_object_is(stream, OBJECT_STREAM))
        status = INVALID_HANDLE;
    else if (stream && stream->capture) {
        stream->joined = false;
        status = fake_graph_add(stream->capture, work) ? SUCCESS : OUT_OF_MEMORY;
    } else if (stream)
        return append(stream, work);
    else {
        status = fake_capture_forbids("work on the legacy stream");
        status = status ? status : fake_stream_drain_all(true);
        status = status ? status : fake_work_do(work);
        if (status == LAUNCH_FAILED || status == ILLEGAL_ADDRESS)
            fake_break_context(status);
    }
    free(work->staged);
    free(work->launch.arguments);
    return status;
}

PUBLIC int cuStreamCreate(FakeStream **out, unsigned flags)
{
    CALL_IN_CONTEXT("flags=%u", flags);
    FakeStream *stream = flags <= 1 ? fake_object_new(OBJECT_STREAM, sizeof *stream) : NULL;
    if (!stream)
        RETURN(INVALID_VALUE);
    stream->non_blocking = flags == 1;
    *out = stream;
    RETURN(SUCCESS);
}

void fake_stream_end(void *object)
{
    FakeStream *stream = object;
    while (stream->first) {
        FakeWork *work = stream->first;
        stream->first = work->next;
        fake_work_free(work);
    }
    for (FakeEvent *it = fake_object_next(OBJECT_EVENT, NULL); it; it = fake_object_next(OBJECT_EVENT, it))
        if (it->stream == stream)
            it->stream = NULL;
    fake_object_free(stream);
}

PUBLIC int cuStreamDestroy_v2(FakeStream *stream)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(stream, OBJECT_STREAM))
        RETURN(INVALID_HANDLE);
    int status = drain(stream);
    fake_stream_end(stream);
    RETURN(status);
}

PUBLIC int cuStreamSynchronize(FakeStream *stream)
{
    CALL_IN_CONTEXT("%s", "");
    if (!stream) {
        int status = fake_capture_forbids("a wait");
        RETURN(status ? status : fake_stream_drain_all(true));
    }
    if (!fake_object_is(stream, OBJECT_STREAM))
        RETURN(INVALID_HANDLE);
    if (stream->capture) {
        stream->capture->broken = true;
        RETURN(fake_say(CAPTURE_UNSUPPORTED, "a wait for a stream that is captured"));
    }
    RETURN(drain(stream));
}

PUBLIC int cuEventCreate(FakeEvent **out, unsigned flags)
{
    CALL_IN_CONTEXT("flags=%u", flags);
    FakeEvent *event = fake_object_new(OBJECT_EVENT, sizeof *event);
    if (!event)
        RETURN(OUT_OF_MEMORY);
    event->timed = !(flags & 2);
    *out = event;
    RETURN(SUCCESS);
}

PUBLIC int cuEventDestroy_v2(FakeEvent *event)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(event, OBJECT_EVENT))
        RETURN(INVALID_HANDLE);
    int status = fake_stream_drain_all(false); /* work that names it */
    fake_object_free(event);
    RETURN(status);
}

PUBLIC int cuEventRecord(FakeEvent *event, FakeStream *stream)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(event, OBJECT_EVENT) || (stream && !fake_object_is(stream, OBJECT_STREAM)))
        RETURN(INVALID_HANDLE);
    if (stream && stream->capture) {
        event->capture = stream->capture;
        event->captured = stream;
        event->behind = stream->capture->last;
        RETURN(SUCCESS);
    }
    event->capture = NULL;
    event->stream = stream;
    FakeWork work = {.kind = WORK_RECORD, .event = event, .turn = ++event->given};
    RETURN(fake_stream_give(stream, &work));
}

/* In a capture, the works of all its streams stand in one list, in the order of their calls: one that is
 * allowed. */
static int wait_captured(FakeStream *stream, FakeEvent *event)
{
    if (stream->capture && stream->capture != event->capture)
        return fake_say(CAPTURE_INVALIDATED, "a wait for an event of another capture");
    if (!stream->capture) {
        stream->capture = event->capture;
        stream->joined = true;
    }
    if (event->captured != stream && event->captured != event->capture->origin)
        event->captured->joined = true;
    return SUCCESS;
}

PUBLIC int cuStreamWaitEvent(FakeStream *stream, FakeEvent *event, unsigned flags)
{
    CALL_IN_CONTEXT("flags=%u", flags);
    if (!fake_object_is(event, OBJECT_EVENT) || (stream && !fake_object_is(stream, OBJECT_STREAM)))
        RETURN(INVALID_HANDLE);
    if (event->capture && stream)
        RETURN(wait_captured(stream, event));
    if (event->capture || (stream && stream->capture))
        RETURN(fake_say(CAPTURE_UNSUPPORTED, "a wait across the border of a capture"));
    FakeWork work = {.kind = WORK_WAIT, .event = event, .turn = event->given};
    RETURN(fake_stream_give(stream, &work));
}

PUBLIC int cuEventSynchronize(FakeEvent *event)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(event, OBJECT_EVENT))
        RETURN(INVALID_HANDLE);
    if (event->capture) {
        event->capture->broken = true;
        RETURN(fake_say(CAPTURE_UNSUPPORTED, "a wait for an event that is captured"));
    }
    RETURN(drain_event(event, event->given));
}

PUBLIC int cuEventElapsedTime(float *milliseconds, const FakeEvent *begin, const FakeEvent *end)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(begin, OBJECT_EVENT) || !fake_object_is(end, OBJECT_EVENT) || !begin->timed ||
        !end->timed || begin->given == 0 || end->given == 0)
        RETURN(INVALID_HANDLE);
    if (begin->done < begin->given || end->done < end->given)
        RETURN(NOT_READY);
    *milliseconds = (float)(1e3 * (end->seconds - begin->seconds));
    RETURN(SUCCESS);
}
