/* Finds the shared libraries of CUDA, which a program opens when it needs them: none is linked. */
#ifndef CNN_CUDA_LIBRARY_H
#define CNN_CUDA_LIBRARY_H

#include <stdbool.h>

#include "runtime/status.h"

/**
 * Opens the first of `names` (NULL ends them) that is there: in the folders of the environment's
 * CNNC_CUDA_LIB (separated by colons), then where the system looks, then in /usr/local/cuda/lib64. It stays
 * open for the rest of the process.
 *
 * Errors  CNN_NO_RESOURCE with the reason: of a file that is in one of the folders and cannot be loaded, else
 *         that there is none.
 */
CnnStatus cuda_library_open(const char *const *names, void **out, CnnError *error);

/** cnn_shared_find, as a function; *out must be a pointer to one. Errors: CNN_NO_RESOURCE, with the name. */
CnnStatus cuda_library_find(void *library, const char *symbol, void **out, CnnError *error);

#endif
