/* The file of all events, for programs: an object a line, so that it can be followed while it grows. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/json.h"
#include "runtime/run/events.h"
#include "runtime/run/lines_file.h"

static void put_number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, ", \"%s\": %.9g", key, value);
    else
        fprintf(out, ", \"%s\": null", key); /* JSON has no other numbers */
}

static void put_values(FILE *out, const char *prefix, const CnnProgram *program, const Totals *totals)
{
    char key[64];
    snprintf(key, sizeof key, "%sloss", prefix);
    put_number(out, key, totals_loss(totals));
    for (int i = 0; i < program->metric_count; i++) {
        snprintf(key, sizeof key, "%s%s", prefix, program->metrics[i].name);
        put_number(out, key, totals_metric(totals, i));
    }
}

static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, ", \"%s\": ", key);
    json_string(out, text);
}

/* The moment, in UTC: the clocks of machines that share a folder may have different zones. */
static void put_time(FILE *out)
{
    char text[32];
    struct tm parts;
    time_t now = time(NULL);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    put_text(out, "time", text);
}

void cnn_event_put(FILE *out, const CnnProgram *program, const RunEvent *event)
{
    fprintf(out, "{\"event\": \"%s\"", event_names[event->kind]);
    put_number(out, "seconds", event->seconds);
    fprintf(out, ", \"epoch\": %" PRId64 ", \"step\": %" PRId64, event->epoch, event->step);
    switch (event->kind) {
    case EVENT_START:
        fprintf(out, ", \"epochs\": %" PRId64 ", \"steps\": %" PRId64 ", \"resumed\": %s", event->epochs,
                event->steps, event->resumed ? "true" : "false");
        if (event->varied) {
            put_text(out, "varied", event->varied);
            put_text(out, "point", event->point);
        }
        put_time(out);
        break;
    case EVENT_STEP:
        put_values(out, "", program, event->training);
        put_number(out, "rate", event->rate);
        fprintf(out, ", \"samples\": %" PRId64, event->training->samples);
        put_number(out, "step_seconds", event->took);
        break;
    case EVENT_EPOCH:
        put_values(out, "", program, event->training);
        if (event->other)
            put_values(out, "val_", event->evaluated, event->other);
        put_number(out, "rate", event->rate);
        fprintf(out, ", \"samples\": %" PRId64, event->training->samples);
        put_number(out, "epoch_seconds", event->took);
        put_number(out, "train_seconds", event->trained);
        put_number(out, "wait_seconds", event->waited);
        if (event->scale) {
            fprintf(out, ", \"overflows\": %" PRId64, event->scale->of_epoch);
            put_number(out, "scale", event->scale->value);
        }
        fprintf(out, ", \"best\": %s", event->best ? "true" : "false");
        break;
    case EVENT_TEST:
        put_values(out, "test_", event->evaluated, event->other);
        fprintf(out, ", \"samples\": %" PRId64, event->other->samples);
        break;
    case EVENT_CHECKPOINT:
        put_text(out, "file", event->text);
        break;
    case EVENT_NOTE:
        put_text(out, "text", event->text);
        break;
    case EVENT_END:
        fprintf(out, ", \"status\": %d", (int)event->status);
        put_text(out, "text", event->text);
        put_time(out);
        break;
    case EVENT_KINDS:
        break;
    }
    fputs("}\n", out);
}

static void hear_on_stream(void *self, const CnnProgram *program, const RunEvent *event)
{
    cnn_event_put(self, program, event);
    if (event->kind != EVENT_STEP)
        fflush(self); /* steps wait for company */
}

static CnnStatus close_stream(void *self, CnnError *error)
{
    return fflush(self) == 0 && !ferror(self)
               ? CNN_OK
               : cnn_fail(error, CNN_NO_RESOURCE, "the events are not whole: a write failed");
}

void cnn_events_stream_open(FILE *out, RunListeners *listeners)
{
    cnn_listeners_add(listeners, (RunListener){hear_on_stream, close_stream, out});
}

static void hear(void *self, const CnnProgram *program, const RunEvent *event)
{
    FILE *out = cnn_lines_out(self);
    if (!out)
        return;
    cnn_event_put(out, program, event);
    cnn_lines_flush(self, event->kind == EVENT_STEP);
}

static CnnStatus close_file(void *self, CnnError *error)
{
    CnnStatus status = cnn_lines_close(self, error);
    free(self);
    return status;
}

CnnStatus cnn_events_file_open(const RunFolder *folder, RunListeners *listeners, CnnError *error)
{
    LinesFile *file = malloc(sizeof *file);
    CnnStatus status = file ? cnn_lines_open(folder, RUN_EVENTS, file, error)
                            : cnn_fail(error, CNN_NO_RESOURCE, "no memory for the events of a run");
    if (status == CNN_OK)
        cnn_listeners_add(listeners, (RunListener){hear, close_file, file});
    else
        free(file);
    return status;
}
