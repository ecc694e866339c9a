/* Numbers of 16 bits, as the types DTYPE_BF16 and DTYPE_F16 have them in memory. Rounded to nearest, ties to
 * even. In integers: a compiler would call a library for it where the processor has no instruction. */
#ifndef CNN_HALF_H
#define CNN_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t cnn_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float cnn_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/** bfloat16: the upper half of a float. */
static inline uint16_t cnn_bf16_of(float value)
{
    uint32_t bits = cnn_float_bits(value);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static inline float cnn_bf16_value(uint16_t half)
{
    return cnn_float_of_bits((uint32_t)half << 16);
}

/** binary16 of IEEE 754: 65504 is the largest; from 65520 on infinity. */
static inline uint16_t cnn_f16_of(float value)
{
    uint32_t bits = cnn_float_bits(value), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
    if (size > 0x7F800000)
        return (uint16_t)(sign | 0x7E00 | (size >> 13 & 0x3FF));
    if (size >= 0x47800000) /* 65536 */
        return (uint16_t)(sign | 0x7C00);
    if (size < 0x38800000) /* 2^-14: in steps of 2^-24, which are those of a float near 0.5 */
        return (uint16_t)(sign | (cnn_float_bits(cnn_float_of_bits(size) + 0.5f) - 0x3F000000));
    return (uint16_t)(sign | (size - 0x38000000 + 0xFFF + (size >> 13 & 1)) >> 13);
}

static inline float cnn_f16_value(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, digits = half & 0x3FF;
    if (exponent == 31)
        return cnn_float_of_bits(sign | 0x7F800000 | digits << 13);
    float size =
        exponent ? cnn_float_of_bits((exponent + 112) << 23 | digits << 13) : (float)digits * 0x1p-24f;
    return sign ? -size : size;
}

#endif
