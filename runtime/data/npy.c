/* Reading .npy: the elements. The header is read in npy_header.c. */
#include "runtime/data/npy.h"

#include <string.h>

#include "runtime/dtype.h"

static const struct {
    const char *name;
    size_t bytes;
} npy_types[NPY_TYPE_COUNT] = {
    [NPY_U1] = {"u1", 1}, [NPY_I1] = {"i1", 1}, [NPY_U2] = {"u2", 2},
    [NPY_I2] = {"i2", 2}, [NPY_I4] = {"i4", 4}, [NPY_I8] = {"i8", 8},
    [NPY_F2] = {"f2", 2}, [NPY_F4] = {"f4", 4}, [NPY_F8] = {"f8", 8},
};

size_t npy_element_bytes(NpyType type)
{
    return npy_types[type].bytes;
}

bool npy_is_real(NpyType type)
{
    return type == NPY_F2 || type == NPY_F4 || type == NPY_F8;
}

const char *npy_type_name(NpyType type)
{
    return npy_types[type].name;
}

static void npy_swap(unsigned char *raw, uint64_t count, size_t bytes)
{
    for (uint64_t i = 0; i < count; i++, raw += bytes)
        for (size_t a = 0, b = bytes - 1; a < b; a++, b--) {
            unsigned char byte = raw[a];
            raw[a] = raw[b];
            raw[b] = byte;
        }
}

/* Element by element, since in this order those of one sample lie far apart: right, but slow. */
static CnnStatus npy_read_fortran(const Npy *npy, uint64_t first, uint64_t count, unsigned char *raw,
                                  CnnError *error)
{
    size_t bytes = npy_element_bytes(npy->type);
    for (uint64_t i = 0; i < count; i++, raw += bytes) {
        uint64_t rest = first + i, stride = npy->count, at = 0;
        for (int d = npy->shape.count - 1; d >= 0; d--) {
            uint64_t extent = (uint64_t)npy->shape.value[d];
            stride /= extent; /* of index d, counted in elements */
            at += rest % extent * stride;
            rest /= extent;
        }
        TRY(file_read_at(npy->descriptor, npy->path, raw, bytes, npy->start + at * bytes, error));
    }
    return CNN_OK;
}

CnnStatus npy_read(const Npy *npy, uint64_t first, uint64_t count, void *raw, CnnError *error)
{
    size_t bytes = npy_element_bytes(npy->type);
    if (npy->fortran)
        TRY(npy_read_fortran(npy, first, count, raw, error));
    else
        TRY(file_read_at(npy->descriptor, npy->path, raw, (size_t)count * bytes, npy->start + first * bytes,
                         error));
    if (npy->swapped)
        npy_swap(raw, count, bytes);
    return CNN_OK;
}

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    uint32_t bits;
    float value;
    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f;
        return half >> 15 ? -value : value;
    }
    bits = (uint32_t)(half >> 15) << 31 | (uint32_t)(exponent == 31 ? 255 : exponent + 112) << 23 |
           (uint32_t)fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The same loop for each type of element and of result. */
#define CONVERT(type, expression)                                                                            \
    for (uint64_t i = 0; i < count; i++) {                                                                   \
        type value;                                                                                          \
        memcpy(&value, (const char *)raw + i * sizeof value, sizeof value);                                  \
        out[i] = expression;                                                                                 \
    }                                                                                                        \
    return
#define CONVERT_ALL(result)                                                                                  \
    switch (type) {                                                                                          \
    case NPY_U1:                                                                                             \
        CONVERT(uint8_t, (result)value);                                                                     \
    case NPY_I1:                                                                                             \
        CONVERT(int8_t, (result)value);                                                                      \
    case NPY_U2:                                                                                             \
        CONVERT(uint16_t, (result)value);                                                                    \
    case NPY_I2:                                                                                             \
        CONVERT(int16_t, (result)value);                                                                     \
    case NPY_I4:                                                                                             \
        CONVERT(int32_t, (result)value);                                                                     \
    case NPY_I8:                                                                                             \
        CONVERT(int64_t, (result)value);                                                                     \
    case NPY_F2:                                                                                             \
        CONVERT(uint16_t, (result)half_value(value));                                                        \
    case NPY_F4:                                                                                             \
        CONVERT(float, (result)value);                                                                       \
    case NPY_F8:                                                                                             \
        CONVERT(double, (result)value);                                                                      \
    case NPY_TYPE_COUNT:                                                                                     \
        return;                                                                                              \
    }

void npy_to_float(NpyType type, const void *raw, uint64_t count, float *out)
{
    CONVERT_ALL(float)
}

void npy_to_double(NpyType type, const void *raw, uint64_t count, double *out)
{
    CONVERT_ALL(double)
}
