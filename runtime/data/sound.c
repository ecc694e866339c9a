/* Whether this program can read sounds. */
#include "runtime/data/sound.h"

/* Defined in runtime/sound. Its address is NULL in a program without that library. */
extern const SoundLibrary cnn_sound_library __attribute__((weak));

CnnStatus sound_library(const SoundLibrary **out, CnnError *error)
{
    *out = &cnn_sound_library;
    if (*out)
        return CNN_OK;
    return cnn_fail(error, CNN_NO_RESOURCE,
                    "sounds cannot be read: this program was built without libsndfile and libsoxr "
                    "(Debian: libsndfile1-dev, libsoxr-dev)");
}

void sound_decoder_free(SoundDecoder *decoder)
{
    if (decoder)
        cnn_sound_library.decoder_free(decoder);
}
