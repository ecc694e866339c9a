/* What differs between two texts, line by line. */
#ifndef CNN_DIFFERENCE_H
#define CNN_DIFFERENCE_H

#include <stddef.h>

/** The lines of `before` that `after` has not, behind "\n  - ", and those that it has instead, behind "\n  +
 * ", in their order; as many as fit into `out`, which ends with "..." where some do not. */
void cnn_difference(const char *before, const char *after, char *out, size_t bytes);

#endif
