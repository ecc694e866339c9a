/* Element types of tensors in memory. Arithmetic on floating types is done in f32 whatever the storage. */
#ifndef CNN_DTYPE_H
#define CNN_DTYPE_H

#include <stddef.h>

typedef enum { DTYPE_F32, DTYPE_BF16, DTYPE_F16, DTYPE_I32, DTYPE_U8, DTYPE_COUNT } Dtype;

/** Bytes of one element. */
static inline size_t dtype_bytes(Dtype type)
{
    static const size_t bytes[DTYPE_COUNT] = {4, 2, 2, 4, 1};
    return bytes[type];
}

/** The name used in dumps, messages and weight files: "f32", "bf16", "f16", "i32", "u8". */
static inline const char *dtype_name(Dtype type)
{
    static const char *const names[DTYPE_COUNT] = {"f32", "bf16", "f16", "i32", "u8"};
    return names[type];
}

#endif
