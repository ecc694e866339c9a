/* Any bytes as a zip archive: it is read or refused with a message. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/data/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[64];
    int file = memfd_create("zip", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    Zip zip;
    Bytes out = {0};
    CnnError error = {0};
    if (zip_open(path, &zip, &error) == CNN_OK) {
        for (size_t i = 0; i < zip.count; i++) {
            CnnError cause = {0};
            if (zip_load(&zip, &zip.members[i], &out, &cause) != CNN_OK && *cause.text == '\0')
                abort();
        }
        zip_close(&zip);
    } else if (*error.text == '\0') {
        abort();
    }
    bytes_free(&out);
    close(file);
    return 0;
}
