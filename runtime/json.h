/* Writing JSON. */
#ifndef CNN_JSON_H
#define CNN_JSON_H

#include <stdio.h>

/** A text in quotes, with what must not stand in them escaped. */
void json_string(FILE *out, const char *text);

#endif
