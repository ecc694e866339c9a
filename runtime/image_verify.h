/* Checks that an image holds together: what compiled code and the device rely on without looking again. */
#ifndef CNN_IMAGE_VERIFY_H
#define CNN_IMAGE_VERIFY_H

#include "runtime/image.h"
#include "runtime/status.h"

/** CNN_BAD_INPUT with what is wrong: an index out of its table, a place outside its segment, a size that
 * overflows. Code pointers are looked at only where image->code is set. */
CnnStatus cnn_image_verify(const CnnImage *image, CnnError *error);

#endif
