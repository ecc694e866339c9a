#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { MODE_GLOBAL, MODE_THREAD, MODE_RELAXED };

bool fake_graph_add(FakeGraph *graph, const FakeWork *work)
{
    FakeWork *copy = malloc(sizeof *copy);
    if (!copy)
        return false;
    *copy = *work;
    copy->next = NULL;
    copy->staged = NULL;
    if (work->kind == WORK_LAUNCH && !fake_launch_copy(&work->launch, &copy->launch)) {
        free(copy);
        return false;
    }
    *(graph->last ? &graph->last->next : &graph->first) = copy;
    graph->last = copy;
    return true;
}

void fake_graph_end(void *object)
{
    FakeGraph *graph = object;
    while (graph->first) {
        FakeWork *work = graph->first;
        graph->first = work->next;
        fake_work_free(work);
    }
    fake_object_free(graph);
}

int fake_capture_forbids(const char *what)
{
    for (FakeGraph *it = fake_object_next(OBJECT_GRAPH, NULL); it; it = fake_object_next(OBJECT_GRAPH, it))
        if (it->origin && (it->mode == MODE_GLOBAL ||
                           (it->mode == MODE_THREAD && it->thread == (uint64_t)pthread_self()))) {
            it->broken = true;
            return fake_say(CAPTURE_UNSUPPORTED, "%s while a stream is captured", what);
        }
    return SUCCESS;
}

PUBLIC int cuStreamBeginCapture_v2(FakeStream *stream, int mode)
{
    CALL_IN_CONTEXT("mode=%d", mode);
    if (!stream)
        RETURN(fake_say(CAPTURE_UNSUPPORTED, "the legacy stream cannot be captured"));
    if (!fake_object_is(stream, OBJECT_STREAM))
        RETURN(INVALID_HANDLE);
    if (stream->capture || mode < MODE_GLOBAL || mode > MODE_RELAXED)
        RETURN(INVALID_VALUE);
    FakeGraph *graph = fake_object_new(OBJECT_GRAPH, sizeof *graph);
    if (!graph)
        RETURN(OUT_OF_MEMORY);
    graph->origin = stream;
    graph->thread = (uint64_t)pthread_self();
    graph->mode = mode;
    stream->capture = graph;
    RETURN(SUCCESS);
}

PUBLIC int cuStreamEndCapture(FakeStream *stream, FakeGraph **out)
{
    CALL_IN_CONTEXT("%s", "");
    *out = NULL;
    if (!fake_object_is(stream, OBJECT_STREAM))
        RETURN(INVALID_HANDLE);
    FakeGraph *graph = stream->capture;
    if (!graph || graph->origin != stream)
        RETURN(fake_say(INVALID_VALUE, "the end of a capture that has not begun"));
    if (graph->mode != MODE_RELAXED && graph->thread != (uint64_t)pthread_self())
        RETURN(CAPTURE_WRONG_THREAD);
    int status = graph->broken ? CAPTURE_INVALIDATED : SUCCESS;
    for (FakeStream *it = fake_object_next(OBJECT_STREAM, NULL); it;
         it = fake_object_next(OBJECT_STREAM, it)) {
        if (it->capture != graph)
            continue;
        if (it != stream && !it->joined && !status)
            status = fake_say(CAPTURE_UNJOINED, "a stream of a capture that nobody waits for");
        it->capture = NULL;
    }
    for (FakeEvent *it = fake_object_next(OBJECT_EVENT, NULL); it; it = fake_object_next(OBJECT_EVENT, it))
        if (it->capture == graph)
            it->capture = NULL;
    graph->origin = NULL;
    if (status)
        fake_graph_end(graph);
    else
        *out = graph;
    RETURN(status);
}

PUBLIC int cuGraphInstantiateWithFlags(FakeGraph **out, FakeGraph *graph, unsigned long long flags)
{
    CALL_IN_CONTEXT("flags=%llu", flags);
    if (!fake_object_is(graph, OBJECT_GRAPH))
        RETURN(INVALID_HANDLE);
    FakeGraph *replay = fake_object_new(OBJECT_REPLAY, sizeof *replay);
    bool whole = replay;
    for (const FakeWork *work = graph->first; work && whole; work = work->next)
        whole = fake_graph_add(replay, work);
    if (!whole) {
        if (replay)
            fake_graph_end(replay);
        RETURN(OUT_OF_MEMORY);
    }
    *out = replay;
    RETURN(SUCCESS);
}

PUBLIC int cuGraphLaunch(FakeGraph *replay, FakeStream *stream)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(replay, OBJECT_REPLAY))
        RETURN(INVALID_HANDLE);
    if (stream && fake_object_is(stream, OBJECT_STREAM) && stream->capture)
        RETURN(fake_say(CAPTURE_UNSUPPORTED, "a graph launched into a capture"));
    FakeWork work = {.kind = WORK_REPLAY, .graph = replay};
    RETURN(fake_stream_give(stream, &work));
}

PUBLIC int cuGraphDestroy(FakeGraph *graph)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(graph, OBJECT_GRAPH))
        RETURN(INVALID_HANDLE);
    fake_graph_end(graph);
    RETURN(SUCCESS);
}

PUBLIC int cuGraphExecDestroy(FakeGraph *replay)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(replay, OBJECT_REPLAY))
        RETURN(INVALID_HANDLE);
    int status = fake_stream_drain_all(false); /* work that names it */
    fake_graph_end(replay);
    RETURN(status);
}
