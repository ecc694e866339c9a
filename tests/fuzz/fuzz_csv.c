/* Any bytes as a table: read to its end or refused with a reason; every field lies within the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Csv csv;
    CnnError error = {0};
    bool found = true;
    CnnStatus status = csv_open(&csv, "fuzz.csv", bytes, size, &error);
    while (status == CNN_OK && found) {
        for (int i = 0; i < csv.columns; i++) {
            const unsigned char *field = (const unsigned char *)csv.field[i];
            if (field < csv.text.data || field + strlen(csv.field[i]) > csv.text.data + size)
                abort();
        }
        status = csv_next(&csv, &found, &error);
    }
    if (status != CNN_OK && *error.text == '\0')
        abort();
    csv_close(&csv);
    return 0;
}
