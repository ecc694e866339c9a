/* The ways to compile one model: what each name changes, for `compare`, and how a model's text says the same,
 * for `why`. */
#ifndef VARIANTS_H
#define VARIANTS_H

#include "compiler/commands/model.h"

/* What a variant is compiled with. */
typedef struct {
    FusionOptions fusions;
    RewriteOptions rewrites;
    Precision precision;
    TuneMode tune;
    bool exact;
} Settings;

typedef struct {
    const char *name;
    void (*apply)(Settings *settings, int which);
    int which;
    /* Of those that learn another function: `value` in this statement of this section. */
    const char *section, *statement, *value;
} VariantRow;

/** All of them, ended by one without a name. */
const VariantRow *variant_rows(Arena *arena);

/** What the model is compiled with as it is. */
Settings variant_settings(const Model *model);

/** Whether both learn the same function. */
bool same_function(const Settings *a, const Settings *b);

#endif
