/* The table by which the runtime finds the library. */
#include "runtime/sound/sound_parts.h"

extern const SoundLibrary cnn_sound_library;

const SoundLibrary cnn_sound_library = {.read = recording_read, .decoder_free = recording_decoder_free};
