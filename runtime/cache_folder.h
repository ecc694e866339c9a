/* Where cnnc and its trainers keep what can be made again. */
#ifndef CNN_CACHE_FOLDER_H
#define CNN_CACHE_FOLDER_H

#include "runtime/status.h"

/**
 * $XDG_CACHE_HOME/cnnc, else $HOME/.cache/cnnc, made if it is not there. `out` has PATH_MAX bytes.
 *
 * Errors  CNN_NO_RESOURCE: no such folder can be made, or others than its owner can use it.
 */
CnnStatus cnn_cache_folder(char *out, CnnError *error);

#endif
