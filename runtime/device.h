/* Executes a program of an image on the CPU: owns the slabs and the workers. */
#ifndef CNN_DEVICE_H
#define CNN_DEVICE_H

#include "runtime/image.h"
#include "runtime/status.h"

typedef struct CnnDevice CnnDevice;

/**
 * Takes all the memory that the image's programs will use, and starts `threads` workers (the caller is one of
 * them; 0: as many as there are cores). State is filled from the tensors' initialisers and `seed`.
 *
 * Errors  CNN_NO_RESOURCE with the number of bytes when memory is short.
 * Owns    the result is freed by cnn_device_close; the image must outlive it.
 */
CnnStatus cnn_device_open(const CnnImage *image, int threads, uint64_t seed, CnnDevice **out,
                          CnnError *error);
/** The same, where the caller is none of the workers: its stack may be too small for the kernels. */
CnnStatus cnn_device_open_apart(const CnnImage *image, int threads, uint64_t seed, CnnDevice **out,
                                CnnError *error);
void cnn_device_close(CnnDevice *device);

/**
 * Runs one step of `program` (image->train or image->eval). `input` is [samples, height, width, channels] of
 * image->input_dtype, `label` [samples, image->label_width] of image->label_dtype. Allocates nothing.
 *
 * Where the loss is not finite, no parameter and no optimizer's state is changed (running statistics are,
 * unless program->finite is kept, too); so the step can be run again.
 */
void cnn_device_step(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                     const CnnScalars *scalars, int64_t samples);

/**
 * The same, and measures: seconds[worker * program->step_count + i], of all workers, grows by the time that
 * the worker spent in step i of the program. The measuring itself costs some 500 ns a call of compiled code.
 */
void cnn_device_step_timed(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                           const CnnScalars *scalars, int64_t samples, double *seconds);

/* One call of compiled code, after it. */
typedef struct {
    int step; /* of the program */
    const CnnCall *call;
    PhaseKind kind;       /* of its phase */
    void *const *buffers; /* by index in the step's list: where each lies, as the code was told */
} DeviceCall;
/** False: nothing more is to be done. */
typedef bool DeviceWatch(void *context, const DeviceCall *call);

/**
 * The same as cnn_device_step by the calling thread alone, slice after slice, and tells `watch` of each call
 * of compiled code. The numbers are the same. Ends when `watch` says so, whatever is not done then.
 */
void cnn_device_step_watched(CnnDevice *device, const CnnProgram *program, const void *input,
                             const void *label, const CnnScalars *scalars, int64_t samples,
                             DeviceWatch *watch, void *context);

/** A buffer of the last step, in SEGMENT_BATCH or SEGMENT_STATE. */
const void *cnn_device_buffer(const CnnDevice *device, const CnnProgram *program, int buffer);

/** The bytes of a tensor of the image, to read or to replace before the next step. */
void *cnn_device_tensor(CnnDevice *device, const CnnTensor *tensor);

/** Workers, the caller included. */
int cnn_device_threads(const CnnDevice *device);

/** Bytes taken for slabs. */
uint64_t cnn_device_bytes(const CnnDevice *device);

#endif
