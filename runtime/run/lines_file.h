/* A file of lines that grows while the training runs, and that has whole lines only, whatever happens: a line
 * that was cut short by a crash goes when the file is opened again, one that does not fit the disk is left
 * out. */
#ifndef CNN_LINES_FILE_H
#define CNN_LINES_FILE_H

#include <sys/types.h>

#include "runtime/run/run_folder.h"
#include "runtime/text_stream.h"

typedef struct {
    char *path;
    int descriptor;
    off_t length;      /* of the whole lines in the file */
    TextStream stream; /* lines that are not in the file yet */
    bool half;         /* there may be half a line behind them */
    int failure;       /* errno of the first lines that are missing; 0: none are */
} LinesFile;

/** Opens FOLDER/NAME, or makes it. On failure nothing is to be closed. */
CnnStatus cnn_lines_open(const RunFolder *folder, const char *name, LinesFile *file, CnnError *error);

/** Cuts the file behind its first `length` bytes. */
CnnStatus cnn_lines_cut(LinesFile *file, off_t length, CnnError *error);

/** Where to print lines to: they are kept until a flush. NULL: there is no memory, these are left out. */
FILE *cnn_lines_out(LinesFile *file);

/** Writes what was printed; with `few`, only if it is much. Called between two lines. */
void cnn_lines_flush(LinesFile *file, bool few);

/** Writes what was printed, and closes. Errors: lines are missing. */
CnnStatus cnn_lines_close(LinesFile *file, CnnError *error);

#endif
