/* Weights written for other programs. Each file is written whole or not at all. */
#ifndef WEIGHT_FILES_H
#define WEIGHT_FILES_H

#include "compiler/exchange/tensors.h"

/** A .npz: a zip archive of one array each, NAME.npy, not compressed. Only where cnnc was built with
 * libarchive. */
CnnStatus npz_archive_write(const TensorSet *set, const char *path, CnnError *error);

/** A header in C: each tensor as an array of floats, with its dims in a comment. `model`: its name. */
CnnStatus c_header_write(const TensorSet *set, const char *model, const char *path, CnnError *error);

#endif
