/* The table of epochs, for spreadsheets: columns are added for the metrics of the model, and none changes its
 * place. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/file.h"
#include "runtime/run/events.h"

typedef struct {
    FILE *out;
    char *path;
} MetricsFile;

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
    FILE *out = ((MetricsFile *)self)->out;
    if (event->kind != EVENT_EPOCH)
        return;
    fprintf(out, "%" PRId64 ",%" PRId64, event->epoch, event->step);
    put_values(out, program, event->training);
    put_values(out, program, event->other);
    fprintf(out, ",%.9g,%.3f,%.3f,%.3f,%.3f\n", event->rate, event->seconds, event->took, event->trained,
            event->waited);
    fflush(out);
}

static CnnStatus close_file(void *self, CnnError *error)
{
    MetricsFile *file = self;
    bool failed = ferror(file->out) != 0;
    failed = fclose(file->out) != 0 || failed;
    CnnStatus status = failed ? cnn_fail(error, CNN_NO_RESOURCE, "'%s' is not whole", file->path) : CNN_OK;
    free(file->path);
    free(file);
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
            break; /* a row that was cut off by a crash goes too */
        at += length + 1;
    }
    return (size_t)(at - text);
}

/* Drops the rows that will be written again. */
static CnnStatus cut_file(const char *path, int64_t epochs, CnnError *error)
{
    char *text;
    size_t length;
    NewFile file;
    CnnError none = {0};
    if (cnn_file_read(path, &text, &length, &none) != CNN_OK)
        return CNN_OK; /* a training that was stopped before it was made */
    CnnStatus status = cnn_file_create(path, &file, error);
    if (status == CNN_OK) {
        status = cnn_file_write(&file, text, kept_bytes(text, epochs), error);
        if (status == CNN_OK)
            status = cnn_file_commit(&file, error);
        else
            cnn_file_abandon(&file);
    }
    free(text);
    return status;
}

CnnStatus cnn_metrics_file_open(const RunFolder *folder, const CnnProgram *program, int64_t epochs,
                                RunListeners *listeners, CnnError *error)
{
    MetricsFile *file = calloc(1, sizeof *file);
    CnnStatus status = CNN_OK;
    if (file)
        file->path = cnn_run_folder_file(folder, RUN_METRICS);
    if (!file || !file->path)
        status = cnn_fail(error, CNN_NO_RESOURCE, "no memory for the table of epochs");
    if (status == CNN_OK)
        status = cut_file(file->path, epochs, error);
    if (status == CNN_OK && !(file->out = fopen(file->path, "ae")))
        status = cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", file->path, strerror(errno));
    if (status != CNN_OK) {
        if (file)
            free(file->path);
        free(file);
        return status;
    }
    if (ftell(file->out) == 0) {
        fputs("epoch,step", file->out);
        put_names(file->out, "", program);
        put_names(file->out, "val_", program);
        fputs(",rate,seconds,epoch_seconds,train_seconds,wait_seconds\n", file->out);
    }
    cnn_listeners_add(listeners, (RunListener){hear, close_file, file});
    return CNN_OK;
}
