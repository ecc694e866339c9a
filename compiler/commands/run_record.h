/* What a run folder tells of its training: read for `cnnc runs`. */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include <stdint.h>
#include <sys/stat.h>

#include "compiler/commands/json_object.h"
#include "runtime/status.h"

typedef enum {
    RUN_STATE_RUNNING, /* a process holds the folder's lock */
    RUN_STATE_FINISHED,
    RUN_STATE_INTERRUPTED,
    RUN_STATE_DIVERGED,
    RUN_STATE_FAILED,  /* ended by another error */
    RUN_STATE_CRASHED, /* did not come to say how it ended */
    RUN_STATE_COUNT
} RunState;

extern const char *const run_state_names[RUN_STATE_COUNT];

/* Events without JSON: there was none. */
typedef struct {
    const char *name, *path; /* of the folder */
    const char *model;       /* its name; "" not known */
    RunState state;
    JsonObject begin;              /* the first start */
    JsonObject start, end;         /* the last start, and the end that followed it */
    JsonObject best, last, test;   /* epochs; the test part */
    int64_t damaged, damaged_line; /* lines that are no events; the first of them, from 1 */
} RunRecord;

/** Reads the events of the folder. `epochs`: gets the epochs that count, in their order; or NULL. Errors:
 * CNN_BAD_USAGE, the folder has no events.jsonl, or there is no start in it; CNN_NO_RESOURCE. */
CnnStatus run_record_read(JsonReader *reader, Arena *arena, const char *path, RunRecord *record,
                          JsonObjects *epochs, CnnError *error);

/** Sets record->state from the other members and the folder's lock. */
void run_record_judge(RunRecord *record);

/** The size of events.jsonl and its time, by which a change is noticed; false: there is none. */
bool run_record_stamp(Arena *arena, const char *path, int64_t *size, int64_t *nanoseconds);

/** The folder of a run called `name`: a path, or the name of a folder in runs/. Errors: CNN_BAD_USAGE. */
CnnStatus run_find(Arena *arena, const char *name, const char **path, CnnError *error);

/** The value by which runs are compared: "val_accuracy" where there is one, else "val_loss", else "loss". */
const char *run_watched(const JsonObject *epoch);

/** The objects of a file of lines; lines that are none are passed over. None where there is no such file. */
JsonObjects run_objects(JsonReader *reader, Arena *arena, const char *path, const char *name);

/** The text of a file of the folder; NULL: there is none. */
const char *run_file_text(Arena *arena, const char *path, const char *name);

#endif
