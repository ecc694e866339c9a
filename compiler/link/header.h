/* The C header of a network that is built as a library, or as a bare object. */
#ifndef HEADER_H
#define HEADER_H

#include "compiler/link/standalone.h"
#include "runtime/weights.h"

/* A function of runtime/library/network.h, as the library has it. */
typedef struct {
    const char *name;  /* behind the model's and a "_": "predict" */
    const char *type;  /* of its result, with a blank or a star at the end */
    const char *takes; /* its parameters; $t: the type of a network, $l: of a label */
    const char *doc;
} NetworkFunction;
extern const NetworkFunction network_functions[]; /* ended by a NULL name */

/** What all names of this network begin with: its own in small letters. */
const char *header_prefix(Arena *arena, const CnnImage *image);
/** The path of the header that belongs to a library. */
const char *header_path(Arena *arena, const char *library);

/** Text of the header of a library. `links`: what a program that uses the static one is linked with. */
const char *header_of_library(Arena *arena, const BuildRequest *request, const char *links);
/** Of a bare object, that needs so many bytes. */
const char *header_of_bare(Arena *arena, const BuildRequest *request, const WeightFile *weights,
                           uint64_t constant_bytes, uint64_t memory_bytes);

#endif
