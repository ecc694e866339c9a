/* The folder of one training: what it is, how far it came, and everything that it wrote. */
#ifndef CNN_RUN_FOLDER_H
#define CNN_RUN_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/image.h"
#include "runtime/status.h"

typedef struct {
    char *path; /* without a '/' at its end; NULL: the training has no folder */
    int lock;   /* descriptor that holds the lock; -1: none */
} RunFolder;

#define RUNS "runs" /* the folder of run folders */

/* The files of a run folder. */
#define RUN_LOCK       "lock"             /* the process that trains: its number, and a lock while it lives */
#define RUN_MODEL      "resolved.cnn"     /* the model with all that the command line said */
#define RUN_BEST       "best.safetensors" /* weights of the best epoch */
#define RUN_LAST       "last.safetensors" /* weights at the end, or where the training was interrupted */
#define RUN_METRICS    "metrics.csv"      /* a row for each epoch */
#define RUN_EVENTS     "events.jsonl"     /* all that happened, an object a line */
#define RUN_CLASSES    "classes.jsonl"    /* what the classes were taken for */
#define RUN_MISTAKES   "mistakes.jsonl"   /* the wrong answers that the network was surest of */
#define RUN_UNREADABLE "unreadable.jsonl" /* the samples that were left out, where there are any */
#define RUN_REPORT     "report.html"      /* by cnnc: all of this as a page */
#define RUN_PLOT       "plot.png"         /* by cnnc: the curves */
#define RUN_CHECKPOINT "checkpoint-"      /* checkpoint-STEP.safetensors: all that is needed to go on */

/* events.out.tfevents.SECONDS.cnnc: the curves, for TensorBoard */
#define RUN_TENSORBOARD     "events.out.tfevents."
#define RUN_TENSORBOARD_END ".cnnc"

/**
 * Makes `path`, or where that is NULL runs/NAME-N, with the smallest N that is larger than those there. The
 * folder is locked until it is closed.
 *
 * Errors  CNN_BAD_USAGE: the folder has another training in it, or something that is no training;
 *         CNN_NO_RESOURCE: it cannot be made.
 */
CnnStatus cnn_run_folder_make(const CnnImage *image, const char *path, RunFolder *folder, CnnError *error);

/**
 * Opens the folder of an earlier training, and locks it: `path`, or where that is NULL the newest of this
 * model in runs/. What a process that was killed had begun to write is removed.
 *
 * Errors  CNN_BAD_USAGE: there is none; CNN_NO_RESOURCE: another process trains in it (which one is said),
 *         it cannot be written.
 */
CnnStatus cnn_run_folder_open(const CnnImage *image, const char *path, RunFolder *folder, CnnError *error);
void cnn_run_folder_close(RunFolder *folder);

/** Whether a process trains in the folder at `path`. */
bool cnn_run_folder_busy(const char *path);

/** FOLDER/NAME; freed by the caller. NULL: no memory. */
char *cnn_run_folder_file(const RunFolder *folder, const char *name);

/** The largest N of the files PREFIX N SUFFIX in the folder; 0: there is none. */
CnnStatus cnn_run_folder_largest(const RunFolder *folder, const char *prefix, const char *suffix,
                                 int64_t *number, CnnError *error);

typedef struct {
    int count;
    int64_t *steps; /* the newest first */
} CheckpointList;

/** The checkpoints that lie in a folder; freed with free(list->steps). */
CnnStatus cnn_run_folder_checkpoints(const RunFolder *folder, CheckpointList *list, CnnError *error);

/** Removes checkpoints: those that are older than the `keep` newest up to step `newest`, and those of later
 * steps, which a training that went on from an earlier one has left behind. */
void cnn_run_folder_prune(const RunFolder *folder, int64_t newest, int64_t keep);

/** The file of a checkpoint; freed by the caller. NULL: no memory. */
char *cnn_run_folder_checkpoint(const RunFolder *folder, int64_t step);

/** Writes the texts of the model's files (image->sources) into the folder. */
CnnStatus cnn_run_folder_sources(const RunFolder *folder, const CnnImage *image, CnnError *error);

#endif
