/* A network written in the language, and its weights under the names that the checker then gives them. */
#ifndef NETWORK_TEXT_H
#define NETWORK_TEXT_H

#include "compiler/exchange/network.h"
#include "runtime/status.h"

typedef struct {
    const char *data; /* folder of pictures for the data section; NULL: a comment says where to write it */
    const char
        *weights; /* that the training starts from, as the comment at the top tells; NULL: there are none */
    const char *text_name; /* of the model file, for the same comment */
    int64_t classes;
} TextOptions;

/** The model file, as `cnnc fmt` leaves it. Gives the layers their names. */
const char *network_text(Network *network, const TextOptions *options);

/**
 * Writes the weights of all layers to a file for the model that network_text has written; `class_names` has
 * one for each output, each followed by a line's end. The text is checked for it, so a mistake in it is told
 * in the network's diag.
 */
CnnStatus network_save(const Network *network, const char *text, const char *text_name,
                       const char *class_names, const char *path, CnnError *error);

#endif
