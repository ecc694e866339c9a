/* Any bytes as a network in ONNX: it is read and written as a model file, or refused with a message. */
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/network_text.h"
#include "compiler/exchange/onnx_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CnnError error = {0};
    Arena *arena = arena_new();
    Diag *diag = diag_new(arena);
    Network network = {.arena = arena, .diag = diag, .name = "fuzz", .source = "fuzz.onnx", .train = ""};
    if (onnx_import(&network, "/nowhere/fuzz.onnx", bytes, size, &error))
        network_text(&network, &(TextOptions){.weights = "fuzz.safetensors", .text_name = "fuzz.cnn"});
    else if (diag_errors(diag) == 0 && *error.text == '\0')
        BUG("refused without an error");
    arena_free(arena);
    return 0;
}
