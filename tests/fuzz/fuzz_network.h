/* What the targets of network formats share: a network that was read is written as a model file, which must
 * be sound; one that was refused has an error. */
#ifndef FUZZ_NETWORK_H
#define FUZZ_NETWORK_H

#include "compiler/base/bug.h"
#include "compiler/exchange/network_text.h"

static inline void written_or_refused(Network *network, bool read, const CnnError *error)
{
    if (read)
        network_text(network, &(TextOptions){.weights = "fuzz.safetensors", .text_name = "fuzz.cnn"});
    else if (diag_errors(network->diag) == 0 && *error->text == '\0')
        BUG("refused without an error");
}

#endif
