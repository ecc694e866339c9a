#include "compiler/cpu/tune_store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_MOST = 4096, BUSY_MILLISECONDS = 2000 };

struct TuneStore {
    sqlite3 *database;
    sqlite3_stmt *get, *put;
};

static const char CREATE[] =
    "CREATE TABLE IF NOT EXISTS tuned_2 (high INTEGER, low INTEGER, vector_axis INTEGER, "
    "tile INTEGER, unroll INTEGER, loops INTEGER, blocks INTEGER, seconds REAL, "
    "PRIMARY KEY (high, low))";
static const char GET[] =
    "SELECT vector_axis, tile, unroll, loops, blocks FROM tuned_2 WHERE high = ? AND low = ?";
static const char PUT[] = "INSERT OR REPLACE INTO tuned_2 VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

TuneStore *tune_store_open(const char *folder)
{
    char path[PATH_MOST];
    if (!folder || snprintf(path, sizeof path, "%s/tuned.sqlite", folder) >= (int)sizeof path)
        return NULL;
    TuneStore *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    bool good = sqlite3_open(path, &store->database) == SQLITE_OK &&
                sqlite3_busy_timeout(store->database, BUSY_MILLISECONDS) == SQLITE_OK &&
                sqlite3_exec(store->database, CREATE, NULL, NULL, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(store->database, GET, -1, &store->get, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(store->database, PUT, -1, &store->put, NULL) == SQLITE_OK;
    if (good)
        return store;
    tune_store_close(store);
    return NULL;
}

void tune_store_close(TuneStore *store)
{
    if (!store)
        return;
    sqlite3_finalize(store->get);
    sqlite3_finalize(store->put);
    sqlite3_close(store->database);
    free(store);
}

bool tune_store_any(TuneStore *store)
{
    sqlite3_stmt *any;
    if (!store ||
        sqlite3_prepare_v2(store->database, "SELECT 1 FROM tuned_2 LIMIT 1", -1, &any, NULL) != SQLITE_OK)
        return false;
    bool found = sqlite3_step(any) == SQLITE_ROW;
    sqlite3_finalize(any);
    return found;
}

static void bind_key(sqlite3_stmt *statement, Key key)
{
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)key.high);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)key.low);
}

bool tune_store_get(TuneStore *store, Key key, CpuVariant *variant)
{
    if (!store)
        return false;
    bind_key(store->get, key);
    bool found = sqlite3_step(store->get) == SQLITE_ROW;
    if (found)
        *variant = (CpuVariant){.vector_axis = sqlite3_column_int(store->get, 0),
                                .tile = sqlite3_column_int(store->get, 1),
                                .unroll = sqlite3_column_int(store->get, 2),
                                .order = sqlite3_column_int(store->get, 3),
                                .block = sqlite3_column_int(store->get, 4)};
    sqlite3_reset(store->get);
    return found;
}

void tune_store_put(TuneStore *store, Key key, const CpuVariant *variant, double seconds)
{
    if (!store)
        return;
    bind_key(store->put, key);
    sqlite3_bind_int(store->put, 3, variant->vector_axis);
    sqlite3_bind_int(store->put, 4, variant->tile);
    sqlite3_bind_int(store->put, 5, variant->unroll);
    sqlite3_bind_int(store->put, 6, variant->order);
    sqlite3_bind_int(store->put, 7, variant->block);
    sqlite3_bind_double(store->put, 8, seconds);
    sqlite3_step(store->put);
    sqlite3_reset(store->put);
}
