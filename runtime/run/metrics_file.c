/* The table of epochs, for spreadsheets: columns are added for the metrics of the model, and none changes its
 * place. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/file.h"
#include "runtime/run/events.h"
#include "runtime/run/lines_file.h"

static void put_values(FILE *out, const CnnProgram *program, const Totals *totals)
{
    if (totals)
        fprintf(out, ",%.9g", totals_loss(totals));
    else
        putc(',', out);
    for (int i = 0; i < program->metric_count; i++)
        if (totals)
            fprintf(out, ",%.9g", totals_metric(totals, i));
        else
            putc(',', out);
}

static void put_names(FILE *out, const char *prefix, const CnnProgram *program)
{
    fprintf(out, ",%sloss", prefix);
    for (int i = 0; i < program->metric_count; i++)
        fprintf(out, ",%s%s", prefix, program->metrics[i].name);
}

static void hear(void *self, const CnnProgram *program, const RunEvent *event)
{
    FILE *out = event->kind == EVENT_EPOCH ? cnn_lines_out(self) : NULL;
    if (!out)
        return;
    fprintf(out, "%" PRId64 ",%" PRId64, event->epoch, event->step);
    put_values(out, program, event->training);
    put_values(out, event->evaluated, event->other);
    fprintf(out, ",%.9g,%.3f,%.3f,%.3f,%.3f\n", event->rate, event->seconds, event->took, event->trained,
            event->waited);
    cnn_lines_flush(self, false);
}

static CnnStatus close_file(void *self, CnnError *error)
{
    CnnStatus status = cnn_lines_close(self, error);
    free(self);
    return status;
}

/* The length of the head and of the rows of the first `epochs` epochs. */
static size_t kept_bytes(const char *text, int64_t epochs)
{
    const char *at = text;
    while (*at) {
        char *end;
        long long epoch = strtoll(at, &end, 10);
        size_t length = strcspn(at, "\n");
        if (at[length] == '\0' || (end != at && epoch > epochs))
            break;
        at += length + 1;
    }
    return (size_t)(at - text);
}

/* Drops the rows that will be written again. */
static CnnStatus cut_file(LinesFile *file, int64_t epochs, CnnError *error)
{
    char *text;
    size_t length;
    TRY(cnn_file_read(file->path, &text, &length, error));
    off_t kept = (off_t)kept_bytes(text, epochs);
    free(text);
    return cnn_lines_cut(file, kept, error);
}

static void put_head(FILE *out, const CnnImage *image)
{
    fputs("epoch,step", out);
    put_names(out, "", &image->train);
    put_names(out, "val_", &image->eval);
    fputs(",rate,seconds,epoch_seconds,train_seconds,wait_seconds\n", out);
}

CnnStatus cnn_metrics_file_open(const RunFolder *folder, const CnnImage *image, int64_t epochs,
                                RunListeners *listeners, CnnError *error)
{
    LinesFile *file = malloc(sizeof *file);
    if (!file)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the table of epochs");
    CnnStatus status = cnn_lines_open(folder, RUN_METRICS, file, error);
    if (status != CNN_OK) {
        free(file);
        return status;
    }
    cnn_listeners_add(listeners, (RunListener){hear, close_file, file}); /* closes it from now on */
    TRY(cut_file(file, epochs, error));
    FILE *out = file->length == 0 ? cnn_lines_out(file) : NULL;
    if (out)
        put_head(out, image);
    cnn_lines_flush(file, false);
    return CNN_OK;
}
