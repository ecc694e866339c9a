/* Numbering texts: sorted once, equal ones have one number. */
#include "runtime/data/group.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    size_t index;
} Named;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const Named *)a)->name, ((const Named *)b)->name);
}

CnnStatus group_number(const Listing *names, int64_t *group, int64_t *groups, CnnError *error)
{
    Named *sorted = malloc((names->count + 1) * sizeof *sorted);
    if (!sorted)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the groups of %zu samples",
                        names->count);
    for (size_t i = 0; i < names->count; i++)
        sorted[i] = (Named){listing_name(names, i), i};
    qsort(sorted, names->count, sizeof *sorted, compare_names);
    *groups = 0;
    for (size_t i = 0; i < names->count; i++) {
        *groups += i == 0 || strcmp(sorted[i].name, sorted[i - 1].name) != 0;
        group[sorted[i].index] = *groups - 1;
    }
    free(sorted);
    return CNN_OK;
}
