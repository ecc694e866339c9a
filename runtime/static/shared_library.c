/* Of a static program, in place of runtime/shared_library.c: a library that it loaded would bring a second C
 * library with it, which had to be just the one that it was linked with. */
#include "runtime/shared_library.h"

#include <stddef.h>

static const char refusal[] = "a static program loads no libraries; build it without --static";

void *cnn_shared_symbol(const char *library, const char *name, const char **complaint)
{
    (void)library, (void)name;
    *complaint = refusal;
    return NULL;
}

void *cnn_shared_open(const char *path, const char **complaint)
{
    (void)path;
    *complaint = refusal;
    return NULL;
}

void *cnn_shared_find(void *library, const char *name)
{
    (void)library, (void)name;
    return NULL;
}
