#include "runtime/key.h"

#include <string.h>

Key key_start(void)
{
    return (Key){0x6c62272e07bb0142u, 0x62b821756295c58du};
}

/* key * (2^88 + 0x13b) modulo 2^128 */
static Key times_prime(Key key)
{
    const uint64_t factor = 0x13b;
    uint64_t low_low = (key.low & UINT32_MAX) * factor, low_high = (key.low >> 32) * factor;
    uint64_t middle = low_high + (low_low >> 32);
    Key product = {.low = middle << 32 | (low_low & UINT32_MAX)};
    product.high = key.high * factor + (middle >> 32) + (key.low << 24);
    return product;
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
