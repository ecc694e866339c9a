/* An image as bytes: what `cnnc build` puts into an executable beside the code. */
#ifndef CNN_IMAGE_IO_H
#define CNN_IMAGE_IO_H

#include <stdio.h>

#include "runtime/image.h"
#include "runtime/status.h"

/** Writes a statement's own arguments, in the schema's order: the same bytes for the same values. */
CnnStatus cnn_args_write(FILE *out, const CnnStatement *statement, CnnError *error);

/** Writes all of an image but its code pointers. *bytes is freed by the caller. */
CnnStatus cnn_image_write(const CnnImage *image, void **bytes, size_t *length, CnnError *error);

/**
 * Reads an image written by the same version of the runtime, and joins it with its code.
 *
 * Errors  CNN_BAD_INPUT: the bytes are cut, changed, or of another version; the image does not hold together.
 * Owns    the result is freed by cnn_image_free; `code` must outlive it, `bytes` need not.
 */
CnnStatus cnn_image_read(const void *bytes, size_t length, CnnCode *const *code, int code_count,
                         CnnImage **out, CnnError *error);
void cnn_image_free(CnnImage *image);

#endif
