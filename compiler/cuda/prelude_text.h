/* The text of prelude.h, embedded into the binary (cmake/embed.cmake). */
#ifndef CUDA_PRELUDE_TEXT_H
#define CUDA_PRELUDE_TEXT_H

/** Stands at the start of every program for a GPU; ends in a new line and a 0. */
extern const char cuda_prelude[];

#endif
