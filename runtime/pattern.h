/* Patterns that choose tensors by their names or those of their layers: "conv*, dense1". */
#ifndef CNN_PATTERN_H
#define CNN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum { PATTERN_BYTES = 256 };

/** The next of the patterns in a text, which commas and blanks separate; false: there is none. A longer one
 * is cut. */
bool cnn_pattern_next(const char **text, char out[PATTERN_BYTES]);

/**
 * Whether a pattern (`*`, `?`, `[a-z]` as in a shell) is the name of a tensor, of its layer, or of what its
 * layer is in: "basic3", "basic3.conv1" and "*.kernel" all match "basic3.conv1.kernel".
 */
bool cnn_pattern_matches(const char *pattern, const char *name);

/** Whether any of the patterns of a text does; NULL has none. */
bool cnn_patterns_match(const char *text, const char *name);

#endif
