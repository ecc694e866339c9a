"""Counter-based random numbers, written from the paper: Philox4x32-10 (Salmon et al., SC 2011)."""

import numpy as np

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = 0x9E3779B9, 0xBB67AE85
LOW = np.uint64(0xFFFFFFFF)


def philox(key, counter):
    """The four words at a counter of four arrays of 32-bit numbers."""
    a, b, c, d = (np.asarray(word, np.uint64) for word in counter)
    low, high = key
    for _ in range(10):
        first, second = a * M0, c * M1
        a, b, c, d = ((second >> np.uint64(32)) ^ b ^ np.uint64(low), second & LOW,
                      (first >> np.uint64(32)) ^ d ^ np.uint64(high), first & LOW)
        low, high = (low + W0) & 0xFFFFFFFF, (high + W1) & 0xFFFFFFFF
    return a, b, c, d


def name_hash(name):
    """FNV-1a, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def layer_noise(seed, name, epoch, first_sample, count, elements):
    """Uniform numbers in [0, 1) for `count` samples of `elements` each: counter (element, sample, epoch, purpose)."""
    purpose = 0x40000000 + name_hash(name) & 0xFFFFFFFF
    sample, element = np.meshgrid(np.arange(first_sample, first_sample + count), np.arange(elements), indexing="ij")
    counter = (element, sample, np.full_like(element, epoch), np.full_like(element, purpose))
    word = philox((seed & 0xFFFFFFFF, seed >> 32), counter)[0]
    return (word >> np.uint64(8)).astype(float) / 2 ** 24
