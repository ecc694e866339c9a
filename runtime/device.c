/* Which device an image runs on. */
#include "runtime/device_kind.h"

#include <stddef.h>

#include "runtime/image_verify.h"

static CnnStatus open(const CnnImage *image, int threads, bool apart, uint64_t seed, CnnDevice **out,
                      CnnError *error)
{
    const DeviceKind *kind = image->gpu ? &cnn_cuda_device : &cnn_cpu_device;
    *out = NULL;
    TRY(cnn_image_verify(image, error));
    if (!kind)
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "this program was linked without what runs code on a GPU, which the code is for");
    return kind->open(image, threads, apart, seed, out, error);
}

CnnStatus cnn_device_open(const CnnImage *image, int threads, uint64_t seed, CnnDevice **out, CnnError *error)
{
    return open(image, threads, false, seed, out, error);
}

CnnStatus cnn_device_open_apart(const CnnImage *image, int threads, uint64_t seed, CnnDevice **out,
                                CnnError *error)
{
    return open(image, threads, true, seed, out, error);
}

void cnn_device_close(CnnDevice *device)
{
    if (device)
        device->kind->close(device);
}

void cnn_device_step(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                     const CnnScalars *scalars, int64_t samples)
{
    cnn_device_step_timed(device, program, input, label, scalars, samples, NULL);
}

void cnn_device_step_timed(CnnDevice *device, const CnnProgram *program, const void *input, const void *label,
                           const CnnScalars *scalars, int64_t samples, double *seconds)
{
    device->kind->step(device, &(DeviceStep){program, input, label, scalars, samples, seconds, NULL, NULL});
}

void cnn_device_step_watched(CnnDevice *device, const CnnProgram *program, const void *input,
                             const void *label, const CnnScalars *scalars, int64_t samples,
                             DeviceWatch *watch, void *context)
{
    device->kind->step(device, &(DeviceStep){program, input, label, scalars, samples, NULL, watch, context});
}

void cnn_device_expect(CnnDevice *device, const void *input, const void *label, int64_t samples)
{
    if (device->kind->expect)
        device->kind->expect(device, input, label, samples);
}

bool cnn_device_expects(const CnnDevice *device)
{
    return device->kind->expect;
}

CnnStatus cnn_device_wait(CnnDevice *device, CnnError *error)
{
    return device->kind->wait(device, error);
}

const void *cnn_device_buffer(CnnDevice *device, const CnnProgram *program, int buffer)
{
    return device->kind->buffer(device, program, buffer);
}

const void *cnn_device_read(CnnDevice *device, const CnnTensor *tensor)
{
    return device->kind->read(device, tensor);
}

void *cnn_device_tensor(CnnDevice *device, const CnnTensor *tensor)
{
    return device->kind->tensor(device, tensor);
}

const char *cnn_device_name(const CnnDevice *device)
{
    return device->name;
}

int cnn_device_threads(const CnnDevice *device)
{
    return device->threads;
}

uint64_t cnn_device_bytes(const CnnDevice *device)
{
    return device->bytes;
}
