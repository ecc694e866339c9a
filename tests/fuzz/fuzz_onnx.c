/* Any bytes as a network in ONNX: it is read and written as a model file, or refused with a message. */
#include <stddef.h>
#include <stdint.h>

#include "compiler/exchange/onnx_import.h"
#include "tests/fuzz/fuzz_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CnnError error = {0};
    Arena *arena = arena_new();
    Diag *diag = diag_new(arena);
    Network network = {.arena = arena, .diag = diag, .name = "fuzz", .source = "fuzz.onnx", .train = ""};
    bool read = onnx_import(&network, "/nowhere/fuzz.onnx", bytes, size, &error);
    written_or_refused(&network, read, &error);
    arena_free(arena);
    return 0;
}
