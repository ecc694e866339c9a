/* Philox4x32-10 and what is built on it. Compiled code computes the same blocks (compiler/cpu/emit_random.c),
 * so the constants and the order of the words are a contract; tests/unit/test_rng.c holds the authors' known
 * answers. */
#include "runtime/rng.h"

enum { PHILOX_ROUNDS = 10, FEISTEL_ROUNDS = 8 };

Random4 cnn_random4(uint64_t seed, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53u * c0, product1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)product0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return (Random4){{c0, c1, c2, c3}};
}

uint32_t cnn_philox2(uint32_t key, uint32_t c0, uint32_t c1, int rounds)
{
    philox2_mix(key, &c0, &c1, rounds);
    return c0;
}

uint32_t cnn_random_element(uint64_t seed, uint32_t purpose, uint32_t epoch, uint32_t sample,
                            uint32_t element)
{
    Random4 block = cnn_random4(seed, sample, 0, epoch, purpose);
    return cnn_philox2(block.word[0], element, block.word[1], ELEMENT_ROUNDS);
}

uint64_t cnn_permute(uint64_t i, uint64_t count, uint64_t seed, uint32_t purpose, uint32_t epoch)
{
    int half = 1; /* bits of each half; the domain 2^(2 half) is less than 4 count, so few walks are needed */
    while (half < 32 && (UINT64_C(1) << (2 * half)) < count)
        half++;
    uint32_t mask = (uint32_t)((UINT64_C(1) << half) - 1);
    do {
        uint32_t left = (uint32_t)(i >> half), right = (uint32_t)i & mask;
        for (uint32_t round = 0; round < FEISTEL_ROUNDS; round++) {
            uint32_t next = left ^ (cnn_random4(seed, right, round, epoch, purpose).word[0] & mask);
            left = right;
            right = next;
        }
        i = ((uint64_t)left << half) | right;
    } while (i >= count);
    return i;
}

uint32_t cnn_hash_name(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}
