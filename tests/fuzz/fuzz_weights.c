/* Any bytes as a weight file: read or refused, never a crash or a read beyond the file. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int descriptor = memfd_create("weights", MFD_CLOEXEC);
    if (descriptor < 0 || write(descriptor, bytes, size) != (ssize_t)size)
        abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    WeightFile *file;
    CnnError error = {0};
    volatile unsigned char sum = 0;
    if (cnn_weights_open(path, &file, &error) == CNN_OK) {
        for (int i = 0; i < cnn_weights_count(file); i++) {
            const NamedTensor *tensor = cnn_weights_tensor(file, i);
            uint64_t length = dtype_bytes(tensor->dtype);
            for (int d = 0; d < tensor->rank; d++)
                length *= (uint64_t)tensor->dim[d];
            for (uint64_t k = 0; k < length; k++) /* every byte that is promised must be there */
                sum += ((const unsigned char *)tensor->data)[k];
        }
        cnn_weights_close(file);
    } else if (*error.text == '\0') {
        abort();
    }
    close(descriptor);
    return 0;
}
