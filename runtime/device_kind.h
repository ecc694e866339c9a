/* What device.c asks of a device: the CPU (device_cpu.c), or a GPU (runtime/cuda). What each function
 * promises stands in device.h. */
#ifndef CNN_DEVICE_KIND_H
#define CNN_DEVICE_KIND_H

#include "runtime/device.h"

typedef struct {
    const CnnProgram *program;
    const void *input, *label;
    const CnnScalars *scalars;
    int64_t samples;
    double *seconds;    /* of cnn_device_step_timed; NULL: nobody wants to know */
    DeviceWatch *watch; /* of cnn_device_step_watched; NULL: nobody wants to know */
    void *context;
} DeviceStep;

typedef struct {
    /* apart: what cnn_device_open_apart wants */
    CnnStatus (*open)(const CnnImage *image, int threads, bool apart, uint64_t seed, CnnDevice **out,
                      CnnError *error);
    void (*close)(CnnDevice *device);
    void (*step)(CnnDevice *device, const DeviceStep *step);
    void (*expect)(CnnDevice *device, const void *input, const void *label, int64_t samples); /* or NULL */
    CnnStatus (*wait)(CnnDevice *device, CnnError *error);
    const void *(*buffer)(CnnDevice *device, const CnnProgram *program, int buffer);
    const void *(*read)(CnnDevice *device, const CnnTensor *tensor);
    void *(*tensor)(CnnDevice *device, const CnnTensor *tensor);
} DeviceKind;

/* The start of each kind's own structure. */
struct CnnDevice {
    const DeviceKind *kind;
    const char *name; /* cnn_device_name */
    int threads;
    uint64_t bytes;
};

extern const DeviceKind cnn_cpu_device;
/* Its address is NULL in a program that was linked without runtime/cuda. */
extern const DeviceKind cnn_cuda_device __attribute__((weak));

#endif
