#include "runtime/run/events.h"

const char *const event_names[EVENT_KINDS] = {"start", "step", "epoch", "checkpoint", "note", "test", "end"};

void cnn_listeners_add(RunListeners *listeners, RunListener listener)
{
    listeners->items[listeners->count++] = listener;
}

void cnn_listeners_tell(const RunListeners *listeners, const RunEvent *event)
{
    for (int i = 0; i < listeners->count; i++)
        listeners->items[i].hear(listeners->items[i].self, listeners->program, event);
}

CnnStatus cnn_listeners_close(RunListeners *listeners, CnnError *error)
{
    CnnStatus status = CNN_OK;
    for (int i = 0; i < listeners->count; i++) {
        CnnStatus closed = listeners->items[i].close(listeners->items[i].self, error);
        status = status == CNN_OK ? closed : status;
    }
    listeners->count = 0;
    return status;
}
