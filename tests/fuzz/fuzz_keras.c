/* Any bytes as the architecture of a network of Keras: it is read and written as a model file, or refused
 * with a message. (Weights are read by libhdf5, which does not promise to survive any bytes.) */
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/bug.h"
#include "compiler/exchange/keras_import.h"
#include "compiler/exchange/network_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CnnError error = {0};
    Arena *arena = arena_new();
    Diag *diag = diag_new(arena);
    Network network = {.arena = arena, .diag = diag, .name = "fuzz", .source = "fuzz.json", .train = ""};
    if (keras_import_text(&network, "/nowhere/fuzz.json", (const char *)bytes, size, &error))
        network_text(&network, &(TextOptions){.text_name = "fuzz.cnn"});
    else if (diag_errors(diag) == 0 && *error.text == '\0')
        BUG("refused without an error");
    arena_free(arena);
    return 0;
}
