/* What the writer and the reader of weight files share. */
#ifndef CNN_WEIGHTS_FORMAT_H
#define CNN_WEIGHTS_FORMAT_H

#include "runtime/weights.h"

/* Metadata key: CRC-32 of the bytes of all tensors, 8 hexadecimal digits. */
#define WEIGHTS_CRC_KEY "cnn.crc32"
/* The same of the header itself, with WEIGHTS_CRC_BLANK in place of its digits: how it stands there. */
#define WEIGHTS_HEADER_CRC "\"cnn.header_crc32\":\""
#define WEIGHTS_CRC_BLANK  "00000000"
enum { WEIGHTS_CRC_DIGITS = 8 };

/* Safetensors' names of the element types. */
extern const char *const weights_dtype_names[DTYPE_COUNT];

/* The checksum of a header whose digits begin at `at`. */
uint32_t weights_header_crc(const char *header, size_t length, size_t at);

/* Bytes of a tensor; false: more than can be counted. */
bool weights_tensor_bytes(const NamedTensor *tensor, uint64_t *bytes);

#endif
