#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator_run.h"
#include "fake.h"
#include "fake_module.h"

typedef struct {
    FakeObject object;
    void *library;
    void *(*shared)(void);
} FakeModule;

struct FakeFunction {
    FakeObject object;
    FakeModule *module;
    char name[256];
    void (*call)(void **);
    int count;
    const int *bytes;
};

/* Compiled for sm_NN: that, and later ones of the same generation; compute_NN: all later ones. */
static bool fits(const char *architecture)
{
    int of = fake_capability(), wanted;
    if (sscanf(architecture, "sm_%d", &wanted) == 1)
        return wanted / 10 == of / 10 && wanted <= of;
    return sscanf(architecture, "compute_%d", &wanted) == 1 && wanted <= of;
}

/* A file of its own, which is gone when it has been opened. */
static void *open_object(const void *bytes, size_t count)
{
    char path[] = "/tmp/fake_cuda.XXXXXX";
    int descriptor = mkstemp(path);
    if (descriptor < 0)
        return NULL;
    bool written = write(descriptor, bytes, count) == (ssize_t)count;
    close(descriptor);
    void *library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    unlink(path);
    return library;
}

PUBLIC int cuModuleLoadData(FakeModule **out, const void *image)
{
    CALL_IN_CONTEXT("%s", "");
    FakeModuleHeader header;
    if (memcmp(image, FAKE_MAGIC, sizeof header.magic) != 0)
        RETURN(fake_say(INVALID_IMAGE, "an image that the libnvrtc of this folder has not made"));
    memcpy(&header, image, sizeof header);
    if (!fits(header.architecture))
        RETURN(fake_say(NO_BINARY_FOR_GPU, "an image for %s", header.architecture));
    FakeModule *module = fake_object_new(OBJECT_MODULE, sizeof *module);
    if (!module)
        RETURN(OUT_OF_MEMORY);
    module->library = open_object((const char *)image + sizeof header, header.bytes);
    *(void **)&module->shared = module->library ? dlsym(module->library, "emulator__shared") : NULL;
    if (!module->shared) {
        fake_say(0, "%s", dlerror());
        fake_object_free(module);
        RETURN(INVALID_IMAGE);
    }
    *out = module;
    RETURN(SUCCESS);
}

void fake_module_end(void *object)
{
    FakeModule *module = object;
    for (FakeFunction *it = fake_object_next(OBJECT_FUNCTION, NULL), *next; it; it = next) {
        next = fake_object_next(OBJECT_FUNCTION, it);
        if (it->module == module)
            fake_object_free(it);
    }
    dlclose(module->library);
    fake_object_free(module);
}

PUBLIC int cuModuleUnload(FakeModule *module)
{
    CALL_IN_CONTEXT("%s", "");
    if (!fake_object_is(module, OBJECT_MODULE))
        RETURN(INVALID_HANDLE);
    int status = fake_stream_drain_all(false);
    fake_module_end(module);
    RETURN(status);
}

static void *symbol(const FakeModule *module, const char *name, const char *suffix)
{
    char text[300];
    snprintf(text, sizeof text, "%s%s", name, suffix);
    return dlsym(module->library, text);
}

PUBLIC int cuModuleGetFunction(FakeFunction **out, FakeModule *module, const char *name)
{
    CALL_IN_CONTEXT("%s", name);
    if (!fake_object_is(module, OBJECT_MODULE))
        RETURN(INVALID_HANDLE);
    void *call = symbol(module, name, "__call");
    const int *count = symbol(module, name, "__count"), *bytes = symbol(module, name, "__bytes");
    if (!call || !count || !bytes)
        RETURN(NOT_FOUND);
    FakeFunction *function = fake_object_new(OBJECT_FUNCTION, sizeof *function);
    if (!function)
        RETURN(OUT_OF_MEMORY);
    function->module = module;
    snprintf(function->name, sizeof function->name, "%s", name);
    *(void **)&function->call = call;
    function->count = *count;
    function->bytes = bytes;
    *out = function;
    RETURN(SUCCESS);
}

/* Arguments of 8 bytes are addresses: of the GPU's memory, or none. */
static int check_arguments(const FakeFunction *function, void *const *arguments)
{
    for (int i = 0; i < function->count; i++) {
        FakePointer address;
        char why[256];
        if (function->bytes[i] != sizeof address)
            continue;
        memcpy(&address, arguments[i], sizeof address);
        if (address && !fake_memory_on_device(address, 1, why, sizeof why))
            return fake_say(ILLEGAL_ADDRESS, "kernel %s, argument %d: %s", function->name, i, why);
    }
    return SUCCESS;
}

bool fake_launch_copy(const FakeLaunch *from, FakeLaunch *to)
{
    const FakeFunction *function = from->function;
    size_t values = 0;
    for (int i = 0; i < function->count; i++)
        values += (size_t)(function->bytes[i] + 7) / 8 * 8;
    size_t pointers = (size_t)function->count * sizeof(void *);
    *to = *from;
    to->arguments = malloc(pointers + values + 1);
    if (!to->arguments)
        return false;
    char *value = (char *)to->arguments + pointers;
    for (int i = 0; i < function->count; i++) {
        to->arguments[i] = memcpy(value, from->arguments[i], (size_t)function->bytes[i]);
        value += (function->bytes[i] + 7) / 8 * 8;
    }
    return true;
}

static void describe(const void *address, char text[EMULATOR_TEXT])
{
    fake_memory_describe(address, text, EMULATOR_TEXT);
}

int fake_launch_run(const FakeLaunch *launch)
{
    FakeFunction *function = launch->function;
    if (!fake_object_is(function, OBJECT_FUNCTION))
        return fake_say(INVALID_HANDLE, "a kernel of a module that is unloaded");
    int status = check_arguments(function, launch->arguments);
    if (status)
        return status;
    const char *order = getenv("CNNC_FAKE_CUDA_ORDER");
    EmulatorLaunch run = {.name = function->name,
                          .call = function->call,
                          .shared = function->module->shared,
                          .arguments = launch->arguments,
                          .grid = {launch->grid[0], launch->grid[1], launch->grid[2]},
                          .threads = launch->threads,
                          .reversed = order && strcmp(order, "reverse") == 0,
                          .workers =
                              (int)fake_setting("CNNC_FAKE_CUDA_THREADS", sysconf(_SC_NPROCESSORS_ONLN)),
                          .describe = describe};
    char message[EMULATOR_TEXT];
    fake_memory_open(true);
    status = emulator_run(&run, message) ? SUCCESS : fake_say(LAUNCH_FAILED, "%s", message);
    if (!fake_memory_intact(function->name))
        status = ILLEGAL_ADDRESS;
    fake_memory_open(false);
    return status;
}

PUBLIC int cuLaunchKernel(FakeFunction *function, unsigned blocks_x, unsigned blocks_y, unsigned blocks_z,
                          unsigned threads_x, unsigned threads_y, unsigned threads_z, unsigned shared_bytes,
                          FakeStream *stream, void **arguments, void **extra)
{
    bool known = fake_object_is(function, OBJECT_FUNCTION);
    CALL_IN_CONTEXT("%s grid=%u,%u,%u threads=%u", known ? function->name : "?", blocks_x, blocks_y, blocks_z,
                    threads_x);
    if (!known)
        RETURN(INVALID_HANDLE);
    if (blocks_x == 0 || blocks_y == 0 || blocks_z == 0 || blocks_x > INT32_MAX || blocks_y > 65535 ||
        blocks_z > 65535 || threads_x == 0 || threads_x > EMULATOR_THREADS || threads_y != 1 ||
        threads_z != 1 || shared_bytes != 0 || extra || !arguments)
        RETURN(fake_say(INVALID_VALUE,
                        "kernel %s: %u x %u x %u blocks of %u x %u x %u threads, %u bytes of shared memory",
                        function->name, blocks_x, blocks_y, blocks_z, threads_x, threads_y, threads_z,
                        shared_bytes));
    int status = check_arguments(function, arguments);
    if (status)
        RETURN(status);
    FakeLaunch launch = {.function = function,
                         .grid = {blocks_x, blocks_y, blocks_z},
                         .threads = (int)threads_x,
                         .arguments = arguments};
    FakeWork work = {.kind = WORK_LAUNCH};
    if (!fake_launch_copy(&launch, &work.launch))
        RETURN(OUT_OF_MEMORY);
    RETURN(fake_stream_give(stream, &work));
}
