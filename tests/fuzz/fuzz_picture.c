/* Any bytes as a picture: it is decoded, in some number of channels, or refused with a message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const uint8_t *input;
static size_t input_size;

static CnnStatus input_load(const Tree *tree, const char *path, Bytes *out, CnnError *error)
{
    (void)tree, (void)path;
    TRY(bytes_reserve(out, input_size, error));
    if (input_size)
        memcpy(out->data, input, input_size);
    return CNN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const Tree tree = {.load = input_load};
    Picture picture = {0};
    CnnError error = {0};
    int channels = (int[]){1, 3, 4, 0}[size % 4]; /* 0: as in the file */
    input = bytes;
    input_size = size;
    CnnStatus status = channels ? CNN_OK : decode_channels(&tree, "input", &picture, &channels, &error);
    DecodeOptions options = {.channels = channels};
    if (status == CNN_OK)
        status = decode_member(&tree, "input", &options, &picture, &error);
    if (status != CNN_OK && *error.text == '\0')
        abort();
    picture_free(&picture);
    return 0;
}
