/* Any bytes as an IDX file, plain or gzip: its elements are loaded, or it is refused with a message. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/data/idx_array.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    IdxArray array = {0};
    CnnError error = {0};
    int file = memfd_create("idx", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        abort();
    snprintf(array.path, sizeof array.path, "/proc/self/fd/%d", file);
    CnnStatus status = idx_array_open(&file_tree, &array, 1, 4, &error);
    if (status == CNN_OK)
        status = idx_array_load(&array, &error);
    if (status == CNN_OK ? !array.data || array.bytes == 0 : *error.text == '\0')
        abort();
    idx_array_free(&array);
    close(file);
    return 0;
}
