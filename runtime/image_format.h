/* The head of an image's bytes: magic [0, 8), version [8, 12), CRC-32 of the body [12, 16), length of the
 * body [16, 24). */
#ifndef CNN_IMAGE_FORMAT_H
#define CNN_IMAGE_FORMAT_H

#include <stdint.h>

#define IMAGE_MAGIC "CNNIMAGE"
enum { IMAGE_MAGIC_BYTES = 8, IMAGE_VERSION = 5, IMAGE_HEAD = 24 };

/* The length that stands for a text that is NULL. */
#define TEXT_NULL UINT32_MAX

#endif
