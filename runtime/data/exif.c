/* The orientation of a picture in its EXIF block (JEITA CP-3451, section 4.6): a TIFF header and one list of
 * 12-byte entries. A block that breaks the rules says nothing: the picture is then taken as it is stored. */
#include "runtime/data/decode.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

/* An unsigned number of `count` bytes. */
static uint32_t exif_number(const unsigned char *at, int count, bool little)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | at[little ? count - 1 - i : i];
    return value;
}

int exif_orientation(const unsigned char *tiff, size_t size)
{
    if (size < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M'))
        return 1;
    bool little = tiff[0] == 'I';
    uint32_t list = exif_number(tiff + 4, 4, little);
    if (exif_number(tiff + 2, 2, little) != 42 || list > size - 2)
        return 1;
    uint32_t entries = exif_number(tiff + list, 2, little);
    for (uint32_t i = 0; i < entries; i++) {
        size_t at = (size_t)list + 2 + (size_t)i * ENTRY_BYTES;
        if (at + ENTRY_BYTES > size)
            return 1;
        const unsigned char *entry = tiff + at;
        if (exif_number(entry, 2, little) != TAG_ORIENTATION)
            continue;
        uint32_t value = exif_number(entry + 8, 2, little);
        bool valid =
            exif_number(entry + 2, 2, little) == TYPE_SHORT && exif_number(entry + 4, 4, little) == 1;
        return valid && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
