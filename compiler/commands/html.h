/* Parts of a page in HTML that is well-formed XML too. */
#ifndef HTML_H
#define HTML_H

#include <stdint.h>

#include "compiler/base/text.h"
#include "compiler/commands/sheet.h"

/** A text with what has a meaning in HTML escaped; bytes that are no characters become U+FFFD. */
void html_text(Text *out, const char *text);

/** An <img> with the picture in it; of a curve, an <svg>. `alternative`: the picture in words. */
void html_cell(Text *out, const SheetCell *cell, const char *alternative);

#endif
