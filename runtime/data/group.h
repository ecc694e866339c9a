/* Groups of samples that belong together, such as the pictures of one plant: they are told by a text for each
 * sample, and numbered. */
#ifndef CNN_GROUP_H
#define CNN_GROUP_H

#include <stdint.h>

#include "runtime/data/listing.h"

/** Numbers the different texts of `names` in byte order, from 0; group[i]: the number of text i; *groups: how
 * many there are. */
CnnStatus group_number(const Listing *names, int64_t *group, int64_t *groups, CnnError *error);

#endif
