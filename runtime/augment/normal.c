/* Box and Muller's normal deviates in a form that compilers find vectors in: no branches, and polynomials for
 * the logarithm, sine and cosine (those of Moshier's Cephes library, 1992, whose errors are of the order of
 * float's last bit). */
#include "runtime/augment/normal.h"

#include <math.h>
#include <string.h>

enum { PAIRS = 64 }; /* that are made at once */

/* The natural logarithm of n / 2^24, for n from 1 to 2^24. */
static inline float log_of_share(uint32_t n)
{
    float x = (float)(int32_t)n;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t fraction = (bits & 0x7fffff) | 0x3f800000;                                 /* of 1 … 2 */
    int32_t exponent = (int32_t)(bits >> 23) - 127 - 24, halve = fraction > 0x3fb504f3; /* above sqrt 2 */
    fraction -= (uint32_t)halve << 23;
    memcpy(&x, &fraction, sizeof x);
    float e = (float)(exponent + halve), f = x - 1, square = f * f;
    float y = 7.0376836292e-2f;
    y = y * f - 1.1514610310e-1f;
    y = y * f + 1.1676998740e-1f;
    y = y * f - 1.2420140846e-1f;
    y = y * f + 1.4249322787e-1f;
    y = y * f - 1.6668057665e-1f;
    y = y * f + 2.0000714765e-1f;
    y = y * f - 2.4999993993e-1f;
    y = y * f + 3.3333331174e-1f;
    y = y * f * square - 2.12194440e-4f * e - 0.5f * square;
    return f + y + 0.693359375f * e;
}

/* Cosine and sine of n / 2^24 of a turn. */
static inline void turn_of_share(uint32_t n, float *cosine, float *sine)
{
    int32_t quarter = (int32_t)((n + (1u << 21)) >> 22); /* the nearest */
    float angle = (float)((int32_t)n - (quarter << 22)) * (1.57079632679f * 0x1p-22f), square = angle * angle;
    float s = -1.9515295891e-4f, c = 2.443315711809948e-5f;
    s = s * square + 8.3321608736e-3f;
    s = s * square - 1.6666654611e-1f;
    s = s * square * angle + angle;
    c = c * square - 1.388731625493765e-3f;
    c = c * square + 4.166664568298827e-2f;
    c = c * square * square - 0.5f * square + 1;
    float along = quarter & 1 ? s : c, across = quarter & 1 ? c : s;
    *cosine = (quarter + 1) & 2 ? -along : along;
    *sine = quarter & 2 ? -across : across;
}

int64_t normal_room(int64_t count)
{
    return (count + 2 * PAIRS - 1) / (2 * PAIRS) * (2 * PAIRS);
}

PIXEL_LOOP
static void pairs_fill(uint32_t key, uint32_t counter, float *out, int64_t count)
{
    for (int64_t first = 0; first < count; first += 2 * PAIRS)
        for (int64_t i = 0; i < PAIRS; i++) {
            uint32_t a = (uint32_t)(first / 2 + i), b = counter;
            philox2_mix(key, &a, &b, ELEMENT_ROUNDS);
            float cosine, sine, length = sqrtf(-2 * log_of_share((a >> 8) + 1));
            turn_of_share(b >> 8, &cosine, &sine);
            out[first + i] = length * cosine;
            out[first + PAIRS + i] = length * sine;
        }
}

void normal_fill(const Draw *draw, float *out, int64_t count)
{
    Random4 random = cnn_random4(draw->key, draw->block, draw->stream, 0, PURPOSE_AUGMENT);
    pairs_fill(random.word[0], random.word[1], out, count);
}
