/* Recordings become samples. What does it stands in runtime/sound, which needs libsndfile and libsoxr: it is
 * built where these are installed, and linked into cnnc, and into a trainer whose data are sounds. The rest
 * of the runtime reaches it through here. */
#ifndef CNN_SOUND_H
#define CNN_SOUND_H

#include <stdbool.h>

#include "runtime/data/files.h"
#include "runtime/schema.h"

enum {
    /* Hz, of a recording and of what it is converted to: from a quarter of a telephone's to that of bat
       detectors. */
    SOUND_RATE_LEAST = 2000,
    SOUND_RATE_MOST = 512000,
    SOUND_CHANNELS_MOST = 64,
    SOUND_SAMPLES_MOST = 1 << 27 /* of a piece, all channels together */
};

/* Which piece of a recording is read, and as what. */
typedef struct {
    int64_t rate;     /* Hz */
    int64_t samples;  /* of each channel */
    int64_t channels; /* 1: the mean of all channels; more: those of the recording, which must have as many */
    double place;     /* where in a longer recording, 0 … 1: 0.5 is the middle */
} SoundPiece;

typedef struct SoundDecoder SoundDecoder; /* what a thread keeps from one recording to the next */

typedef struct {
    /**
     * Decodes a piece of a WAV, FLAC or OGG file, [samples, channels] of f32 in -1 … 1; what the recording
     * lacks at its end is silent. *decoder is NULL at first. A file that is damaged anywhere its container
     * tells of is CNN_BAD_INPUT, whichever piece is asked for; errors are without the path.
     */
    CnnStatus (*read)(SoundDecoder **decoder, const Bytes *file, const SoundPiece *piece, float *out,
                      CnnError *error);
    void (*decoder_free)(SoundDecoder *decoder);
} SoundLibrary;

/** The library; an error that names what is missing where this program has been built without it. */
CnnStatus sound_library(const SoundLibrary **out, CnnError *error);

/** Frees a decoder; NULL is one. */
void sound_decoder_free(SoundDecoder *decoder);

#endif
