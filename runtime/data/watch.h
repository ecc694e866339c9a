/* The folders and files that something was made of, and whether they are still as they were. */
#ifndef CNN_WATCH_H
#define CNN_WATCH_H

#include <stdint.h>
#include <sys/stat.h>

#include "runtime/data/listing.h"

/* Of a folder, these change when a name in it does. */
typedef struct {
    int64_t inode, size;
    int64_t seconds, nanoseconds;             /* when the content was changed last */
    int64_t state_seconds, state_nanoseconds; /* when anything was: not even `touch` sets this one back */
} WatchState;

typedef struct Watch {
    Listing paths;
    WatchState *state; /* [paths.count] */
    size_t room;
    int64_t started; /* seconds: when the first was added */
} Watch;

/** Adds a folder or file; `info` must have been asked for before its content was read. */
CnnStatus watch_add(Watch *watch, const char *path, const struct stat *info, CnnError *error);
/** Whether a change to come will show. It may not where the last one was a moment before the reading: file
 * systems count time in steps. */
bool watch_settled(const Watch *watch);
/** Whether what is at `path` is as it was. */
bool watch_same(const char *path, const WatchState *state);
void watch_free(Watch *watch);

#endif
