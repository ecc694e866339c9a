/* Reading .npy: the elements. The header is read in npy_header.c. */
#include "runtime/data/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/memory.h"

enum { CHARACTER_BYTES = 4 };

bool npy_is_real(NpyType type)
{
    return type == NPY_F2 || type == NPY_F4 || type == NPY_F8;
}

bool npy_is_text(NpyType type)
{
    return type == NPY_UNICODE || type == NPY_BYTES;
}

const char *npy_type_name(NpyType type)
{
    static const char *const names[NPY_NUMBER_COUNT] = {
        [NPY_BOOL] = "bool", [NPY_U1] = "u1", [NPY_I1] = "i1", [NPY_U2] = "u2",
        [NPY_I2] = "i2",     [NPY_U4] = "u4", [NPY_I4] = "i4", [NPY_U8] = "u8",
        [NPY_I8] = "i8",     [NPY_F2] = "f2", [NPY_F4] = "f4", [NPY_F8] = "f8"};
    return npy_is_text(type) ? "text" : names[type];
}

bool npy_range(NpyType type, double *low, double *high)
{
    static const double ranges[NPY_NUMBER_COUNT][2] = {[NPY_BOOL] = {0, 1},
                                                       [NPY_U1] = {0, 255},
                                                       [NPY_I1] = {-128, 127},
                                                       [NPY_U2] = {0, 65535},
                                                       [NPY_I2] = {-32768, 32767}};
    *low = ranges[type][0];
    *high = ranges[type][1];
    return *low < *high;
}

int64_t npy_find_not_finite(const float *value, uint64_t count)
{
    float sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += value[i] * 0; /* 0 for every finite value */
    for (uint64_t i = 0; i < count && sum != 0; i++)
        if (!isfinite(value[i]))
            return (int64_t)i;
    return -1;
}

void npy_swap(unsigned char *raw, uint64_t count, size_t bytes)
{
    for (uint64_t i = 0; i < count; i++, raw += bytes)
        for (size_t a = 0, b = bytes - 1; a < b; a++, b--) {
            unsigned char byte = raw[a];
            raw[a] = raw[b];
            raw[b] = byte;
        }
}

/* Where the elements of column `column` begin, which have all indices but the first in common: as a number of
 * columns from the start of the file. `column` counts them in row-major order. */
static uint64_t npy_column(const Npy *npy, uint64_t columns, uint64_t column)
{
    uint64_t stride = columns, at = 0;
    for (int d = npy->shape.count - 1; d > 0; d--) {
        uint64_t extent = (uint64_t)npy->shape.value[d];
        stride /= extent; /* of index d */
        at += column % extent * stride;
        column /= extent;
    }
    return at;
}

static CnnStatus npy_turn_columns(const Npy *npy, unsigned char *turned, unsigned char *elements,
                                  CnnError *error)
{
    uint64_t rows = (uint64_t)npy->shape.value[0], columns = npy->count / rows;
    size_t bytes = npy->element_bytes;
    for (uint64_t column = 0; column < columns; column++) {
        uint64_t first = npy_column(npy, columns, column) * rows;
        TRY(extent_read(&npy->file, elements, (size_t)rows * bytes, npy->start + first * bytes, error));
        for (uint64_t row = 0; row < rows; row++)
            memcpy(turned + (row * columns + column) * bytes, elements + row * bytes, bytes);
    }
    return CNN_OK;
}

/* Reads an array in Fortran order into memory, in row-major order: the elements of one sample lie far apart
 * in the file, and reading them one by one takes a thousand times as long. */
static CnnStatus npy_turn(Npy *npy, CnnError *error)
{
    char name[NAME_BYTES];
    size_t bytes = (size_t)npy->count * npy->element_bytes;
    Bytes turned = {.size = bytes, .capacity = bytes};
    Extent held;
    if (bytes < cnn_memory_available())
        turned.data = malloc(bytes);
    unsigned char *elements = malloc((size_t)npy->shape.value[0] * npy->element_bytes);
    CnnStatus status = CNN_OK;
    if (!turned.data || !elements)
        status = cnn_fail(error, CNN_NO_RESOURCE,
                          "%s: is in Fortran order, and turning it takes %zu bytes of memory, which are not "
                          "free: save numpy.ascontiguousarray of it",
                          name_printable(npy->file.path, name), bytes);
    if (status == CNN_OK)
        status = npy_turn_columns(npy, turned.data, elements, error);
    free(elements);
    if (status == CNN_OK)
        status = extent_hold(npy->file.path, &turned, &held, error);
    bytes_free(&turned);
    if (status != CNN_OK)
        return status;
    extent_close(&npy->file);
    npy->file = held;
    npy->start = 0;
    return CNN_OK;
}

CnnStatus npy_open(Extent *file, Npy *out, CnnError *error)
{
    bool fortran;
    *out = (Npy){.file = *file};
    *file = (Extent){0};
    CnnStatus status = npy_read_header(out, &fortran, error);
    if (status == CNN_OK && fortran)
        status = npy_turn(out, error);
    if (status != CNN_OK)
        npy_close(out);
    return status;
}

void npy_close(Npy *npy)
{
    extent_close(&npy->file);
    *npy = (Npy){0};
}

CnnStatus npy_read(const Npy *npy, uint64_t first, uint64_t count, void *raw, CnnError *error)
{
    size_t bytes = npy->element_bytes;
    TRY(extent_read(&npy->file, raw, (size_t)count * bytes, npy->start + first * bytes, error));
    if (npy->swapped && npy->type == NPY_UNICODE)
        npy_swap(raw, count * (bytes / CHARACTER_BYTES), CHARACTER_BYTES);
    else if (npy->swapped)
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
    case NPY_BOOL:                                                                                           \
        CONVERT(uint8_t, (result)(value != 0));                                                              \
    case NPY_U1:                                                                                             \
        CONVERT(uint8_t, (result)value);                                                                     \
    case NPY_I1:                                                                                             \
        CONVERT(int8_t, (result)value);                                                                      \
    case NPY_U2:                                                                                             \
        CONVERT(uint16_t, (result)value);                                                                    \
    case NPY_I2:                                                                                             \
        CONVERT(int16_t, (result)value);                                                                     \
    case NPY_U4:                                                                                             \
        CONVERT(uint32_t, (result)value);                                                                    \
    case NPY_I4:                                                                                             \
        CONVERT(int32_t, (result)value);                                                                     \
    case NPY_U8:                                                                                             \
        CONVERT(uint64_t, (result)value);                                                                    \
    case NPY_I8:                                                                                             \
        CONVERT(int64_t, (result)value);                                                                     \
    case NPY_F2:                                                                                             \
        CONVERT(uint16_t, (result)half_value(value));                                                        \
    case NPY_F4:                                                                                             \
        CONVERT(float, (result)value);                                                                       \
    case NPY_F8:                                                                                             \
        CONVERT(double, (result)value);                                                                      \
    case NPY_UNICODE:                                                                                        \
    case NPY_BYTES:                                                                                          \
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

/* Writes a character as UTF-8 and returns what is behind it; NULL when it is none of Unicode's. */
static char *put_character(char *out, uint32_t character)
{
    if (character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
        return NULL;
    if (character < 0x80) {
        *out++ = (char)character;
        return out;
    }
    int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    *out++ = (char)(0xff00 >> (more + 1) | character >> 6 * more);
    while (more-- > 0)
        *out++ = (char)(0x80 | (character >> 6 * more & 0x3f));
    return out;
}

bool npy_to_text(const Npy *npy, const void *raw, char *out)
{
    size_t width = npy->type == NPY_UNICODE ? CHARACTER_BYTES : 1;
    bool ended = false;
    for (size_t at = 0; at < npy->element_bytes; at += width) {
        uint32_t character = ((const unsigned char *)raw)[at];
        if (width == CHARACTER_BYTES)
            memcpy(&character, (const char *)raw + at, sizeof character);
        if (character != 0 && ended)
            return false;
        ended = character == 0;
        if (ended)
            continue;
        if (width == 1)
            *out++ = (char)character;
        else if (!(out = put_character(out, character)))
            return false;
    }
    *out = '\0';
    return true;
}
