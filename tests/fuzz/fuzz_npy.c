/* Any bytes as an array of numpy: every element of it is read, or it is refused with a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/npy.h"
#include "tests/fuzz/fuzz_extent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    Npy npy;
    Extent file = fuzz_extent("fuzz.npy", bytes, size);
    CnnError error = {0};
    if (npy_open(&file, &npy, &error) != CNN_OK) {
        if (*error.text == '\0')
            abort();
        return 0;
    }
    /* The file has the size that its header tells, so this is no more than its bytes. */
    unsigned char *raw = malloc((size_t)npy.count * npy.element_bytes);
    double *value = malloc((size_t)npy.count * sizeof *value);
    char *text = malloc(npy.element_bytes + 1);
    if (!raw || !value || !text || npy_read(&npy, 0, npy.count, raw, &error) != CNN_OK)
        abort();
    npy_to_double(npy.type, raw, npy.count, value);
    for (uint64_t i = 0; i < npy.count && npy_is_text(npy.type); i++)
        if (npy_to_text(&npy, raw + i * npy.element_bytes, text) && strlen(text) > npy.element_bytes)
            abort();
    free(raw);
    free(value);
    free(text);
    npy_close(&npy);
    return 0;
}
