/* `cnnc run`, for commands that train several times. */
#ifndef RUN_H
#define RUN_H

#include "compiler/commands/command.h"

/* What a training leaves. */
typedef struct {
    char *folder;         /* the path of its run folder, freed by the caller; NULL: none */
    int compiled, cached; /* kernels made, kernels from the cache, before the first step */
} RunLeft;

/**
 * Compiles the model of the command line, trains it, and writes the report into its run folder. Mistakes of
 * the model are printed, and leave *error as it is; all else is said there.
 */
CnnStatus run_train(const Options *options, RunLeft *left, CnnError *error);

/** `cnnc run --seeds N`. */
CnnStatus run_seeds(const Options *options);

#endif
