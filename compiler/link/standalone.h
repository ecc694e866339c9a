/* The standalone trainer: code, image and runtime linked into one executable by the system's C compiler. */
#ifndef STANDALONE_H
#define STANDALONE_H

#include "compiler/driver.h"

/**
 * Writes an executable that trains the linked network. The file appears complete or not at all. false with a
 * sentence in *complaint.
 */
bool standalone_build(Session *session, const Linked *linked, const char *path, const char **complaint);

#endif
