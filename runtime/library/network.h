/* A network as a library: what `cnnc build --library` gives to programs in C, under names of the model's own
 * (compiler/link/header.c writes the header, and has these words from here).
 *
 * All state is in the CnnNetwork: several may be used at once, also of one library. Calls for the same one
 * wait for each other. Functions that return an int return a CnnStatus, 0 for done; cnn_network_error says
 * what was wrong. */
#ifndef CNN_NETWORK_H
#define CNN_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#define CNN_NETWORK_API __attribute__((visibility("default")))
enum { CNN_NETWORK_ABI = 1 }; /* changes with any of these functions */

typedef struct CnnNetwork CnnNetwork;

/** CNN_NETWORK_ABI of the library. */
CNN_NETWORK_API int cnn_network_abi(void);

/** Opens it with the weights of a file, NULL: with those inside, on `threads` threads (0: all cores; 1: the
 * caller's alone). NULL: `error`, of `bytes` bytes, says why. */
CNN_NETWORK_API CnnNetwork *cnn_network_open(const char *weights, int threads, char *error, size_t bytes);
CNN_NETWORK_API void cnn_network_close(CnnNetwork *network);
/** What the last call that failed said. */
CNN_NETWORK_API const char *cnn_network_error(const CnnNetwork *network);
/** The name of class `index`; NULL: there is none. */
CNN_NETWORK_API const char *cnn_network_class(const CnnNetwork *network, int64_t index);

/** Samples as the model's data give them, [count][height][width][channels], through all stages of its data
 * section. outputs: [count][outputs]. */
CNN_NETWORK_API int cnn_network_predict(CnnNetwork *network, const uint8_t *samples, int64_t height,
                                        int64_t width, int64_t count, float *outputs);
CNN_NETWORK_API int cnn_network_predict_floats(CnnNetwork *network, const float *samples, int64_t height,
                                               int64_t width, int64_t count, float *outputs);
/** The network alone: input as it is behind these stages, [count] of the network's input. */
CNN_NETWORK_API int cnn_network_forward(CnnNetwork *network, const float *input, int64_t count,
                                        float *outputs);

/** One update of the weights by `count` samples, at most the batch; input as for cnn_network_forward, labels:
 * of the type that the model's data have. *loss, where it is not NULL: the mean before the update. */
CNN_NETWORK_API int cnn_network_train(CnnNetwork *network, const float *input, const void *labels,
                                      int64_t count, float rate, float *loss);
/** Writes the weights as they are now. */
CNN_NETWORK_API int cnn_network_save(CnnNetwork *network, const char *path);

#endif
