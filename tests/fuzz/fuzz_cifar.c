/* Any bytes as the files of CIFAR: samples and labels are read, or the set is refused with a message. The
 * first byte says which set it is, which labels are wanted and whether a file is missing; then come the names
 * of the classes up to a zero; the rest is each of the .bin files. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/decode.h"
#include "tests/fuzz/fuzz_extent.h"

extern const SourceKind source_cifar;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct {
    Tree tree;
    unsigned flags;
    const uint8_t *names, *records;
    size_t names_size, records_size;
} FuzzTree;

enum { HUNDRED = 1, COARSE = 2, MISSING = 4 };

static CnnStatus fuzz_resolve(const Tree *tree, const char *base, const char *path, char *out,
                              CnnError *error)
{
    (void)tree;
    return path_join(base, path, out, error);
}

static CnnStatus fuzz_list(const Tree *tree, Listing *listing, const char *path, EntryKind kind,
                           CnnError *error)
{
    static const char *const files[2][8] = {
        {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
         "batches.meta.txt", "test_batch.bin"},
        {"train.bin", "fine_label_names.txt", "coarse_label_names.txt", "test.bin"}};
    unsigned flags = ((const FuzzTree *)tree)->flags;
    (void)path;
    (void)kind;
    const char *const *file = files[flags & HUNDRED];
    for (; *file && (file[1] || !(flags & MISSING)); file++)
        TRY(listing_add(listing, "", *file, error));
    return CNN_OK;
}

static CnnStatus fuzz_load(const Tree *tree, const char *path, Bytes *out, CnnError *error)
{
    const FuzzTree *fuzz = (const FuzzTree *)tree;
    (void)path;
    TRY(bytes_reserve(out, fuzz->names_size, error));
    if (out->size > 0)
        memcpy(out->data, fuzz->names, out->size);
    return CNN_OK;
}

static CnnStatus fuzz_open(const Tree *tree, const char *path, Extent *out, CnnError *error)
{
    const FuzzTree *fuzz = (const FuzzTree *)tree;
    (void)error;
    *out = fuzz_extent(path, fuzz->records, fuzz->records_size);
    return CNN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* The args of `cifar`, at the offsets that its table of fields tells. */
    const Field *fields = source_cifar.schema->fields;
    union {
        char bytes[64];
        void *aligned;
    } args = {.bytes = {0}};
    const char *folder = "f";
    FuzzTree fuzz = {
        .tree = {.resolve = fuzz_resolve, .list = fuzz_list, .load = fuzz_load, .open = fuzz_open}};
    Source *source;
    CnnError error = {0};
    if (size < 1)
        return 0;
    fuzz.flags = *bytes++;
    fuzz.names = bytes;
    fuzz.names_size = strnlen((const char *)bytes, size - 1);
    fuzz.records = bytes + fuzz.names_size;
    fuzz.records_size = size - 1 - fuzz.names_size;
    if (fuzz.records_size > 0) { /* the zero */
        fuzz.records++;
        fuzz.records_size--;
    }
    int labels = (fuzz.flags & COARSE) != 0;
    memcpy(args.bytes + fields[0].offset, &folder, sizeof folder);
    memcpy(args.bytes + fields[1].offset, &labels, sizeof labels);
    if (source_cifar.open_in(&args, &fuzz.tree, "", &source, &error) != CNN_OK) {
        if (*error.text == '\0')
            abort();
        return 0;
    }
    Picture picture = {0};
    for (int64_t i = 0; i < source->info.count + source->info.test_count; i++) {
        char name[NAME_BYTES];
        double label = source->label(source, i);
        source->name(source, i, name, sizeof name);
        if (label < 0 || label >= (double)source->info.classes || !source->info.class_names[(int64_t)label] ||
            source->read(source, i, 0, 0, &picture, &error) != CNN_OK)
            abort();
    }
    picture_free(&picture);
    source->close(source);
    return 0;
}
