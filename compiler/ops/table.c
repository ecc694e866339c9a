/* The table of ops. */
#include "compiler/ir/op.h"

#define OP(name) extern const Op op_##name;
#include "compiler/ops/ops.def"
#undef OP

const Op *const op_table[OP_COUNT] = {
#define OP(name) [OP_##name] = &op_##name,
#include "compiler/ops/ops.def"
#undef OP
};
