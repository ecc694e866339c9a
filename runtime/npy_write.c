#include "runtime/npy_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The header has the same size whatever the number of rows, so that it can be written again at the end. */
enum { HEADER = 128 };

static CnnStatus write_header(NpyFile *out, CnnError *error)
{
    char header[HEADER + 1];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = HEADER - 10; /* length of the text, low byte first */
    header[9] = 0;
    int length = snprintf(header + 10, HEADER - 10,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRId64, out->rows);
    for (int i = 0; i < out->row.count; i++)
        length +=
            snprintf(header + 10 + length, (size_t)(HEADER - 10 - length), ", %" PRId64, out->row.value[i]);
    length += snprintf(header + 10 + length, (size_t)(HEADER - 10 - length), "), }");
    header[10 + length] = ' ';
    header[HEADER - 1] = '\n';
    return cnn_file_write(&out->file, header, HEADER, error);
}

CnnStatus cnn_npy_create(const char *path, Dims row, NpyFile *out, CnnError *error)
{
    *out = (NpyFile){.row = row};
    TRY(cnn_file_create(path, &out->file, error));
    CnnStatus status = write_header(out, error);
    if (status != CNN_OK)
        cnn_npy_abandon(out);
    return status;
}

CnnStatus cnn_npy_write(NpyFile *out, const float *rows, int64_t count, CnnError *error)
{
    int64_t numbers = count;
    for (int i = 0; i < out->row.count; i++)
        numbers *= out->row.value[i];
    out->rows += count;
    return cnn_file_write(&out->file, rows, (size_t)numbers * sizeof *rows, error);
}

CnnStatus cnn_npy_commit(NpyFile *out, CnnError *error)
{
    CnnStatus status = cnn_file_seek(&out->file, 0, error);
    if (status == CNN_OK)
        status = write_header(out, error);
    if (status == CNN_OK)
        return cnn_file_commit(&out->file, error);
    cnn_npy_abandon(out);
    return status;
}

void cnn_npy_abandon(NpyFile *out)
{
    cnn_file_abandon(&out->file);
}
