#include "runtime/run/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"

struct CnnWriter {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock: */
    WriterFile files[WRITER_FILES];
    int count; /* of the job that runs; 0: none */
    bool stop;
    bool ended;                      /* a job has, and nobody has been told */
    CnnError failures[WRITER_FILES]; /* of its files */
    double seconds;
};

void cnn_writer_file_free(WriterFile *file)
{
    for (int i = 0; file->metadata[i]; i++)
        free(file->metadata[i]);
    free(file->path);
    free(file->tensors);
    *file = (WriterFile){0};
}

static void write_file(const WriterFile *file, CnnError *error)
{
    CnnStatus status =
        cnn_weights_save(file->path, file->tensors, file->count, (const char *const *)file->metadata, error);
    if (status == CNN_OK && file->safe)
        file->safe(file->context);
}

static void *writer_thread(void *argument)
{
    CnnWriter *writer = argument;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->count == 0 && !writer->stop)
            pthread_cond_wait(&writer->changed, &writer->lock);
        if (writer->count == 0)
            break;
        pthread_mutex_unlock(&writer->lock);
        double start = cnn_clock();
        CnnError failures[WRITER_FILES] = {0};
        for (int i = 0; i < writer->count; i++)
            write_file(&writer->files[i], &failures[i]); /* each: the failure of one is none of the others */
        for (int i = 0; i < writer->count; i++)
            cnn_writer_file_free(&writer->files[i]);
        pthread_mutex_lock(&writer->lock);
        memcpy(writer->failures, failures, sizeof failures);
        writer->ended = true;
        writer->seconds = cnn_clock() - start;
        writer->count = 0;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

CnnStatus cnn_writer_open(CnnWriter **out, CnnError *error)
{
    CnnWriter *writer = calloc(1, sizeof *writer);
    if (!writer)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory to write checkpoints");
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    /* Signals are for the thread that trains. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&writer->thread, NULL, writer_thread, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0) {
        *out = writer;
        return CNN_OK;
    }
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
    return cnn_fail(error, CNN_NO_RESOURCE, "cannot start a thread to write checkpoints: %s",
                    strerror(failure));
}

bool cnn_writer_ended(CnnWriter *writer, bool wait, CnnError failures[WRITER_FILES])
{
    pthread_mutex_lock(&writer->lock);
    while (wait && writer->count > 0)
        pthread_cond_wait(&writer->changed, &writer->lock);
    bool ended = writer->ended;
    if (ended)
        memcpy(failures, writer->failures, sizeof writer->failures);
    writer->ended = false;
    pthread_mutex_unlock(&writer->lock);
    return ended;
}

void cnn_writer_start(CnnWriter *writer, WriterFile *files, int count)
{
    pthread_mutex_lock(&writer->lock);
    memcpy(writer->files, files, (size_t)count * sizeof *files);
    writer->count = count;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

bool cnn_writer_busy(CnnWriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool busy = writer->count > 0;
    pthread_mutex_unlock(&writer->lock);
    return busy;
}

double cnn_writer_seconds(CnnWriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    double seconds = writer->seconds;
    pthread_mutex_unlock(&writer->lock);
    return seconds;
}

void cnn_writer_close(CnnWriter *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}
