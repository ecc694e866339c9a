#include "runtime/built.h"

#include <stdio.h>
#include <string.h>

#include "runtime/cpu_features.h"

/* "for x86-64-v3 it lacks avx2, fma; " */
static void add_reason(char *reasons, size_t size, const CnnVersion *version, const char *missing)
{
    size_t used = strlen(reasons);
    snprintf(reasons + used, size - used, "%sfor %s it lacks %s", used ? "; " : "", version->name, missing);
}

CnnStatus cnn_built_choose(const CnnBuilt *built, const CnnVersion **out, CnnError *error)
{
    char missing[CPU_MISSING_MOST], reasons[sizeof error->text - 100] = "";
    for (uint64_t i = 0; i < built->version_count; i++) {
        *out = &built->versions[i];
        cnn_cpu_missing((*out)->needs, missing, sizeof missing);
        if (!*missing)
            return CNN_OK;
        add_reason(reasons, sizeof reasons, *out, missing);
    }
    return cnn_fail(error, CNN_NO_RESOURCE,
                    "this was built for other CPUs than this one: %s. Build it with --march native here, or "
                    "for a plainer one",
                    reasons);
}
