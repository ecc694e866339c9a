/* What a standalone trainer tells about itself. */
#ifndef CNN_TRAINER_INFO_H
#define CNN_TRAINER_INFO_H

#include "runtime/built.h"
#include "runtime/flags.h"

typedef struct {
    bool model, kernels;
} TrainerInfoOptions;
extern const Flag trainer_info_flags[];

/** Prints to the standard output what the options ask for, or a summary. `chosen`: the version that runs on
 * this CPU; NULL: none does. */
void trainer_info_print(const CnnImage *image, const CnnVersion *chosen, const TrainerInfoOptions *options);

#endif
