/* Of a static program, in place of runtime/shared_library.c: a library that it loaded would bring a second C
 * library with it, which had to be just the one that it was linked with. */
#include "runtime/shared_library.h"

#include <stddef.h>

void *cnn_shared_symbol(const char *library, const char *name, const char **complaint)
{
    (void)library, (void)name;
    *complaint = "a static program loads no libraries; build it without --static";
    return NULL;
}
