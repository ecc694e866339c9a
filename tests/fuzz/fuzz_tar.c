/* Any bytes as a tar archive: it is read or refused with a message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The sums of all headers made good: without that, hardly anything but sums would be tried. */
static void mend(unsigned char *bytes, size_t size)
{
    for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
        unsigned sum = 0;
        unsigned char *field = bytes + at + 148;
        if (memcmp(bytes + at + 257, "ustar", 5) != 0)
            continue;
        memset(field, ' ', 8);
        for (size_t i = 0; i < TAR_BLOCK; i++)
            sum += bytes[at + i];
        for (int i = 5; i >= 0; i--, sum >>= 3)
            field[i] = (unsigned char)('0' + (sum & 7));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    Bytes copy = {0}, out = {0};
    Extent file;
    Tar tar;
    CnnError error = {0};
    if (bytes_reserve(&copy, size, &error) != CNN_OK)
        abort();
    if (size > 0)
        memcpy(copy.data, bytes, size);
    mend(copy.data, size);
    if (extent_hold("tar", &copy, &file, &error) != CNN_OK)
        abort();
    if (tar_open(&file, "tar", &tar, &error) == CNN_OK) {
        for (size_t i = 0; i < tar.count; i++) {
            CnnError cause = {0};
            if (tar_load(&tar, &tar.members[i], &out, &cause) != CNN_OK && *cause.text == '\0')
                abort();
        }
        tar_close(&tar);
    } else if (*error.text == '\0') {
        abort();
    }
    bytes_free(&out);
    return 0;
}
