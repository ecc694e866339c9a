/* An object file that holds data: what `cnnc build` embeds into a trainer. */
#ifndef DATA_OBJECT_H
#define DATA_OBJECT_H

#include "compiler/cpu/cpu.h"

/* The members are those of CnnVersion and CnnBuilt (runtime/built.h), where there are no others. */
typedef struct {
    const char *name, *needs;
    const void *image;
    size_t image_bytes;
    const char *const *symbols; /* of its functions */
    int functions;
} DataVersion;
typedef struct {
    const DataVersion *versions;
    int version_count;
    const void *weights; /* NULL: none */
    size_t weights_bytes;
    const char *weights_name, *made;
} DataContents;

/**
 * Defines `cnn_built`, with copies of all contents and pointers to the functions, for `target`, whose
 * instructions it does not use. false with a sentence in *complaint.
 */
bool cpu_data_object(const CpuTarget *target, const DataContents *contents, Arena *arena, CpuObject *object,
                     const char **complaint);

#endif
