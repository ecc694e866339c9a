/* Names for things by what determines them. */
#ifndef CNN_KEY_H
#define CNN_KEY_H

#include <stddef.h>
#include <stdint.h>

/* 128 bits of FNV-1a (Fowler, Noll, Vo; the constants of IETF draft-eastlake-fnv). Not against forgers: the
 * cache's folder is. */
typedef struct {
    uint64_t high, low;
} Key;

Key key_start(void);
Key key_add(Key key, const void *bytes, size_t count);
Key key_add_number(Key key, int64_t value);
/** With its end, so that "ab", "c" is not "a", "bc". */
Key key_add_text(Key key, const char *text);

#endif
