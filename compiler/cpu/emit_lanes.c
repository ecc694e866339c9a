/* Values of one element or of `lanes` elements, and the few operations that do not care which. */
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/cpu/emit.h"

enum { LANES_MOST = 64 };

bool lanes_wide(LLVMValueRef value)
{
    return LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMVectorTypeKind;
}

LLVMTypeRef lanes_type(const Emit *emit, LLVMTypeRef element, bool wide)
{
    return wide ? LLVMVectorType(element, (unsigned)emit->lanes) : element;
}

LLVMTypeRef lanes_type_like(const Emit *emit, LLVMTypeRef element, LLVMValueRef like)
{
    return lanes_type(emit, element, lanes_wide(like));
}

LLVMValueRef lanes_splat(Emit *emit, LLVMValueRef value)
{
    if (emit->lanes == 1 || lanes_wide(value))
        return value;
    unsigned lanes = (unsigned)emit->lanes;
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(value), lanes);
    LLVMValueRef poison = LLVMGetPoison(type);
    LLVMValueRef one =
        LLVMBuildInsertElement(emit->builder, poison, value, LLVMConstInt(emit->i32, 0, false), "");
    return LLVMBuildShuffleVector(emit->builder, one, poison, LLVMConstNull(LLVMVectorType(emit->i32, lanes)),
                                  "");
}

void lanes_match(Emit *emit, LLVMValueRef *a, LLVMValueRef *b)
{
    if (lanes_wide(*a) == lanes_wide(*b))
        return;
    *a = lanes_splat(emit, *a);
    *b = lanes_splat(emit, *b);
}

static LLVMValueRef constant_like(const Emit *emit, LLVMValueRef like, LLVMValueRef element)
{
    if (!lanes_wide(like))
        return element;
    LLVMValueRef elements[LANES_MOST];
    for (int i = 0; i < emit->lanes; i++)
        elements[i] = element;
    return LLVMConstVector(elements, (unsigned)emit->lanes);
}

LLVMValueRef lanes_real(const Emit *emit, LLVMValueRef like, double value)
{
    return constant_like(emit, like, LLVMConstReal(emit->f32, (double)(float)value));
}

LLVMValueRef lanes_word(const Emit *emit, LLVMValueRef like, uint32_t value)
{
    return constant_like(emit, like, LLVMConstInt(emit->i32, value, false));
}

LLVMValueRef lanes_ramp(const Emit *emit, int64_t step)
{
    LLVMValueRef elements[LANES_MOST];
    for (int i = 0; i < emit->lanes; i++)
        elements[i] = LLVMConstInt(emit->i32, (uint32_t)(i * step), false);
    return LLVMConstVector(elements, (unsigned)emit->lanes);
}

LLVMValueRef lanes_mask(const Emit *emit, int count)
{
    LLVMValueRef elements[LANES_MOST];
    for (int i = 0; i < emit->lanes; i++)
        elements[i] = LLVMConstInt(emit->i1, i < count, false);
    return LLVMConstVector(elements, (unsigned)emit->lanes);
}

LLVMValueRef lanes_select(Emit *emit, LLVMValueRef condition, LLVMValueRef yes, LLVMValueRef no)
{
    lanes_match(emit, &yes, &no);
    if (lanes_wide(condition)) {
        yes = lanes_splat(emit, yes);
        no = lanes_splat(emit, no);
    }
    return LLVMBuildSelect(emit->builder, condition, yes, no, "");
}

LLVMValueRef lanes_and(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    if (!a || !b)
        return a ? a : b;
    lanes_match(emit, &a, &b);
    return LLVMBuildAnd(emit->builder, a, b, "");
}

LLVMValueRef lanes_intrinsic(Emit *emit, const char *name, LLVMTypeRef type, LLVMValueRef *arguments,
                             unsigned count)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    if (!id)
        BUG("LLVM has no intrinsic %s", name);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(emit->module, id, &type, 1);
    return LLVMBuildCall2(emit->builder, LLVMGlobalGetValueType(function), function, arguments, count, "");
}

LLVMValueRef lanes_fma(Emit *emit, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    lanes_match(emit, &a, &b);
    lanes_match(emit, &a, &c);
    lanes_match(emit, &b, &c);
    if (!emit->target->fma) /* llvm.fma would be a call of libm for each lane */
        return LLVMBuildFAdd(emit->builder, LLVMBuildFMul(emit->builder, a, b, ""), c, "");
    return lanes_intrinsic(emit, "llvm.fma", LLVMTypeOf(a), (LLVMValueRef[]){a, b, c}, 3);
}
