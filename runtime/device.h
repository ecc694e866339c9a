/* Executes a program of an image, on the CPU or on the GPU that its code is for: owns the memory, and the
 * CPU's workers. */
#ifndef CNN_DEVICE_H
#define CNN_DEVICE_H

#include "runtime/image.h"
#include "runtime/status.h"

typedef struct CnnDevice CnnDevice;

/**
 * Takes all the memory that the image's programs will use, and starts `threads` workers (the caller is one of
 * them; 0: as many as there are cores). State is filled from the tensors' initialisers and `seed`. For a GPU,
 * `threads` is only what cnn_device_threads says: the threads of what works beside it.
 *
 * Errors  CNN_NO_RESOURCE with the number of bytes when memory is short, or with what the GPU's driver says.
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
 *
 * A GPU may still work on the step when this returns, on copies of input and label. Where one fails, this and
 * all later steps do nothing, what is read of them is not a number, and cnn_device_wait tells.
 */
void cnn_device_step(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                     const CnnScalars *scalars, int64_t samples);

/**
 * The same, and measures: seconds[worker * program->step_count + i], of all workers, grows by the time that
 * the worker spent in step i of the program. The measuring itself costs some 500 ns a call of compiled code.
 * On a GPU it is the time between events around the kernel, and worker 0's.
 */
void cnn_device_step_timed(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                           const CnnScalars *scalars, int64_t samples, double *seconds);

/**
 * Says what the next step will be given, so that a GPU copies it while the last step runs. It must stay as it
 * is until that step, or until something else is expected; `input` NULL: nothing. A step of another batch is
 * as good as any.
 */
void cnn_device_expect(CnnDevice *device, const void *input, const void *label, int64_t samples);
/** Whether that is of use. */
bool cnn_device_expects(const CnnDevice *device);

/* One call of compiled code, after it. */
typedef struct {
    int step; /* of the program */
    const CnnCall *call;
    PhaseKind kind; /* of its phase */
    void *const
        *buffers; /* by index in the step's list: where each lies, as the code was told; on a GPU, copies
                     in the host's memory, of which only those that the step writes are those of now */
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

/**
 * Waits until all steps are done. Asked before what they leave is believed.
 *
 * Errors  CNN_NO_RESOURCE with what the GPU's driver said of a step or a copy, since the device was opened.
 */
CnnStatus cnn_device_wait(CnnDevice *device, CnnError *error);

/** A buffer of the last step, in SEGMENT_BATCH or SEGMENT_STATE; waits for that. Lent until the next step.
 * NULL: a GPU's could not be copied, and cnn_device_wait tells why; never of the loss, the metrics, `finite`,
 * and the outputs of an evaluation. */
const void *cnn_device_buffer(CnnDevice *device, const CnnProgram *program, int buffer);

/** The bytes of a tensor of the image, to read; of a GPU, a copy. Lent until the next step. */
const void *cnn_device_read(CnnDevice *device, const CnnTensor *tensor);
/** The same, to read or to replace before the next step. */
void *cnn_device_tensor(CnnDevice *device, const CnnTensor *tensor);

/** What the GPU is called: "NVIDIA H200". NULL: it is the CPU. */
const char *cnn_device_name(const CnnDevice *device);

/** Workers of the CPU, the caller included. */
int cnn_device_threads(const CnnDevice *device);

/** Bytes taken for slabs, in the memory of the device. */
uint64_t cnn_device_bytes(const CnnDevice *device);

#endif
