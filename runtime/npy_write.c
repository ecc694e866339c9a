#include "runtime/npy_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The same size whatever the dims, so that a file's can be written again when its rows are known. A lone dim
 * has a comma behind it, as tuples of Python do. */
void cnn_npy_header(int rank, const int64_t *dim, char out[NPY_HEADER_BYTES])
{
    char header[NPY_HEADER_BYTES + 1];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = NPY_HEADER_BYTES - 10; /* length of the text, low byte first */
    header[9] = 0;
    size_t used = 10;
    used += (size_t)snprintf(header + used, sizeof header - used,
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < rank; i++)
        used += (size_t)snprintf(header + used, sizeof header - used, "%s%" PRId64, i ? ", " : "", dim[i]);
    used += (size_t)snprintf(header + used, sizeof header - used, "%s), }", rank == 1 ? "," : "");
    header[used] = ' ';
    header[NPY_HEADER_BYTES - 1] = '\n';
    memcpy(out, header, NPY_HEADER_BYTES);
}

static CnnStatus write_header(NpyFile *out, CnnError *error)
{
    char header[NPY_HEADER_BYTES];
    int64_t dim[1 + DIMS_MAX] = {out->rows};
    memcpy(dim + 1, out->row.value, (size_t)out->row.count * sizeof *dim);
    cnn_npy_header(1 + out->row.count, dim, header);
    return cnn_file_write(&out->file, header, sizeof header, error);
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
