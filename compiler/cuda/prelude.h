/* Stands before the kernels of every program for a GPU (embedded into cnnc: compiler/cuda/prelude_text.h).
 * What CUDA C and C11 say differently has a name here, so that the kernels are both at once: NVRTC reads them
 * with the inline PTX below and no header of CUDA's, a C compiler with emulator.h of tests/cuda. All threads
 * of a warp take part in what says "warp"; lanes are numbered from CNNC_THREAD % 32, and with g = lane / 4, t
 * = lane % 4 hold of a matrix what PTX says. */
#ifdef __CUDACC__

#define CNNC_KERNEL                  extern "C" __global__ void
#define CNNC_BOUNDS(threads, blocks) __launch_bounds__(threads, blocks)
#define CNNC_DEVICE                  static __device__ __forceinline__ __attribute__((unused))
#define CNNC_SHARED                  static __shared__ __align__(16)
#define CNNC_BLOCK_X                 ((int)blockIdx.x)
#define CNNC_BLOCK_Y                 ((int)blockIdx.y)
#define CNNC_BLOCK_Z                 ((int)blockIdx.z)
#define CNNC_THREAD                  ((int)threadIdx.x)
#define CNNC_BARRIER()               __syncthreads()
#define CNNC_UNROLL                  _Pragma("unroll")
#define CNNC_ROLL                    _Pragma("unroll 1")

CNNC_DEVICE unsigned cnnc_bits(float value)
{
    return __float_as_uint(value);
}

CNNC_DEVICE float cnnc_float(unsigned bits)
{
    return __uint_as_float(bits);
}

CNNC_DEVICE unsigned cnnc_high(unsigned a, unsigned b)
{
    return __umulhi(a, b);
}

CNNC_DEVICE float cnnc_rsqrt(float value)
{
    return rsqrtf(value);
}

CNNC_DEVICE float cnnc_shuffle_xor(float value, int mask)
{
    return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
}

CNNC_DEVICE float cnnc_f16_value(unsigned short half)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
    return value;
}

CNNC_DEVICE unsigned short cnnc_f16_of(float value)
{
    unsigned short half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
    /* The instruction makes every NaN 0x7FFF. */
    unsigned bits = cnnc_bits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        half = (unsigned short)((bits >> 16 & 0x8000u) | 0x7E00u | (bits >> 13 & 0x3FFu));
    return half;
}

/** Sixteen bytes at once; the address is a multiple of 16. */
CNNC_DEVICE void cnnc_load4(float values[4], const float *address)
{
    float4 four = *(const float4 *)address;
    values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
}

CNNC_DEVICE void cnnc_store4(float *address, const float values[4])
{
    *(float4 *)address = make_float4(values[0], values[1], values[2], values[3]);
}

CNNC_DEVICE unsigned cnnc_shared_address(const void *shared)
{
    unsigned address;
    asm("{ .reg .u64 wide; cvta.to.shared.u64 wide, %1; cvt.u32.u64 %0, wide; }"
        : "=r"(address)
        : "l"(shared));
    return address;
}

/** The float as an operand of cnnc_mma_tf32, which counts its first 10 binary digits: rounded to nearest,
 * halves away from zero. */
CNNC_DEVICE unsigned cnnc_tf32_of(float value)
{
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
    return bits;
}

/** d += a b of a warp: a is 16 x 16, b is 16 x 8, d is 16 x 8. d: (g, 2t), (g, 2t + 1), then row g + 8. a,
 * two columns in one word, the first in its low half: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8). b,
 * two rows in a word: (2t, g), (2t + 8, g). */
CNNC_DEVICE void cnnc_mma_bf16(float d[4], const unsigned a[4], const unsigned b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

CNNC_DEVICE void cnnc_mma_f16(float d[4], const unsigned a[4], const unsigned b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/** The same with a of 16 x 8 and b of 8 x 8, a word for each element. a: (g, t), (g + 8, t), (g, t + 4), (g +
 * 8, t + 4); b: (t, g), (t + 4, g). */
CNNC_DEVICE void cnnc_mma_tf32(float d[4], const unsigned a[4], const unsigned b[2])
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/** Four matrices of 8 x 8 numbers of 16 bits from shared memory into a warp: lane 8i + j gives the address of
 * row j of matrix i, a multiple of 16; r[i] is (g, 2t) and (g, 2t + 1) of matrix i. */
CNNC_DEVICE void cnnc_ldmatrix_x4(unsigned r[4], const void *shared_row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(cnnc_shared_address(shared_row))
                 : "memory");
}

/** The same, turned: r[i] is (2t, g) and (2t + 1, g) of matrix i. */
CNNC_DEVICE void cnnc_ldmatrix_x4_turned(unsigned r[4], const void *shared_row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(cnnc_shared_address(shared_row))
                 : "memory");
}

/** Begins to copy 16 bytes into shared memory (bytes 16), or to write zeros there (0: `global` is not read).
 * Both addresses are multiples of 16. The bytes are there for the thread itself after cnnc_copy_wait, for the
 * block after a barrier behind it. */
CNNC_DEVICE void cnnc_copy16(void *shared, const void *global, int bytes)
{
    asm volatile(
        "{ .reg .u64 from; cvta.to.global.u64 from, %1; cp.async.cg.shared.global [%0], [from], 16, %2; }" ::
            "r"(cnnc_shared_address(shared)),
        "l"(global), "r"(bytes)
        : "memory");
}

/** Ends a group of copies. */
CNNC_DEVICE void cnnc_copy_commit(void)
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/** Waits until at most n groups of this thread, a constant, are under way. */
#define cnnc_copy_wait(n) asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory")

#else
#include "emulator.h"
#endif

/* What both say alike. */

#define CNNC_INFINITY cnnc_float(0x7F800000u)
#define CNNC_NAN      cnnc_float(0x7FC00000u)

CNNC_DEVICE int cnnc_finite(float value)
{
    return (cnnc_bits(value) & 0x7F800000u) != 0x7F800000u;
}

CNNC_DEVICE float cnnc_bf16_value(unsigned short half)
{
    return cnnc_float((unsigned)half << 16);
}

/** Rounded to nearest, ties to even; a NaN stays one (runtime/half.h). */
CNNC_DEVICE unsigned short cnnc_bf16_of(float value)
{
    unsigned bits = cnnc_bits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        return (unsigned short)(bits >> 16 | 0x40u);
    return (unsigned short)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

/** Two halves side by side as a word, the first in its low half; the address is a multiple of 4. */
CNNC_DEVICE unsigned cnnc_pair(const unsigned short *halves)
{
#ifdef __CUDACC__
    return *(const unsigned *)halves;
#else
    return halves[0] | (unsigned)halves[1] << 16;
#endif
}

/** Uniform in [0, 1): cnn_random_element (runtime/rng.h) of this purpose. */
CNNC_DEVICE float cnnc_random(unsigned seed_low, unsigned seed_high, unsigned purpose, unsigned epoch,
                              unsigned sample, unsigned element)
{
    unsigned c0 = sample, c1 = 0, c2 = epoch, c3 = purpose, key0 = seed_low, key1 = seed_high;
    CNNC_UNROLL
    for (int round = 0; round < 10; round++) {
        unsigned high0 = cnnc_high(0xD2511F53u, c0), high1 = cnnc_high(0xCD9E8D57u, c2);
        unsigned low0 = 0xD2511F53u * c0, low1 = 0xCD9E8D57u * c2;
        c0 = high1 ^ c1 ^ key0;
        c1 = low1;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    unsigned key = c0, word = element, other = c1;
    CNNC_UNROLL
    for (int round = 0; round < 7; round++) {
        unsigned low = 0xD256D193u * word;
        word = cnnc_high(0xD256D193u, word) ^ key ^ other;
        other = low;
        key += 0x9E3779B9u;
    }
    return (float)(word >> 8) * 0x1p-24f;
}
