/* First values of tensors. */
#ifndef CNN_INIT_H
#define CNN_INIT_H

#include "runtime/image.h"

/** Elements of a tensor. */
int64_t cnn_tensor_elements(const CnnTensor *tensor);
/** Bytes of a tensor. */
uint64_t cnn_tensor_bytes(const CnnTensor *tensor);

/**
 * Fills the elements [begin, end) of `out`, where all of the tensor lies, as tensor->init says. Random
 * elements are functions of seed, init_key and their index alone. INIT_UNIFORM: [-init_a, init_a).
 * INIT_NORMAL: deviation init_a, by Box and Muller's transform (Annals of Mathematical Statistics 29, 1958).
 * INIT_TRUNCATED_NORMAL: the same, drawn again while beyond 2 init_a, as Keras' TruncatedNormal.
 */
void cnn_init_tensor(const CnnTensor *tensor, uint64_t seed, void *out, int64_t begin, int64_t end);

/**
 * Fills `state`, all of the image's state, which is zeroed: the share of one of `threads` workers, all of
 * which may work at a time. All shares together are what cnn_init_tensor makes of each tensor.
 */
void cnn_init_share(const CnnImage *image, uint64_t seed, char *state, int worker, int threads);

#endif
