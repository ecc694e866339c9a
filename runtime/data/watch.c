#include "runtime/data/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_SECONDS = 2 }; /* the longest step that a file system counts time in: that of FAT */

static WatchState state_of(const struct stat *info)
{
    return (WatchState){.inode = (int64_t)info->st_ino,
                        .size = (int64_t)info->st_size,
                        .seconds = info->st_mtim.tv_sec,
                        .nanoseconds = info->st_mtim.tv_nsec,
                        .state_seconds = info->st_ctim.tv_sec,
                        .state_nanoseconds = info->st_ctim.tv_nsec};
}

CnnStatus watch_add(Watch *watch, const char *path, const struct stat *info, CnnError *error)
{
    size_t number = watch->paths.count;
    if (number == 0)
        watch->started = (int64_t)time(NULL);
    if (number == watch->room) {
        size_t room = 2 * watch->room + 64;
        WatchState *larger = realloc(watch->state, room * sizeof *larger);
        if (!larger)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of folders");
        watch->state = larger;
        watch->room = room;
    }
    watch->state[number] = state_of(info);
    return listing_add(&watch->paths, "", path, error);
}

bool watch_settled(const Watch *watch)
{
    for (size_t i = 0; i < watch->paths.count; i++)
        if (watch->state[i].seconds >= watch->started - STEP_SECONDS)
            return false;
    return true;
}

bool watch_same(const char *path, const WatchState *state)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    WatchState now = state_of(&info);
    return memcmp(&now, state, sizeof now) == 0;
}

void watch_free(Watch *watch)
{
    listing_free(&watch->paths);
    free(watch->state);
    *watch = (Watch){0};
}
