/* The losses, from losses.def. */
#include "compiler/derive/loss.h"

#define LOSS(name) extern const Loss loss_##name;
#include "compiler/derive/losses.def"
#undef LOSS

const Loss *const loss_table[] = {
#define LOSS(name) &loss_##name,
#include "compiler/derive/losses.def"
#undef LOSS
    NULL,
};
