/* Networks of Keras: version 3's .keras, older .h5, and the JSON of an architecture. */
#ifndef KERAS_IMPORT_H
#define KERAS_IMPORT_H

#include "compiler/exchange/network.h"

/**
 * Reads a network. `path`: a .keras or .h5 file with all of it, or a .json file with the architecture, whose
 * weights are in `weights`, a .h5 file; NULL: there are none. False after an error, in the diag or in *error.
 * Only where cnnc was built with libhdf5 and cJSON.
 */
bool keras_import(Network *network, const char *path, const char *weights, CnnError *error);
/** The same of the text of a .json file without weights. `path`: for messages. */
bool keras_import_text(Network *network, const char *path, const char *text, size_t length, CnnError *error);

#endif
