/* The parts of the library of sounds (runtime/data/sound.h). */
#ifndef SOUND_PARTS_H
#define SOUND_PARTS_H

#include <ogg/ogg.h>

#include "runtime/data/sound.h"

typedef enum { CONTAINER_WAV, CONTAINER_FLAC, CONTAINER_OGG } Container;

/** Recognises the file by its first bytes. */
CnnStatus container_of(const Bytes *file, Container *container, CnnError *error);
/** Checks that nothing is missing, as far as the container tells (FLAC: see recording_read). `pages` is kept
 * from one file to the next; zeroed at first, freed with ogg_sync_clear. */
CnnStatus container_check(const Bytes *file, Container container, ogg_sync_state *pages, CnnError *error);
/** The error of a file that is not whole. */
CnnStatus sound_damaged(CnnError *error);

CnnStatus recording_read(SoundDecoder **decoder, const Bytes *file, const SoundPiece *piece, float *out,
                         CnnError *error);
void recording_decoder_free(SoundDecoder *decoder);

#endif
