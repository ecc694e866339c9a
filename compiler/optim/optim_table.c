/* The optimizers, from optims.def. */
#include "compiler/optim/optimizer.h"

#define OPTIMIZER(name) extern const Optimizer optimizer_##name;
#include "compiler/optim/optims.def"
#undef OPTIMIZER

const Optimizer *const optimizer_table[] = {
#define OPTIMIZER(name) &optimizer_##name,
#include "compiler/optim/optims.def"
#undef OPTIMIZER
    NULL,
};
