#include <stdlib.h>

#include "fake.h"

static FakeObject *first;

void *fake_object_new(ObjectKind kind, size_t bytes)
{
    FakeObject *object = calloc(1, bytes);
    if (!object)
        return NULL;
    *object = (FakeObject){.kind = kind, .next = first};
    first = object;
    return object;
}

bool fake_object_is(const void *handle, ObjectKind kind)
{
    for (const FakeObject *object = first; object; object = object->next)
        if (object == handle)
            return object->kind == kind;
    return false;
}

void *fake_object_next(ObjectKind kind, const void *after)
{
    FakeObject *object = after ? ((const FakeObject *)after)->next : first;
    while (object && object->kind != kind)
        object = object->next;
    return object;
}

void fake_object_free(void *object)
{
    for (FakeObject **at = &first; *at; at = &(*at)->next)
        if (*at == object) {
            *at = (*at)->next;
            free(object);
            return;
        }
}

void fake_objects_take_back(bool tell)
{
    static const struct {
        const char *name;
        void (*end)(void *object); /* gives back what it owns, and itself */
    } kinds[] = {[OBJECT_STREAM] = {"a stream", fake_stream_end},
                 [OBJECT_EVENT] = {"an event", fake_object_free},
                 [OBJECT_GRAPH] = {"a graph", fake_graph_end},
                 [OBJECT_REPLAY] = {"an instantiated graph", fake_graph_end},
                 [OBJECT_MODULE] = {"a module", fake_module_end},
                 [OBJECT_FUNCTION] = {NULL, fake_object_free}};
    while (first) {
        if (tell && kinds[first->kind].name) /* a function goes with its module */
            fake_say(0, "leak: %s", kinds[first->kind].name);
        kinds[first->kind].end(first);
    }
}
