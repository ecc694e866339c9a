/* Any bytes as a recording: a piece of it is decoded, mixed and brought to another rate, or it is refused
 * with a message. The first two bytes choose the piece. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static float out[2 * 4000];
    const SoundLibrary *library;
    SoundDecoder *decoder = NULL;
    CnnError error = {0};
    if (size < 2 || sound_library(&library, &error) != CNN_OK)
        return 0;
    SoundPiece piece = {.rate = bytes[0] & 1 ? 16000 : 44100,
                        .samples = bytes[0] & 2 ? 4000 : 7,
                        .channels = bytes[0] & 4 ? 2 : 1,
                        .place = bytes[1] / 255.0};
    Bytes file = {.data = malloc(size - 1), .size = size - 2, .capacity = size - 1}; /* never of no bytes */
    if (!file.data)
        abort();
    memcpy(file.data, bytes + 2, size - 2);
    for (int again = 0; again < 2; again++) { /* with what was kept of the first time */
        CnnStatus status = library->read(&decoder, &file, &piece, out, &error);
        if (status != CNN_OK && *error.text == '\0')
            abort();
        for (int64_t i = 0; status == CNN_OK && i < piece.samples * piece.channels; i++)
            if (!(out[i] > -1e30f && out[i] < 1e30f)) /* nor is it NaN */
                abort();
    }
    sound_decoder_free(decoder);
    free(file.data);
    return 0;
}
