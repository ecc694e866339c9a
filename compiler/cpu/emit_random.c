/* Philox4x32-10 and Philox2x32-7 (Salmon et al., SC 2011) in vectors: the same words as runtime/rng.c. */
#include "compiler/cpu/emit.h"
#include "runtime/rng.h"

enum { BLOCK_ROUNDS = 10 };

/* a * constant as 64 bits: high and low word. Even and odd lanes are multiplied apart as 64-bit lanes, which
 * is one instruction each on all machines with vectors; a multiplication of widened lanes is several. */
static void multiply(Emit *emit, LLVMValueRef a, uint32_t constant, LLVMValueRef *high, LLVMValueRef *low)
{
    LLVMBuilderRef builder = emit->builder;
    if (!lanes_wide(a)) {
        LLVMValueRef product = LLVMBuildMul(builder, LLVMBuildZExt(builder, a, emit->i64, ""),
                                            LLVMConstInt(emit->i64, constant, false), "");
        *low = LLVMBuildTrunc(builder, product, emit->i32, "");
        *high = LLVMBuildTrunc(
            builder, LLVMBuildLShr(builder, product, LLVMConstInt(emit->i64, 32, false), ""), emit->i32, "");
        return;
    }
    LLVMTypeRef narrow = LLVMTypeOf(a), pairs = LLVMVectorType(emit->i64, (unsigned)emit->lanes / 2);
    LLVMValueRef shift[64], mask[64], factor[64];
    for (int i = 0; i < emit->lanes / 2; i++) {
        shift[i] = LLVMConstInt(emit->i64, 32, false);
        mask[i] = LLVMConstInt(emit->i64, UINT32_MAX, false);
        factor[i] = LLVMConstInt(emit->i64, constant, false);
    }
    unsigned half = (unsigned)emit->lanes / 2;
    LLVMValueRef by = LLVMConstVector(factor, half), thirty_two = LLVMConstVector(shift, half);
    LLVMValueRef low_words = LLVMConstVector(mask, half);
    LLVMValueRef both = LLVMBuildBitCast(builder, a, pairs, "");
    LLVMValueRef even = LLVMBuildMul(builder, LLVMBuildAnd(builder, both, low_words, ""), by, "");
    LLVMValueRef odd = LLVMBuildMul(builder, LLVMBuildLShr(builder, both, thirty_two, ""), by, "");
    LLVMValueRef high_even = LLVMBuildLShr(builder, even, thirty_two, "");
    LLVMValueRef high_odd = LLVMBuildAnd(builder, odd, LLVMBuildNot(builder, low_words, ""), "");
    LLVMValueRef low_even = LLVMBuildAnd(builder, even, low_words, "");
    LLVMValueRef low_odd = LLVMBuildShl(builder, odd, thirty_two, "");
    *high = LLVMBuildBitCast(builder, LLVMBuildOr(builder, high_even, high_odd, ""), narrow, "");
    *low = LLVMBuildBitCast(builder, LLVMBuildOr(builder, low_even, low_odd, ""), narrow, "");
}

static LLVMValueRef exclusive_or(Emit *emit, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    lanes_match(emit, &b, &c);
    LLVMValueRef both = LLVMBuildXor(emit->builder, b, c, "");
    lanes_match(emit, &both, &a);
    return LLVMBuildXor(emit->builder, both, a, "");
}

void random_block(Emit *emit, const LLVMValueRef key[2], const LLVMValueRef counter[4], LLVMValueRef word[2])
{
    LLVMValueRef c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
    for (int round = 0; round < BLOCK_ROUNDS; round++) {
        LLVMValueRef high0, low0, high1, low1;
        multiply(emit, c[0], 0xD2511F53u, &high0, &low0);
        multiply(emit, c[2], 0xCD9E8D57u, &high1, &low1);
        c[0] = exclusive_or(emit, high1, c[1], k[0]);
        c[1] = low1;
        c[2] = exclusive_or(emit, high0, c[3], k[1]);
        c[3] = low0;
        k[0] = LLVMBuildAdd(emit->builder, k[0], lanes_word(emit, k[0], 0x9E3779B9u), "");
        k[1] = LLVMBuildAdd(emit->builder, k[1], lanes_word(emit, k[1], 0xBB67AE85u), "");
    }
    word[0] = c[0];
    word[1] = c[1];
}

LLVMValueRef random_element(Emit *emit, const LLVMValueRef block[2], LLVMValueRef element)
{
    LLVMValueRef key = block[0], c0 = element, c1 = block[1];
    for (int round = 0; round < ELEMENT_ROUNDS; round++) {
        LLVMValueRef high, low;
        multiply(emit, c0, 0xD256D193u, &high, &low);
        c0 = exclusive_or(emit, high, c1, key);
        c1 = low;
        key = LLVMBuildAdd(emit->builder, key, lanes_word(emit, key, 0x9E3779B9u), "");
    }
    return c0;
}
