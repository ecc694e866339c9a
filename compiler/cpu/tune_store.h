/* What tuning has found, kept in a database (SQLite) in the cache folder: several trainings may read and
 * write it at a time. Nothing here is an error: without the database, nothing is remembered. */
#ifndef TUNE_STORE_H
#define TUNE_STORE_H

#include "compiler/cpu/cpu.h"
#include "compiler/cpu/key.h"

typedef struct TuneStore TuneStore;

/** NULL when there can be none. */
TuneStore *tune_store_open(const char *folder);
void tune_store_close(TuneStore *store);
/** Whether it knows any kernel. */
bool tune_store_any(TuneStore *store);
/** The fastest variant of the kernel with this key; false: not known. */
bool tune_store_get(TuneStore *store, Key key, CpuVariant *variant);
void tune_store_put(TuneStore *store, Key key, const CpuVariant *variant, double seconds);

#endif
