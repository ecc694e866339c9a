#include "runtime/key.h"

#include <string.h>

Key key_start(void)
{
    return (Key){0x6c62272e07bb0142u, 0x62b821756295c58du};
}

/* key * (2^88 + 0x13b) modulo 2^128 */
static Key times_prime(Key key)
{
    __extension__ typedef unsigned __int128 Wide;
    const uint64_t factor = 0x13b;
    Wide low = (Wide)key.low * factor;
    return (Key){.high = key.high * factor + (uint64_t)(low >> 64) + (key.low << 24), .low = (uint64_t)low};
}

Key key_add(Key key, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++) {
        key.low ^= at[i];
        key = times_prime(key);
    }
    return key;
}

Key key_add_number(Key key, int64_t value)
{
    return key_add(key, &value, sizeof value);
}

Key key_add_text(Key key, const char *text)
{
    return key_add(key, text, strlen(text) + 1);
}
