/* What the prelude of GPU programs (compiler/cuda/prelude.h) includes when a C compiler reads them: every
 * thread of a block is a fiber (emulator_run.h), which runs alone until it reaches a barrier, or an operation
 * of its warp. The functions lie in the library that loads the program. Each gets its line, so that a fault
 * can be told. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <math.h>
#include <string.h>

#pragma GCC visibility push(default)

typedef struct {
    int block[3], thread;
} EmulatorPlace;
extern _Thread_local EmulatorPlace emulator_place;

enum { EMULATOR_BF16, EMULATOR_F16, EMULATOR_TF32 };
void emulator_barrier(int line);
float emulator_shuffle_xor(float value, int mask, int line);
void emulator_mma(float d[4], const unsigned *a, const unsigned *b, int type, int line);
void emulator_ldmatrix_x4(unsigned r[4], const void *shared_row, int turned, int line);
void emulator_copy16(void *shared, const void *global, int bytes, int line);
void emulator_copy_commit(void);
void emulator_copy_wait(int groups, int line);
void emulator_aligned(const void *address, int line);
void emulator_outside(int line, unsigned long index);
unsigned short emulator_f16_of(float value);
float emulator_f16_value(unsigned short half);

#pragma GCC visibility pop

#define CNNC_KERNEL void
#define CNNC_BOUNDS(threads, blocks)
#define CNNC_DEVICE    static inline __attribute__((unused))
#define CNNC_SHARED    static _Thread_local __attribute__((aligned(16)))
#define CNNC_BLOCK_X   (emulator_place.block[0])
#define CNNC_BLOCK_Y   (emulator_place.block[1])
#define CNNC_BLOCK_Z   (emulator_place.block[2])
#define CNNC_THREAD    (emulator_place.thread)
#define CNNC_BARRIER() emulator_barrier(__LINE__)
#define CNNC_UNROLL
#define CNNC_ROLL

#define cnnc_shuffle_xor(value, mask)      emulator_shuffle_xor(value, mask, __LINE__)
#define cnnc_mma_bf16(d, a, b)             emulator_mma(d, a, b, EMULATOR_BF16, __LINE__)
#define cnnc_mma_f16(d, a, b)              emulator_mma(d, a, b, EMULATOR_F16, __LINE__)
#define cnnc_mma_tf32(d, a, b)             emulator_mma(d, a, b, EMULATOR_TF32, __LINE__)
#define cnnc_ldmatrix_x4(r, row)           emulator_ldmatrix_x4(r, row, 0, __LINE__)
#define cnnc_ldmatrix_x4_turned(r, row)    emulator_ldmatrix_x4(r, row, 1, __LINE__)
#define cnnc_copy16(shared, global, bytes) emulator_copy16(shared, global, bytes, __LINE__)
#define cnnc_copy_commit()                 emulator_copy_commit()
#define cnnc_copy_wait(n)                  emulator_copy_wait(n, __LINE__)
#define cnnc_load4(values, address)        emulator_load4(values, address, __LINE__)
#define cnnc_store4(address, values)       emulator_store4(address, values, __LINE__)
#define cnnc_f16_of(value)                 emulator_f16_of(value)
#define cnnc_f16_value(half)               emulator_f16_value(half)

CNNC_DEVICE unsigned cnnc_bits(float value)
{
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

CNNC_DEVICE float cnnc_float(unsigned bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

CNNC_DEVICE unsigned cnnc_high(unsigned a, unsigned b)
{
    return (unsigned)((unsigned long long)a * b >> 32);
}

CNNC_DEVICE float cnnc_rsqrt(float value)
{
    return 1 / sqrtf(value);
}

CNNC_DEVICE unsigned cnnc_tf32_of(float value)
{
    unsigned bits = cnnc_bits(value);
    return (bits & 0x7F800000u) == 0x7F800000u ? bits : (bits + 0x1000u) & 0xFFFFE000u;
}

CNNC_DEVICE void emulator_load4(float values[4], const float *address, int line)
{
    emulator_aligned(address, line);
    memcpy(values, address, 16);
}

CNNC_DEVICE void emulator_store4(float *address, const float values[4], int line)
{
    emulator_aligned(address, line);
    memcpy(address, values, 16);
}

#ifndef EMULATOR_ITSELF

/* The shared memory of a program is its thread-local memory: a place in it, for the library to find the rest.
 */
void *emulator__shared(void);
void *emulator__shared(void)
{
    static _Thread_local char place[16];
    return place;
}

/* What -fsanitize=bounds calls: the start of `data` is the place in the text. */
typedef struct {
    const char *file;
    unsigned line, column;
} EmulatorText;
void __ubsan_handle_out_of_bounds(void *data, void *index) __attribute__((visibility("hidden")));
void __ubsan_handle_out_of_bounds(void *data, void *index)
{
    emulator_outside((int)((const EmulatorText *)data)->line, (unsigned long)index);
}

#endif

#endif
