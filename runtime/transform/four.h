/* Four floats at once, by the vector types that gcc and clang have for every architecture. A pixel of three
 * channels is treated as four: a load reads one float more than the pixel has, which must be there. */
#ifndef CNN_FOUR_H
#define CNN_FOUR_H

#include <string.h>

typedef float Four __attribute__((vector_size(16)));

static inline Four four_load(const float *from)
{
    Four four;
    memcpy(&four, from, sizeof four);
    return four;
}

static inline void four_store(float *to, Four four)
{
    memcpy(to, &four, sizeof four);
}

/** Stores the first three. */
static inline void four_store3(float *to, Four four)
{
    memcpy(to, &four, 3 * sizeof *to);
}

#endif
