#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/onnx_use.h"

static const struct {
    const char *op;
    bool (*read)(OnnxUse *use);
} operators[] = {
#define OPERATOR(name, function) {#name, onnx_op_##function},
#include "compiler/exchange/onnx_operators.def"
#undef OPERATOR
};

bool onnx_operate(OnnxUse *use)
{
    const char *op = use->node->op_type ? use->node->op_type : "",
               *domain = use->node->domain ? use->node->domain : "";
    if (use->out_count < 1)
        return use_refuse(use, "it has no output");
    for (size_t i = 0; i < COUNT(operators); i++)
        if (strcmp(operators[i].op, op) == 0 && (!*domain || strcmp(domain, "ai.onnx") == 0))
            return operators[i].read(use);
    network_refuse(
        use->import->network,
        "cnnc has no layer for it. docs/import.md lists the operators that there are; put others in "
        "their place in the program that made the file, and export it again");
    return false;
}
