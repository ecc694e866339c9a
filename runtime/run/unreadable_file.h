/* The samples that a training could not read and left out, all of them by name, in the run folder. */
#ifndef CNN_UNREADABLE_FILE_H
#define CNN_UNREADABLE_FILE_H

#include "runtime/data/loader.h"
#include "runtime/run/lines_file.h"

/* Zero at first: there is no file before there is a sample for it. */
typedef struct {
    LinesFile lines;
    bool open, failed;
    char *before;             /* what the file had when it was opened: of a training that is gone on with */
    int64_t told[PART_COUNT]; /* of what the loader of each part could not read */
} UnreadableFile;

/**
 * Adds to FOLDER/unreadable.jsonl what the loader of a part could not read since the last call: an object a
 * line, "part", "sample", its name, and "reason". No sample stands there twice.
 *
 * Errors  CNN_NO_RESOURCE: it cannot be written, told once.
 */
CnnStatus cnn_unreadable_record(UnreadableFile *file, const RunFolder *folder, const CnnData *data, Part part,
                                const CnnLoader *loader, CnnError *error);

/** Errors: lines are missing. */
CnnStatus cnn_unreadable_close(UnreadableFile *file, CnnError *error);

#endif
