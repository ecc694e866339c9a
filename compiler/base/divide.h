/* Division of whole numbers, of which those below zero too, by a positive one. */
#ifndef DIVIDE_H
#define DIVIDE_H

#include <stdint.h>

static inline int64_t divide_down(int64_t a, int64_t by)
{
    return a / by - (a % by < 0);
}

static inline int64_t divide_up(int64_t a, int64_t by)
{
    return a / by + (a % by > 0);
}

#endif
