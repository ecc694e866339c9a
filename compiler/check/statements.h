/* Every statement of the language, by word and place: from the tables of layers, data, training and
 * compilation, and those that the checker itself carries out. */
#ifndef STATEMENTS_H
#define STATEMENTS_H

#include "compiler/check/checker.h"
#include "compiler/ops/layer.h"
#include "runtime/schema.h"

/* ---- Those of the checker ---- */

typedef struct {
    Dims shape; /* height, width, channels */
} InputArgs;

typedef struct {
    Values value; /* one */
} FromArgs;

extern const Schema input_statement, from_statement; /* in a model */
extern const Schema loss_statement,
    optimizer_statement; /* in train: the word after them has the schema of the rest */

/* Those in a model that are no layers, NULL-terminated. */
extern const Schema *const model_schemas[];

/* ---- All of them ---- */

/**
 * The statement of this word that may stand in `place`. NULL after it has reported that there is none:
 * unknown, in the wrong place, or planned. `module` gives blocks that could have been meant, NULL outside of
 * a model.
 */
const Schema *statement_find(Checker *checker, SchemaPlace place, const char *word, Span span,
                             const Module *module);

/** Whether a statement of a model has this name: blocks cannot have it. */
bool statement_is_reserved(Checker *checker, const char *word);
/** The layer whose schema this is, NULL when it is none. */
const Layer *statement_layer(Checker *checker, const Schema *schema);

/** Reports a body that a statement does not take. */
bool statement_check_body(Checker *checker, const Schema *schema, const AstStage *stage);

/** "a model", "'augment', in 'data'". */
const char *place_text(unsigned places);

#endif
