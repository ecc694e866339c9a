/* An object file that holds data: what `cnnc build` embeds into a trainer. */
#ifndef DATA_OBJECT_H
#define DATA_OBJECT_H

#include "compiler/cpu/cpu.h"

/**
 * Defines, for runtime/trainer_main.c, `cnn_image_bytes` (a copy of bytes), `cnn_image_length` (uint64_t),
 * `cnn_image_code` (an array of pointers to the functions `symbols`) and `cnn_image_code_count` (int). false
 * with a sentence in *complaint.
 */
bool cpu_data_object(const CpuTarget *target, const void *bytes, size_t length, const char *const *symbols,
                     int count, Arena *arena, CpuObject *object, const char **complaint);

#endif
