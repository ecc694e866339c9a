/* A network as a library that programs in C call, or as an object that needs no library at all; each with a
 * header beside it. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "compiler/link/standalone.h"

/**
 * Writes NAME.so, or NAME.a, and NAME.h. Nothing is global but the functions of the header, so that several
 * may be linked into one program. Files appear complete or not at all. false with a sentence in *complaint.
 */
bool library_build(Session *session, BuildRequest *request, const char *path, const char **complaint);

/** The same of an object with an evaluation of one sample, by the weights of the request, which it must have.
 */
bool bare_build(Session *session, BuildRequest *request, const char *path, const char **complaint);

/** Whether a path ends as a static, or a shared, library does. */
bool library_is_archive(const char *path);
bool library_is_shared(const char *path);

#endif
