/* Writing tables. */
#ifndef CNN_CSV_FIELD_H
#define CNN_CSV_FIELD_H

#include <stdio.h>

/** A field, in quotes where it needs them (RFC 4180). */
void csv_field(FILE *out, const char *text);

#endif
