/* Any bytes as a zip archive: it is read or refused with a message. */
#include <stdint.h>
#include <stdlib.h>

#include "runtime/data/zip.h"
#include "tests/fuzz/fuzz_extent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A member is either read whole or, opened, to its last byte; both must tell of the same bytes. */
static void read_member(const Zip *zip, const ZipMember *member, Bytes *out)
{
    CnnError cause = {0}, other = {0};
    Extent extent;
    char last = 0;
    CnnStatus status = zip_load(zip, member, out, &cause);
    if (status != CNN_OK && *cause.text == '\0')
        abort();
    if (zip_open_member(zip, member, &extent, &other) != CNN_OK) {
        if (status == CNN_OK || *other.text == '\0')
            abort();
        return;
    }
    if (extent.size > 0 && extent_read(&extent, &last, 1, extent.size - 1, &other) != CNN_OK)
        abort();
    if (status == CNN_OK &&
        (extent.size != out->size || (out->size > 0 && last != (char)out->data[out->size - 1])))
        abort();
    extent_close(&extent);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    Zip zip;
    Bytes out = {0};
    Extent file = fuzz_extent("fuzz.zip", bytes, size);
    CnnError error = {0};
    if (zip_open_extent(&file, &zip, &error) == CNN_OK) {
        for (size_t i = 0; i < zip.count; i++)
            read_member(&zip, &zip.members[i], &out);
        zip_close(&zip);
    } else if (*error.text == '\0') {
        abort();
    }
    bytes_free(&out);
    return 0;
}
