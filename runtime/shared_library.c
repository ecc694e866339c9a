#include "runtime/shared_library.h"

#include <dlfcn.h>
#include <stddef.h>

void *cnn_shared_open(const char *path, const char **complaint)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        *complaint = dlerror();
    return library;
}

void *cnn_shared_find(void *library, const char *name)
{
    return dlsym(library, name);
}

void *cnn_shared_symbol(const char *library, const char *name, const char **complaint)
{
    void *handle = cnn_shared_open(library, complaint);
    void *symbol = handle ? dlsym(handle, name) : NULL;
    if (handle && !symbol)
        *complaint = dlerror();
    return symbol;
}
