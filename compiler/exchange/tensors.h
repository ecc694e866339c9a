/* The weights of a network by their names, as a file has them, for what is exported. */
#ifndef TENSORS_H
#define TENSORS_H

#include "compiler/base/vec.h"
#include "compiler/check/program.h"
#include "runtime/weights.h"

/* All are f32. Their names and data live as long as the file they come from, or the arena. */
typedef struct {
    Arena *arena;
    VEC(NamedTensor) list; /* in the order in which the network has them */
} TensorSet;

/**
 * Takes the weights of the graph of the evaluation, running statistics among them, from a file: of a
 * checkpoint with `average` the averages. What the data section measured is set in the program's data, where
 * it has any.
 *
 * Errors  CNN_BAD_INPUT: the file belongs to another network, to other classes, or lacks something.
 */
CnnStatus tensors_read(const Program *program, const WeightFile *file, const char *path, TensorSet *out,
                       CnnError *error);

/** The tensor of this name, NULL when there is none. The pointer holds until one is added. */
NamedTensor *tensors_find(const TensorSet *set, const char *name);
/** Adds an f32 tensor of one dim behind that of number `after`; the name is not copied. Returns its values,
 * zeros. */
float *tensors_insert(TensorSet *set, size_t after, const char *name, int64_t count);
void tensors_remove(TensorSet *set, const char *name);

int64_t tensor_elements(const NamedTensor *tensor);

#endif
