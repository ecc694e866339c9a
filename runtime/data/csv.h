/* Tables of text: CSV as RFC 4180 has it and as programs write it. The first row names the columns. Fields
 * are separated by the commas, semicolons or tabs of the first row, whichever are most; a field may stand in
 * double quotes, and then hold separators, line ends and doubled quotes. A byte order mark, CR LF and empty
 * lines are taken. */
#ifndef CNN_CSV_H
#define CNN_CSV_H

#include <stdbool.h>

#include "runtime/data/files.h"

enum { CSV_COLUMNS_MOST = 4096 };

typedef struct {
    const char *path;        /* named in errors; the caller's */
    Bytes text;              /* the whole file, and a NUL; fields are ended in place */
    char *at;                /* the next row */
    int64_t line, next_line; /* of the last row's beginning, of `at`; from 1 */
    char separator;
    int columns;                   /* fields of each row */
    char *field[CSV_COLUMNS_MOST]; /* of the last row */
} Csv;

/**
 * Takes a copy of the file's bytes, and reads the row of names, which is then in `field`. `path` is named in
 * errors and stays the caller's. To be closed even after an error.
 */
CnnStatus csv_open(Csv *csv, const char *path, const void *bytes, size_t size, CnnError *error);
void csv_close(Csv *csv);

/** The number of the column of this name, -1 when there is none, -2 when several have it. To be called before
 * csv_next. */
int csv_column(const Csv *csv, const char *name);

/** The next row into `field`, `columns` of them; *found: false at the end. Errors tell the line. */
CnnStatus csv_next(Csv *csv, bool *found, CnnError *error);

#endif
