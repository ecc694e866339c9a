#include "compiler/base/utf8.h"

size_t utf8_decode(const char *bytes, size_t length, uint32_t *code)
{
    /* The least code of a form of that many bytes: a smaller one is overlong. */
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0)
        return 0;
    unsigned char first = (unsigned char)bytes[0];
    size_t count = first < 0x80   ? 1
                   : first < 0xC0 ? 0
                   : first < 0xE0 ? 2
                   : first < 0xF0 ? 3
                   : first < 0xF8 ? 4
                                  : 0;
    if (count == 0 || count > length)
        return 0;
    uint32_t value = count == 1 ? first : first & (0x7Fu >> count);
    for (size_t i = 1; i < count; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if ((byte & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (byte & 0x3F);
    }
    if (value < least[count] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return count;
}
