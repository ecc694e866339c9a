#include "runtime/cache_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static CnnStatus base_folder(char out[PATH_MAX], CnnError *error)
{
    const char *set = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = -1;
    if (set && set[0] == '/')
        length = snprintf(out, PATH_MAX, "%s", set);
    else if (home && home[0] == '/')
        length = snprintf(out, PATH_MAX, "%s/.cache", home);
    else
        return cnn_fail(error, CNN_NO_RESOURCE, "neither XDG_CACHE_HOME nor HOME is set");
    return length < PATH_MAX ? CNN_OK
                             : cnn_fail(error, CNN_NO_RESOURCE, "the path of the cache folder is too long");
}

CnnStatus cnn_cache_folder(char *out, CnnError *error)
{
    char base[PATH_MAX];
    struct stat status;
    TRY(base_folder(base, error));
    if (snprintf(out, PATH_MAX, "%s/cnnc", base) >= PATH_MAX)
        return cnn_fail(error, CNN_NO_RESOURCE, "the path of the cache folder is too long");
    if ((mkdir(base, 0700) != 0 && errno != EEXIST) || (mkdir(out, 0700) != 0 && errno != EEXIST))
        return cnn_fail(error, CNN_NO_RESOURCE, "%s cannot be made: %s", out, strerror(errno));
    if (lstat(out, &status) != 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "%s: %s", out, strerror(errno));
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077))
        return cnn_fail(error, CNN_NO_RESOURCE, "%s is not a folder that only you can use (mode 0700)", out);
    return CNN_OK;
}
