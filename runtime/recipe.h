/* The recipe: what the runtime must know of the `data` and `train` sections, resolved. It is a list of
 * statements, each with its schema and its args struct, in order of writing; a part of the runtime asks for
 * the statements it owns. */
#ifndef CNN_RECIPE_H
#define CNN_RECIPE_H

#include "runtime/schema.h"

typedef struct CnnStatement CnnStatement;

typedef struct {
    int count;
    const CnnStatement *items;
} CnnStatements;

struct CnnStatement {
    const Schema *schema;
    const void *args;   /* schema->args_bytes bytes, filled by the checker */
    const char *where;  /* "model.cnn:12:5", for messages */
    CnnStatements body; /* statements inside `{ }` */
};

typedef struct {
    const char *model_name; /* "Fashion" */
    const char *model_path; /* as given to cnnc, in a trainer absolute; relative data paths are taken from the
                               folder it lies in */
    double rate;            /* base learning rate: the optimizer's `rate=` */
    const char *weights;    /* that the data are evaluated with, and which say how many components a share of
                               `pca` was; NULL: they are counted anew. Not part of an image */
    CnnStatements data;
    CnnStatements train; /* without `loss` and `optimizer`, which are compiled */
} CnnRecipe;

/** The last statement of this schema in the list, or NULL. */
const CnnStatement *recipe_find(CnnStatements list, const Schema *schema);

/**
 * The args of the last statement of this schema, or those made of the schema's presets when there is none.
 * `defaults` must have schema->args_bytes bytes and outlive the result.
 */
const void *recipe_args(CnnStatements list, const Schema *schema, void *defaults);

/**
 * Fills an args struct from the presets, for fields that have one.
 * Only for kinds without allocations: integer, real, share, angle, boolean, text, word, duration, length,
 * range, padding.
 */
void schema_defaults(const Schema *schema, void *args);

#endif
