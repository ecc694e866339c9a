#include "compiler/commands/web_history.h"

#include <stdlib.h>

/* ---- Lines ---- */

static void drop(WebLine *line)
{
    if (line && --line->holders == 0)
        free(line);
}

static void hold(WebLine **place, WebLine *line)
{
    line->holders++;
    drop(*place);
    *place = line;
}

CnnStatus web_history_open(WebHistory *history, CnnError *error)
{
    *history = (WebHistory){.items = calloc(WEB_HISTORY_MOST, sizeof(WebLine *))};
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        history->shares[kind].stride = 1;
    if (!history->items)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the page of the training");
    history->reader = json_reader_open();
    history->arena = arena_new();
    return CNN_OK;
}

void web_history_close(WebHistory *history)
{
    for (int i = 0; i < history->count; i++)
        drop(history->items[i]);
    for (int kind = 0; kind < WEB_KINDS; kind++)
        drop(history->newest[kind]);
    drop(history->best);
    free(history->items);
    if (history->reader)
        json_reader_close(history->reader);
    if (history->arena)
        arena_free(history->arena);
    *history = (WebHistory){0};
}

/* ---- Keeping ---- */

static bool is_kept(const WebHistory *history, const WebLine *line)
{
    return line->ordinal % history->shares[line->kind].stride == 0;
}

/* What was read is read again. */
static void forget_objects(WebHistory *history)
{
    arena_free(history->arena);
    history->arena = arena_new();
    history->read = 0;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        history->objects[kind] = (JsonObjects){0};
}

static void thin(WebHistory *history)
{
    int counts[EVENT_KINDS] = {0}, most = 0, kept = 0;
    for (int i = 0; i < history->count; i++)
        counts[history->items[i]->kind]++;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        most = counts[kind] > counts[most] ? kind : most;
    history->shares[most].stride *= 2;
    for (int i = 0; i < history->count; i++)
        if (is_kept(history, history->items[i]))
            history->items[kept++] = history->items[i];
        else
            drop(history->items[i]);
    history->count = kept;
    forget_objects(history);
}

static void add(WebHistory *history, WebLine *line)
{
    line->holders = 1;
    history->number = line->number;
    hold(&history->newest[line->kind], line);
    if (line->best)
        hold(&history->best, line);
    if (line->kind < EVENT_KINDS) {
        line->ordinal = history->shares[line->kind].seen++;
        if (history->count == WEB_HISTORY_MOST && is_kept(history, line))
            thin(history);
        if (is_kept(history, line)) {
            line->holders++;
            history->items[history->count++] = line;
        }
    }
    drop(line);
}

void web_history_add(WebHistory *history, WebLine *lines)
{
    for (WebLine *line = lines, *next; line; line = next) {
        next = line->next;
        add(history, line);
    }
}

/* ---- Reading ---- */

JsonObject web_history_object(WebHistory *history, Arena *arena, const WebLine *line)
{
    JsonObject object = {0};
    if (line)
        json_object_read(history->reader, arena, line->text, line->length, &object);
    return object;
}

const JsonObjects *web_history_objects(WebHistory *history, EventKind kind)
{
    for (; history->read < history->count; history->read++) {
        const WebLine *line = history->items[history->read];
        *vec_push(history->arena, &history->objects[line->kind]) =
            web_history_object(history, history->arena, line);
    }
    return &history->objects[kind];
}

void web_history_print(const WebHistory *history, int64_t after, Text *out)
{
    const WebLine *step = history->newest[EVENT_STEP];
    if (step && step->number <= after)
        step = NULL;
    for (int i = 0; i < history->count; i++) {
        const WebLine *line = history->items[i];
        if (line->number <= after)
            continue;
        if (step && step->number < line->number) {
            text_append(out, step->text, step->length);
            step = NULL;
        }
        text_append(out, line->text, line->length);
        step = step == line ? NULL : step;
    }
    if (step)
        text_append(out, step->text, step->length);
}
