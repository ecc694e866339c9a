/* Any bytes as an image: the head is made right, so that the structure behind it is reached; what is let
 * through opens. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/image_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { HEAD = 24, CODES = 8 };

static void no_code(void *const *buffers, const CnnCall *call)
{
    (void)buffers, (void)call;
}

static CnnCode *const code[CODES] = {no_code, no_code, no_code, no_code, no_code, no_code, no_code, no_code};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *image_bytes = malloc(HEAD + size);
    if (!image_bytes)
        abort();
    if (size)
        memcpy(image_bytes + HEAD, bytes, size);
    memcpy(image_bytes, "CNNIMAGE\1\0\0\0", 12);
    uLong crc = crc32_z(crc32_z(0, NULL, 0), image_bytes + HEAD, size);
    for (int i = 0; i < 4; i++)
        image_bytes[12 + i] = (uint8_t)(crc >> (8 * i));
    for (int i = 0; i < 8; i++)
        image_bytes[16 + i] = (uint8_t)((uint64_t)size >> (8 * i));
    CnnImage *image;
    CnnError error = {0};
    if (cnn_image_read(image_bytes, HEAD + size, code, CODES, &image, &error) == CNN_OK)
        cnn_image_free(image);
    else if (*error.text == '\0')
        abort();
    free(image_bytes);
    return 0;
}
