/* The index of the runs in runs/, kept in runs/registry.sqlite: made from the folders, and made anew for
 * those that have changed. It can be deleted at any time. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "compiler/base/text.h"
#include "compiler/commands/run_record.h"

typedef VEC(RunRecord) RunList;

/**
 * All runs, those that began first first. `notes`: gets a line for each folder that cannot be read or is
 * damaged, and where the index cannot be kept. No folder runs/ means no runs. Errors: CNN_NO_RESOURCE.
 */
CnnStatus registry_read(JsonReader *reader, Arena *arena, RunList *runs, Text *notes, CnnError *error);

#endif
