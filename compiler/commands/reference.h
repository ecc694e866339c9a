/* docs/reference.md, printed from the tables of commands and of statements. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "compiler/commands/catalog.h"

void reference_markdown(const Catalog *catalog, Text *out);

#endif
