/* Class labels that a source gives as numbers. */
#ifndef CNN_LABELS_H
#define CNN_LABELS_H

#include "runtime/data/source.h"

enum { CLASSES_MOST = 1 << 20 };

/** Counts the classes, the largest label plus one. `path` is named in the error when there are fewer than
 * two. */
CnnStatus labels_classes(const int32_t *label, int64_t count, const char *path, int64_t *classes,
                         CnnError *error);

#endif
