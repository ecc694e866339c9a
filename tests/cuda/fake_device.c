#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "emulator_run.h"
#include "fake.h"

enum { DRIVER_VERSION = 13000, DEVICES = 16 };

static struct {
    bool ready;
    int retained[DEVICES];
    int broken; /* the code of every call since a kernel's fault */
} device;
static _Thread_local void *current;

static int count_devices(void)
{
    long long count = fake_setting("CNNC_FAKE_CUDA_DEVICES", 1);
    return count < 0 ? 0 : count > DEVICES ? DEVICES : (int)count;
}

int fake_capability(void)
{
    const char *text = getenv("CNNC_FAKE_CUDA_ARCH");
    int major = 9, minor = 0;
    if (text && sscanf(text, "%d.%d", &major, &minor) < 1)
        major = 9;
    return 10 * major + minor;
}

uint64_t fake_memory_of_device(void)
{
    return (uint64_t)fake_setting("CNNC_FAKE_CUDA_MEMORY", 1LL << 32);
}

int fake_context_state(void)
{
    if (!device.ready)
        return NOT_INITIALIZED;
    if (!current)
        return fake_say(INVALID_CONTEXT, "a call without a current context");
    return device.broken;
}

void fake_break_context(int code)
{
    device.broken = code;
}

static bool is_device(int ordinal)
{
    return ordinal >= 0 && ordinal < count_devices();
}

PUBLIC int cuInit(unsigned flags)
{
    CALL("%s", "");
    if (flags != 0)
        RETURN(INVALID_VALUE);
    if (count_devices() == 0)
        RETURN(NO_DEVICE);
    /* Programs ask this library for what they call, and it may have been opened for its opener alone. */
    Dl_info self;
    if (!dladdr((void *)cuInit, &self) || !dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL))
        RETURN(fake_say(UNKNOWN, "cannot find itself: %s", dlerror()));
    device.ready = true;
    RETURN(SUCCESS);
}

PUBLIC int cuDriverGetVersion(int *version)
{
    CALL("%s", "");
    *version = DRIVER_VERSION;
    RETURN(SUCCESS);
}

PUBLIC int cuDeviceGetCount(int *count)
{
    CALL("%s", "");
    *count = count_devices();
    RETURN(device.ready ? SUCCESS : NOT_INITIALIZED);
}

PUBLIC int cuDeviceGet(int *out, int ordinal)
{
    CALL("%d", ordinal);
    if (!device.ready)
        RETURN(NOT_INITIALIZED);
    *out = ordinal;
    RETURN(is_device(ordinal) ? SUCCESS : INVALID_DEVICE);
}

PUBLIC int cuDeviceGetName(char *name, int bytes, int ordinal)
{
    CALL("%d", ordinal);
    if (!is_device(ordinal))
        RETURN(INVALID_DEVICE);
    snprintf(name, (size_t)bytes, "Fake GPU %d.%d", fake_capability() / 10, fake_capability() % 10);
    RETURN(SUCCESS);
}

PUBLIC int cuDeviceTotalMem_v2(size_t *bytes, int ordinal)
{
    CALL("%d", ordinal);
    *bytes = fake_memory_of_device();
    RETURN(is_device(ordinal) ? SUCCESS : INVALID_DEVICE);
}

PUBLIC int cuDeviceGetAttribute(int *value, int attribute, int ordinal)
{
    static const struct {
        int attribute, value;
    } known[] = {
        {1, 1024},       /* threads of a block */
        {2, 1024},       /* … along x */
        {3, 1024},       /* … y */
        {4, 64},         /* … z */
        {5, 2147483647}, /* blocks along x */
        {6, 65535},      /* … y */
        {7, 65535},      /* … z */
        {8, 49152},      /* shared memory of a block */
        {10, 32},        /* threads of a warp */
        {12, 65536},     /* registers of a block */
        {13, 1000000},   /* kHz */
        {16, 4},         /* multiprocessors */
        {36, 1000000},   /* kHz of the memory */
        {37, 1024},      /* width of its bus */
        {38, 4194304},   /* bytes of the second cache */
        {39, 2048},      /* threads of a multiprocessor */
        {81, 233472},    /* shared memory of a multiprocessor */
        {97, 232448},    /* shared memory of a block that asks for it */
    };
    CALL("attribute=%d %d", attribute, ordinal);
    if (!is_device(ordinal))
        RETURN(INVALID_DEVICE);
    if (attribute == 75 || attribute == 76) { /* compute capability */
        *value = attribute == 75 ? fake_capability() / 10 : fake_capability() % 10;
        RETURN(SUCCESS);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].attribute == attribute) {
            *value = known[i].value;
            RETURN(SUCCESS);
        }
    RETURN(fake_say(INVALID_VALUE, "attribute %d is not one that this driver knows", attribute));
}

PUBLIC int cuDevicePrimaryCtxRetain(void **context, int ordinal)
{
    CALL("%d", ordinal);
    if (!device.ready)
        RETURN(NOT_INITIALIZED);
    if (!is_device(ordinal))
        RETURN(INVALID_DEVICE);
    device.retained[ordinal]++;
    *context = &device.retained[ordinal];
    RETURN(SUCCESS);
}

/* Everything that was made in a context goes with it, as in a driver; but it is told. */
PUBLIC int cuDevicePrimaryCtxRelease_v2(int ordinal)
{
    CALL("%d", ordinal);
    if (!is_device(ordinal) || device.retained[ordinal] == 0)
        RETURN(fake_say(INVALID_CONTEXT, "a context that is not retained was released"));
    if (--device.retained[ordinal] > 0)
        RETURN(SUCCESS);
    fake_objects_take_back(!device.broken); /* nothing could be given back in a broken one */
    fake_memory_take_back(!device.broken);
    device.broken = SUCCESS;
    current = NULL;
    RETURN(SUCCESS);
}

PUBLIC int cuCtxSetCurrent(void *context)
{
    CALL("%s", "");
    if (context && *(int *)context == 0)
        RETURN(INVALID_CONTEXT);
    current = context;
    RETURN(device.ready ? SUCCESS : NOT_INITIALIZED);
}

PUBLIC int cuCtxSynchronize(void)
{
    CALL_IN_CONTEXT("%s", "");
    int status = fake_capture_forbids("a wait");
    RETURN(status ? status : fake_stream_drain_all(false));
}

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another thread"},
    {UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static int find_error(int result, bool name, const char **text)
{
    *text = NULL;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == result)
            *text = name ? errors[i].name : errors[i].text;
    return *text ? SUCCESS : INVALID_VALUE;
}

PUBLIC int cuGetErrorName(int result, const char **text)
{
    return find_error(result, true, text);
}

PUBLIC int cuGetErrorString(int result, const char **text)
{
    return find_error(result, false, text);
}

/* The end of the process: what a sanitizer would take for leaks. */
static __attribute__((destructor)) void end(void)
{
    for (int i = 0; i < DEVICES; i++)
        if (device.retained[i] > 0 && !device.broken) {
            fake_say(0, "leak: a context");
            break;
        }
    emulator_free();
    fake_memory_end();
}
