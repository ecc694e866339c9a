/* The standalone trainer: code, image and runtime linked into one executable by the system's C compiler. */
#ifndef STANDALONE_H
#define STANDALONE_H

#include "compiler/cpu/data_object.h"
#include "compiler/driver.h"
#include "compiler/link/toolchain.h"

/* The network, compiled for one processor. */
typedef struct {
    const char *name; /* as the user called it */
    const CpuTarget *target;
    Linked linked;
} BuildVersion;

/* What is to be built. */
typedef struct {
    const Platform *platform;
    const BuildVersion *versions; /* the most able first; the data of all are the same */
    int version_count;
    const void *weights; /* the bytes of a weight file; NULL: none */
    size_t weights_bytes;
    const char *weights_name;
    const char *made;  /* by which version of cnnc, and with which flags */
    bool is_static;    /* with all libraries inside */
    const char *notes; /* set by the build: what was left out, lines; "" */
} BuildRequest;

/**
 * Writes an executable that trains the network. The file appears complete or not at all. false with a
 * sentence in *complaint.
 */
bool standalone_build(Session *session, BuildRequest *request, const char *path, const char **complaint);

/** Writes the objects of all versions, and that of their data, into a workplace. */
bool build_write_objects(Session *session, const BuildRequest *request, Workplace *workplace,
                         const char **complaint);

/**
 * What a build would link with: *linker is its path and version, NULL where there is none. false with a
 * sentence in *complaint when a trainer cannot be linked: it says what is missing.
 */
bool standalone_check(Arena *arena, const char **linker, const char **complaint);

#endif
