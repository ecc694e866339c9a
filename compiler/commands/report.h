/* Reports of measurements as JSON files: {"report": "bench", …}. Keys end in their unit where they have one.
 */
#ifndef REPORT_FILE_H
#define REPORT_FILE_H

#include "compiler/base/text.h"
#include "runtime/recipe.h"
#include "runtime/status.h"

/**
 * Before anything is measured: whether the report (`--json`), and the picture (`--plot`), can be written;
 * either may be NULL. Prints the reason if not. Errors: CNN_BAD_USAGE, CNN_NO_RESOURCE.
 */
CnnStatus report_check(const char *json, const char *plot, const CnnRecipe *recipe);

/** Writes a text to a file, whole or not at all. */
CnnStatus report_write(const char *path, const char *text, CnnError *error);

/** A string in quotes. */
void json_text(Text *out, const char *text);
/** A number; null where it is not finite. */
void json_number(Text *out, double value);
/** ", "key": value". */
void json_field(Text *out, const char *key, double value);
void json_text_field(Text *out, const char *key, const char *text);

#endif
