#include "compiler/commands/wrap.h"

#include <string.h>

void wrap_text(int indent, int label_width, const char *label, const char *text, Text *out)
{
    const char *before = label;
    int width = WRAP_WIDTH - indent - label_width;
    while (*text || before) {
        int length = (int)strlen(text);
        if (length > width) {
            for (length = width; length > 1 && text[length] != ' ';)
                length--;
            if (length == 1)
                length = width; /* a word that is longer than the line */
        }
        text_printf(out, "%*s%-*s%.*s\n", indent, "", label_width, before ? before : "", length, text);
        text += length;
        text += strspn(text, " ");
        before = NULL;
    }
}
