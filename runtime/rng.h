/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). A number is a pure function of its key and counter, so that order, augmentation, masks and
 * initial weights are the same on any number of threads, fused or not, resumed or not. */
#ifndef CNN_RNG_H
#define CNN_RNG_H

#include <stdint.h>

/* What a number is for: a word of the counter, so that uses never share numbers. Layers use
 * PURPOSE_LAYER plus the hash of their name. */
typedef enum {
    PURPOSE_INIT = 1,
    PURPOSE_SPLIT = 2,
    PURPOSE_SHUFFLE = 3,
    PURPOSE_AUGMENT = 4,
    PURPOSE_PIECE = 5,
    PURPOSE_BALANCE = 6,
    PURPOSE_MIX = 7,
    PURPOSE_SKETCH = 8,
    PURPOSE_SWEEP = 9,
    PURPOSE_LAYER = 0x40000000
} RandomPurpose;

typedef struct {
    uint32_t word[4];
} Random4;

/** The block of four words at this counter. */
Random4 cnn_random4(uint64_t seed, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3);

/**
 * One word for one element of one sample: what compiled code draws, millions a step, so it is cheaper than a
 * block: Philox2x32 with 7 rounds over the element, its key and second counter being the first two words of
 * the sample's block (seed; sample, 0, epoch, purpose). (7 rounds are what the paper's table 2 gives the
 * wider Philox to pass all of BigCrush.)
 */
uint32_t cnn_random_element(uint64_t seed, uint32_t purpose, uint32_t epoch, uint32_t sample,
                            uint32_t element);
/** Philox2x32 itself; word 0 of the block. */
uint32_t cnn_philox2(uint32_t key, uint32_t c0, uint32_t c1, int rounds);

enum { ELEMENT_ROUNDS = 7 };

/** Philox2x32 with both words, for loops over elements. */
static inline void philox2_mix(uint32_t key, uint32_t *c0, uint32_t *c1, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        uint64_t product = (uint64_t)0xD256D193u * *c0;
        *c0 = (uint32_t)(product >> 32) ^ key ^ *c1;
        *c1 = (uint32_t)product;
        key += 0x9E3779B9u;
    }
}

/** A word as a real in [0, 1) with 24 bits: (word >> 8) * 2^-24, exact in f32. */
static inline double cnn_uniform(uint32_t word)
{
    return (double)(word >> 8) * (1.0 / 16777216.0);
}

/** Position i (of count) of the pseudo-random permutation of 0 … count-1 given by the key: a uniform shuffle
 * without a table (cycle-walking Feistel network; Black and Rogaway, "Ciphers with arbitrary finite domains",
 * CT-RSA 2002). */
uint64_t cnn_permute(uint64_t i, uint64_t count, uint64_t seed, uint32_t purpose, uint32_t epoch);

/** 32-bit FNV-1a hash of a name. */
uint32_t cnn_hash_name(const char *name);

#endif
