/* What the writer and the reader of weight files share. */
#ifndef CNN_WEIGHTS_FORMAT_H
#define CNN_WEIGHTS_FORMAT_H

#include "runtime/weights.h"

/* Metadata key: CRC-32 of the bytes of all tensors, 8 hexadecimal digits. */
#define WEIGHTS_CRC_KEY "cnn.crc32"

/* Safetensors' names of the element types. */
extern const char *const weights_dtype_names[DTYPE_COUNT];

/* Bytes of a tensor; false: more than can be counted. */
bool weights_tensor_bytes(const NamedTensor *tensor, uint64_t *bytes);

#endif
