/* The types that elements have in memory, and their way into registers and back. */
#include "compiler/base/bug.h"
#include "compiler/cpu/emit.h"

LLVMTypeRef expr_storage_type(const Emit *emit, Dtype dtype)
{
    switch (dtype) {
    case DTYPE_F32:
        return emit->f32;
    case DTYPE_BF16:
    case DTYPE_F16:
        return emit->i16;
    case DTYPE_I32:
        return emit->i32;
    case DTYPE_U8:
        return emit->i8;
    case DTYPE_COUNT:
        break;
    }
    BUG("element type %d", (int)dtype);
}

/* ---- f16 ---- */

/* Without the processor's instructions LLVM would call a library, which neither a trainer nor a process that
 * runs new code need have. The integers give the same bits (runtime/half.h). */
static LLVMTypeRef half_like(const Emit *emit, LLVMValueRef like)
{
    return lanes_type_like(emit, LLVMHalfTypeInContext(emit->context), like);
}

static LLVMValueRef from_f16(Emit *emit, LLVMValueRef raw)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMTypeRef real = lanes_type_like(emit, emit->f32, raw), word = lanes_type_like(emit, emit->i32, raw);
    if (emit->target->half)
        return LLVMBuildFPExt(builder, LLVMBuildBitCast(builder, raw, half_like(emit, raw), ""), real, "");
    LLVMValueRef bits = LLVMBuildZExt(builder, raw, word, "");
    LLVMValueRef size = LLVMBuildAnd(builder, bits, lanes_word(emit, bits, 0x7FFF), "");
    LLVMValueRef moved = LLVMBuildShl(builder, size, lanes_word(emit, bits, 13), "");
    LLVMValueRef usual = LLVMBuildAdd(builder, moved, lanes_word(emit, bits, 112u << 23), "");
    LLVMValueRef endless = LLVMBuildOr(builder, moved, lanes_word(emit, bits, 0x7F800000), "");
    LLVMValueRef small =
        LLVMBuildFMul(builder, LLVMBuildSIToFP(builder, size, real, ""), lanes_real(emit, raw, 0x1p-24), "");
    LLVMValueRef is_small = LLVMBuildICmp(builder, LLVMIntULT, size, lanes_word(emit, bits, 0x400), "");
    LLVMValueRef is_endless = LLVMBuildICmp(builder, LLVMIntUGE, size, lanes_word(emit, bits, 0x7C00), "");
    LLVMValueRef result = LLVMBuildSelect(builder, is_endless, endless, usual, "");
    result = LLVMBuildSelect(builder, is_small, LLVMBuildBitCast(builder, small, word, ""), result, "");
    LLVMValueRef sign = LLVMBuildAnd(builder, bits, lanes_word(emit, bits, 0x8000), "");
    sign = LLVMBuildShl(builder, sign, lanes_word(emit, bits, 16), "");
    return LLVMBuildBitCast(builder, LLVMBuildOr(builder, result, sign, ""), real, "");
}

/* Numbers below 2^-14 come in steps of 2^-24: those of a float near 0.5, which is added. */
static LLVMValueRef to_f16(Emit *emit, LLVMValueRef value)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMTypeRef real = LLVMTypeOf(value), word = lanes_type_like(emit, emit->i32, value),
                result = lanes_type_like(emit, emit->i16, value);
    if (emit->target->half)
        return LLVMBuildBitCast(builder, LLVMBuildFPTrunc(builder, value, half_like(emit, value), ""), result,
                                "");
    LLVMValueRef bits = LLVMBuildBitCast(builder, value, word, "");
    LLVMValueRef size = LLVMBuildAnd(builder, bits, lanes_word(emit, bits, 0x7FFFFFFF), "");
    LLVMValueRef moved = LLVMBuildLShr(builder, size, lanes_word(emit, bits, 13), "");
    LLVMValueRef odd = LLVMBuildAnd(builder, moved, lanes_word(emit, bits, 1), "");
    LLVMValueRef usual = LLVMBuildSub(builder, size, lanes_word(emit, bits, (112u << 23) - 0xFFF), "");
    usual = LLVMBuildAdd(builder, usual, odd, "");
    usual = LLVMBuildLShr(builder, usual, lanes_word(emit, bits, 13), "");
    LLVMValueRef small =
        LLVMBuildFAdd(builder, LLVMBuildBitCast(builder, size, real, ""), lanes_real(emit, value, 0.5), "");
    small = LLVMBuildSub(builder, LLVMBuildBitCast(builder, small, word, ""),
                         lanes_word(emit, bits, 0x3F000000), "");
    LLVMValueRef digits = LLVMBuildAnd(builder, moved, lanes_word(emit, bits, 0x3FF), "");
    LLVMValueRef nan = LLVMBuildOr(builder, digits, lanes_word(emit, bits, 0x7E00), "");
    LLVMValueRef is_small = LLVMBuildICmp(builder, LLVMIntULT, size, lanes_word(emit, bits, 113u << 23), "");
    LLVMValueRef is_endless =
        LLVMBuildICmp(builder, LLVMIntUGE, size, lanes_word(emit, bits, 143u << 23), "");
    LLVMValueRef is_nan = LLVMBuildFCmp(builder, LLVMRealUNO, value, value, "");
    LLVMValueRef half = LLVMBuildSelect(builder, is_small, small, usual, "");
    half = LLVMBuildSelect(builder, is_endless, lanes_word(emit, bits, 0x7C00), half, "");
    half = LLVMBuildSelect(builder, is_nan, nan, half, "");
    LLVMValueRef sign = LLVMBuildLShr(builder, bits, lanes_word(emit, bits, 16), "");
    sign = LLVMBuildAnd(builder, sign, lanes_word(emit, bits, 0x8000), "");
    return LLVMBuildTrunc(builder, LLVMBuildOr(builder, half, sign, ""), result, "");
}

LLVMValueRef storage_read(Emit *emit, Dtype dtype, LLVMValueRef raw)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMTypeRef real = lanes_type_like(emit, emit->f32, raw), word = lanes_type_like(emit, emit->i32, raw);
    switch (dtype) {
    case DTYPE_BF16:
        raw = LLVMBuildZExt(builder, raw, word, "");
        return LLVMBuildBitCast(builder, LLVMBuildShl(builder, raw, lanes_word(emit, raw, 16), ""), real, "");
    case DTYPE_F16:
        return from_f16(emit, raw);
    case DTYPE_I32:
        return LLVMBuildSIToFP(builder, raw, real, "");
    case DTYPE_U8:
        return LLVMBuildSIToFP(builder, LLVMBuildZExt(builder, raw, word, ""), real, "");
    default:
        return raw;
    }
}

/* Rounds to nearest, ties to even, in integers: the machines' instructions flush small numbers to zero, and
 * not all have them. */
static LLVMValueRef to_bf16(Emit *emit, LLVMValueRef value)
{
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef bits = LLVMBuildBitCast(builder, value, lanes_type_like(emit, emit->i32, value), "");
    LLVMValueRef sixteen = lanes_word(emit, bits, 16);
    LLVMValueRef odd =
        LLVMBuildAnd(builder, LLVMBuildLShr(builder, bits, sixteen, ""), lanes_word(emit, bits, 1), "");
    LLVMValueRef up =
        LLVMBuildAdd(builder, LLVMBuildAdd(builder, bits, lanes_word(emit, bits, 0x7FFF), ""), odd, "");
    LLVMValueRef quiet = LLVMBuildOr(builder, bits, lanes_word(emit, bits, 0x400000), "");
    LLVMValueRef nan = LLVMBuildFCmp(builder, LLVMRealUNO, value, value, "");
    LLVMValueRef rounded = LLVMBuildLShr(builder, LLVMBuildSelect(builder, nan, quiet, up, ""), sixteen, "");
    return LLVMBuildTrunc(builder, rounded, lanes_type_like(emit, emit->i16, value), "");
}

LLVMValueRef expr_as_bf16(Emit *emit, Dtype dtype, LLVMValueRef raw)
{
    return dtype == DTYPE_BF16 ? raw : to_bf16(emit, storage_read(emit, dtype, raw));
}

LLVMValueRef storage_write(Emit *emit, Dtype dtype, LLVMValueRef value)
{
    LLVMBuilderRef builder = emit->builder;
    if (dtype == DTYPE_F32)
        return value;
    if (dtype == DTYPE_BF16)
        return to_bf16(emit, value);
    if (dtype == DTYPE_F16)
        return to_f16(emit, value);
    LLVMValueRef word = LLVMBuildFPToSI(builder, value, lanes_type_like(emit, emit->i32, value), "");
    return dtype == DTYPE_I32 ? word
                              : LLVMBuildTrunc(builder, word, lanes_type_like(emit, emit->i8, value), "");
}
