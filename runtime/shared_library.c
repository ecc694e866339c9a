#include "runtime/shared_library.h"

#include <dlfcn.h>
#include <stddef.h>

void *cnn_shared_symbol(const char *library, const char *name, const char **complaint)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle ? dlsym(handle, name) : NULL;
    if (!symbol)
        *complaint = dlerror();
    return symbol;
}
