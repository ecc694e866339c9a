/* Paragraphs beside a label, as the tables of commands have them. */
#ifndef WRAP_H
#define WRAP_H

#include "compiler/base/text.h"

enum { WRAP_WIDTH = 100 };

/** Lines of at most WRAP_WIDTH characters: `indent` blanks, the label (in the first line) in `label_width`
 * characters, and the text, which goes on below itself where it is too long. Without a text: the label. */
void wrap_text(int indent, int label_width, const char *label, const char *text, Text *out);

#endif
