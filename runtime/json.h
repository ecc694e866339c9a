/* Writing JSON. */
#ifndef CNN_JSON_H
#define CNN_JSON_H

#include <stdio.h>

enum { JSON_ESCAPE = 8 };

/** What stands for a byte between the quotes of a text: itself, or what it must be escaped as. Returns `out`.
 */
const char *json_escape(char byte, char out[JSON_ESCAPE]);

/** A text in quotes. */
void json_string(FILE *out, const char *text);

#endif
