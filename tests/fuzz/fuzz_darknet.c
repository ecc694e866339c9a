/* Any bytes as a darknet network: the text of a .cfg file, then, behind a zero byte, a .weights file. What is
 * read is written as a model file, which must be sound. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/exchange/darknet.h"
#include "tests/fuzz/fuzz_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CnnError error = {0};
    Arena *arena = arena_new();
    Diag *diag = diag_new(arena);
    Network network = {.arena = arena, .diag = diag, .name = "fuzz", .source = "fuzz.cfg", .train = ""};
    const uint8_t *zero = size ? memchr(bytes, 0, size) : NULL;
    size_t length = zero ? (size_t)(zero - bytes) : size;
    DarknetWeights weights = {.path = "fuzz.weights", .error = &error};
    if (zero) {
        weights.bytes = zero + 1;
        weights.size = size - length - 1;
    }
    Span source = diag_add_source(diag, "fuzz.cfg", (const char *)bytes, length);
    bool read = darknet_read(&network, source, zero ? &weights : NULL);
    written_or_refused(&network, read, &error);
    arena_free(arena);
    return 0;
}
