/* The standalone trainer: code, image and runtime linked into one executable by the system's C compiler. */
#ifndef STANDALONE_H
#define STANDALONE_H

#include "compiler/driver.h"

/**
 * Writes an executable that trains the linked network. The file appears complete or not at all. false with a
 * sentence in *complaint.
 */
bool standalone_build(Session *session, const Linked *linked, const char *path, const char **complaint);

/**
 * What a build would link with: *linker is its path and version, NULL where there is none. false with a
 * sentence in *complaint when a trainer cannot be linked: it says what is missing.
 */
bool standalone_check(Arena *arena, const char **linker, const char **complaint);

#endif
