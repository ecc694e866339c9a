"""Counter-based random numbers, written from the paper: Philox4x32-10 and Philox2x32-7 (Salmon et al., SC 2011)."""

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


def philox2(key, a, b):
    """Word 0 of Philox2x32-7."""
    key = np.asarray(key, np.uint64)
    for _ in range(7):
        product = a * np.uint64(0xD256D193)
        a, b = (product >> np.uint64(32)) ^ key ^ b, product & LOW
        key = (key + np.uint64(W0)) & LOW
    return a


def name_hash(name):
    """FNV-1a, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def layer_noise(seed, name, epoch, first_sample, count, elements):
    """Uniform numbers in [0, 1) for `count` samples of `elements` each: Philox2x32-7 of the element, keyed by the sample's
    block of Philox4x32-10, whose counter is (sample, 0, epoch, purpose)."""
    purpose = 0x40000000 + name_hash(name) & 0xFFFFFFFF
    sample, element = np.meshgrid(np.arange(first_sample, first_sample + count), np.arange(elements), indexing="ij")
    counter = (sample, np.zeros_like(sample), np.full_like(sample, epoch), np.full_like(sample, purpose))
    block = philox((seed & 0xFFFFFFFF, seed >> 32), counter)
    word = philox2(block[0], element.astype(np.uint64), block[1])
    return (word >> np.uint64(8)).astype(float) / 2 ** 24
