/* Writes files of tensors on a thread of its own, so that a training waits for the copy in memory and not for
 * the disk. One job at a time: a second one waits for the first. */
#ifndef CNN_WRITER_H
#define CNN_WRITER_H

#include "runtime/status.h"
#include "runtime/weights.h"

typedef struct CnnWriter CnnWriter;

enum { WRITER_FILES = 3, WRITER_METADATA = 16 };

/* One file of a job. All of it belongs to the writer once it is given to it. */
typedef struct {
    char *path;
    NamedTensor *tensors; /* the list is the writer's; the data that it points to stay the caller's, who may
                             not change them before cnn_writer_wait */
    int count;
    char *metadata[WRITER_METADATA + 1]; /* key, value, …, NULL */
    void (*safe)(
        void *context); /* called by the writer's thread once the file is on the disk; NULL: nothing */
    void *context;
} WriterFile;

CnnStatus cnn_writer_open(CnnWriter **out, CnnError *error);

/** Whether a job has ended of which this has not been told yet; with `wait`, after the end of the one that
 * runs. Then `failures` has the status of each of its files, in their order. */
bool cnn_writer_ended(CnnWriter *writer, bool wait, CnnError failures[WRITER_FILES]);

/** Hands files over, which are written one after another. Called after cnn_writer_ended has waited. */
void cnn_writer_start(CnnWriter *writer, WriterFile *files, int count);

/** Whether a job runs. */
bool cnn_writer_busy(CnnWriter *writer);

/** Seconds that the last finished job took. */
double cnn_writer_seconds(CnnWriter *writer);

/** Waits for the running job. */
void cnn_writer_close(CnnWriter *writer);

/** Frees a file that was not handed over. */
void cnn_writer_file_free(WriterFile *file);

#endif
