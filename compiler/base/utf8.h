/* UTF-8, as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/** The bytes (1 to 4) of the character at the front of `bytes`, 0 if they are no valid character; `*code`
 * becomes its number. */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *code);

#endif
