/* Command lines by table: each flag is a row that says its name, its value, where the value goes and what it
 * means. `cnnc` and the standalone trainers read theirs so, and print their help from the same rows. */
#ifndef CNN_FLAGS_H
#define CNN_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "runtime/status.h"

typedef enum {
    FLAG_SWITCH,   /* bool: true when it stands there; takes no value */
    FLAG_TEXT,     /* const char *, into argv */
    FLAG_OPTIONAL, /* const char *: what touches it ("--resume=x"), or "" where nothing does */
    FLAG_INTEGER,  /* int64_t */
    FLAG_COUNT,    /* int */
    FLAG_LIST      /* FlagList: may stand several times */
} FlagKind;

enum { FLAG_LIST_MAX = 64 };
typedef struct {
    int count;
    const char *value[FLAG_LIST_MAX];
} FlagList;

typedef struct {
    const char
        *name; /* "--epochs"; "-D" takes its value with or without a blank, "--epochs" after a blank or `=` */
    FlagKind kind;
    size_t offset;      /* of the value in the struct that the table belongs to */
    const char *value;  /* what stands for the value in the help: "N", "FILE"; NULL for a switch */
    const char *doc;    /* one line */
    double least, most; /* FLAG_INTEGER, FLAG_COUNT: the allowed values, both included */
    size_t given;       /* not 0: offset of a bool that becomes true when the flag stands there */
} Flag;

#define FLAGS_END                                                                                            \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

/* A table of flags, ended by FLAGS_END, and the struct that its values go to. */
typedef struct {
    const Flag *flags;
    void *values;
} FlagTable;

/**
 * Reads a command line: flags of the tables (ended by one whose flags are NULL) into their structs, all else
 * into `words`, which has room for argc of them. `--` ends the flags.
 *
 * nearest  finds a similar name for a flag that does not exist (compiler/base/diag.h's nearest_name), or
 * NULL. Errors   CNN_BAD_USAGE: an unknown flag, a value that is missing, malformed or out of range.
 */
CnnStatus cnn_flags_read(const FlagTable *tables, int argc, char *const *argv,
                         const char *(*nearest)(const char *word, const char *const *names),
                         const char **words, int *word_count, CnnError *error);

/** Prints the rows of one table, a line each: name, value, doc. */
void cnn_flags_print(const Flag *flags, FILE *out);

#endif
