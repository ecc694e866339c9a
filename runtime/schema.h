/* A schema describes one statement of the language (`word argument, name=value { … }`) by a table: checking,
 * error messages, `cnnc help`, the reference in docs/ and the formatter all read it, and nothing about the
 * statement is written anywhere else. Arguments are stored, checked and converted, in a plain struct of the
 * statement's own
 * ("args"); a field says at which offset. The struct is what the runtime and the layers read. */
#ifndef CNN_SCHEMA_H
#define CNN_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIMS_MAX = 6 };

typedef struct {
    int count;
    int64_t value[DIMS_MAX];
} Dims;

typedef struct {
    double low, high; /* both included */
} Range;

typedef struct {
    int count;
    const double *value;
} Reals;

typedef struct {
    int count;
    const char *const *value;
} Names;

typedef struct {
    int count;
    const uint32_t *value; /* NodeId of the graph being built */
} Values;

typedef enum { UNIT_EPOCHS, UNIT_STEPS, UNIT_SECONDS } DurationUnit;
typedef struct {
    double value;
    DurationUnit unit;
} Duration;

typedef struct {
    double value;
    bool share; /* value is a share of the extent (0.2 for 20%), not a number of pixels */
} Length;

typedef struct {
    double value;
    bool share; /* value is a share (0.95 for 95%), not a whole number */
} Amount;

typedef enum { PADDING_VALID, PADDING_SAME, PADDING_EXPLICIT } PaddingMode;
typedef struct {
    PaddingMode mode;
    int64_t top, bottom, left, right; /* pixels, for PADDING_EXPLICIT */
} Padding;

typedef enum {
    FIELD_INTEGER,  /* int64_t                                        32 */
    FIELD_REAL,     /* double                                         0.1, 1e-3, 3 */
    FIELD_SHARE,    /* double, 0.25 for                               25% or 0.25 */
    FIELD_ANGLE,    /* double, in degrees                             20deg */
    FIELD_BOOLEAN,  /* bool                                           true */
    FIELD_TEXT,     /* const char *, UTF-8, NULL when absent          "data/plants" */
    FIELD_WORD,     /* int, index into the words of `words`           same */
    FIELD_DIMS,     /* Dims                                           28x28x1, data.shape */
    FIELD_WINDOW,   /* Dims of two; a lone 3 means 3x3                3x3, 3 */
    FIELD_RANGE,    /* Range                                          0.8..1.2, 80%..120% */
    FIELD_REALS,    /* Reals                                          [0.1, 0.2] */
    FIELD_NAMES,    /* Names: the remaining positional bare words     accuracy, top5 */
    FIELD_VALUES,   /* Values: the remaining positional named values  skip, stem */
    FIELD_DURATION, /* Duration                                       5 epochs, 100 steps, 2 min */
    FIELD_LENGTH,   /* Length                                         4px, 20% */
    FIELD_AMOUNT,   /* Amount                                         50, 95% */
    FIELD_PADDING   /* Padding                                        same, 1, [0, 1, 0, 1] */
} FieldKind;

typedef struct {
    const char
        *name; /* the parameter's name; positional arguments fill the fields in the order of the table */
    FieldKind kind;
    size_t offset; /* of the value in the args struct */
    const char
        *preset; /* the default as it would be written in the language; NULL: the argument must be given;
                    "" : optional and absent, the struct's bytes stay zero */
    const char *words; /* FIELD_WORD, FIELD_NAMES: the allowed words, separated by blanks; FIELD_REALS: words
                          that may stand in place of the list, whose count is then -1 - the word's index;
                          FIELD_TEXT: words that may stand without quotes. One that ends in N stands for all
                          with a number in its place: topN for top5 */
    const char *planned; /* FIELD_WORD: further words, which are known to the language but not built yet */
    double least, most;  /* FIELD_INTEGER, REAL, SHARE, ANGLE, LENGTH, RANGE and each of DIMS, WINDOW, REALS:
                            the  allowed values, when least < most; otherwise any finite one */
    bool named_only;     /* may not be given by position */
    bool path;           /* FIELD_TEXT: a file or folder; a relative one is taken from the model's folder */
    const char *doc;     /* one line: meaning, unit */
} Field;

/* Where a statement may stand, and what may stand in its body. */
typedef enum {
    IN_NOWHERE = 0,
    IN_MODEL = 1,
    IN_DATA = 2,
    IN_TRAIN = 4,
    IN_COMPILE = 8,
    IN_AUGMENT = 16,
    IN_SCHEDULE = 32,
    IN_JOIN = 64,    /* `branch` inside concat, add, mul */
    IN_SOURCE = 128, /* a source inside `archive` or `validation` */
    IN_RATES = 256
} SchemaPlace;

typedef struct Schema {
    const char *word;
    const char *doc;     /* what it does, in a sentence or two, without markup */
    const char *source;  /* the paper, section, or standard that defines it; NULL where it needs none */
    unsigned places;     /* SchemaPlace bits */
    unsigned body;       /* SchemaPlace of the statements in its `{ }`; IN_NOWHERE when it takes none */
    const Field *fields; /* ends with a field whose name is NULL */
    size_t args_bytes;   /* size of the args struct */
    const char *example; /* one legal use, shown in the docs and checked by the tests */
    const char
        *planned; /* not NULL: known to the language but not built yet; the sentence the user is told */
} Schema;

/* A field of the args struct T. */
#define FIELD(T, member, kind_of_field, ...)                                                                 \
    {                                                                                                        \
        .name = #member, .kind = (kind_of_field), .offset = offsetof(T, member), __VA_ARGS__                 \
    }
#define FIELDS_END                                                                                           \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

/** Bytes of a value of this kind in an args struct. */
size_t field_bytes(FieldKind kind);

/** The number of fields before the end mark. */
int schema_field_count(const Schema *schema);

enum { WORD_DIGITS = 6 }; /* at most, of a number in a word */
/** The index of `word` in a blank-separated list, or -1. A listed word that ends in N is found with any
 * number from 1 in place of the N. */
int words_find(const char *words, const char *word);

/** Copies the word number `index` of a blank-separated list into `out` (NUL-terminated, at most `bytes`). */
void words_get(const char *words, int index, char *out, size_t bytes);

#endif
