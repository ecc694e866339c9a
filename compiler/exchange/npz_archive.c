/* A .npz: arrays of NumPy in a zip archive. */
#include "compiler/exchange/weight_files.h"
#include "compiler/exchange/zip_archive.h"
#include "runtime/npy_write.h"

CnnStatus npz_archive_write(const TensorSet *set, const char *path, CnnError *error)
{
    ZipEntry *entries = NEW_ARRAY(set->arena, ZipEntry, set->list.count + 1);
    for (size_t i = 0; i < set->list.count; i++) {
        const NamedTensor *tensor = &set->list.items[i];
        char *header = arena_alloc(set->arena, NPY_HEADER_BYTES);
        cnn_npy_header(tensor->rank, tensor->dim, header);
        entries[i] = (ZipEntry){.name = arena_printf(set->arena, "%s.npy", tensor->name),
                                .header = header,
                                .header_size = NPY_HEADER_BYTES,
                                .bytes = tensor->data,
                                .size = (size_t)tensor_elements(tensor) * sizeof(float)};
    }
    return zip_archive_write(path, entries, (int)set->list.count, error);
}
