/* The part of a run's page that tells of the classes. */
#ifndef RUN_PAGE_CLASSES_H
#define RUN_PAGE_CLASSES_H

#include "compiler/base/text.h"
#include "compiler/commands/json_object.h"

/** A table of the classes and, of not too many, which was taken for which, from the lines of classes.jsonl.
 * Nothing where there are none. */
void run_page_classes(Arena *arena, const JsonObjects *lines, Text *out);

#endif
