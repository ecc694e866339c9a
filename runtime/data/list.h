/* The source `list`: what opening it (list.c) and telling its groups (list_group.c) share. */
#ifndef CNN_LIST_H
#define CNN_LIST_H

#include "runtime/data/csv.h"
#include "runtime/data/data.h"
#include "runtime/data/labels.h"
#include "runtime/data/pictures.h"

typedef struct {
    const char *table, *image, *label, *root, *ending, *part;
    int values;
    int channels;
} ListArgs;

typedef struct {
    Source source;
    const ListArgs *args;
    char table[PATH_MAX]; /* the path of args->table */
    Pictures pictures;    /* the training part's first, then the validation's, then the test's */
    ClassNames classes;
    int32_t *class_label; /* or */
    float *real_label;
} ListSource;

/** Reads the table as far as its row of names. To be closed even after an error. */
CnnStatus list_open_table(const ListSource *list, Csv *csv, CnnError *error);
/** The number of a column; one that is not there, or twice, is an error that names those there are. */
CnnStatus list_column(const Csv *csv, const char *column, int *number, CnnError *error);
/** The Part that a text in the column of parts means; false: none. */
bool list_part(const char *text, unsigned char *part);

/** Source.group: rows that have the same text in column `by`. Reads the table again. */
CnnStatus list_group(Source *source, const char *by, int64_t *group, int64_t *groups, CnnError *error);

#endif
