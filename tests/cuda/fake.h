/* A driver of NVIDIA's GPUs that has none: libcuda.so.1 and libnvrtc.so.13 of this folder stand where the
 * real ones would (CNNC_CUDA_LIB=folder), so that cnnc and its runtime run unchanged on any machine. Kernels
 * are compiled as C and run by the emulator (emulator_run.h). It is stricter than a driver may be: work given
 * to a stream is done as late as allowed; memory of the GPU cannot be touched from outside, starts as NaN,
 * ends at a page that nobody can touch, and is never used again once freed. What is wrong is an error code, a
 * line on stderr, and one in the record.
 *
 *     CNNC_FAKE_CUDA_RECORD   a file that gets a line for each call, with its result, and for what is wrong;
 *                             among that, when the context is released, what has not been given back
 *     CNNC_FAKE_CUDA_FAIL     NAME:N[:CODE],…: the Nth call of a function, counted from when this is set,
 *                             fails with the code (999: unknown)
 *     CNNC_FAKE_CUDA_ARCH     compute capability of the GPU: 9.0
 *     CNNC_FAKE_CUDA_DEVICES  how many GPUs there are: 1
 *     CNNC_FAKE_CUDA_MEMORY   bytes of each: 4294967296
 *     CNNC_FAKE_CUDA_ORDER    "reverse": a kernel's threads, warps and blocks run from the last to the first
 *     CNNC_FAKE_CUDA_THREADS  threads of the system that run a kernel: one for each processor */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PUBLIC __attribute__((visibility("default")))

/* Of cuda.h. */
enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_FAILED = 719,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_UNJOINED = 904,
    CAPTURE_WRONG_THREAD = 908,
    UNKNOWN = 999
};
typedef unsigned long long FakePointer;

/* ---- Calls (fake_call.c). ---- */

/** Begins a call: takes the lock of all, notes the call, and tells the error that it shall fail with, or
 * SUCCESS. */
int fake_begin(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Ends it. Returns `result`, which stands in the record. */
int fake_end(int result);
/** Says what is wrong. Returns `result`. */
int fake_say(int result, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A line of the record alone. */
void fake_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** A number of the environment. */
long long fake_setting(const char *name, long long otherwise);

/* CALL(format, …): at the start of a public function. RETURN(code): its only ways out. */
#define CALL(...)                                                                                            \
    do {                                                                                                     \
        int injected_ = fake_begin(__func__, __VA_ARGS__);                                                   \
        if (injected_)                                                                                       \
            return fake_end(injected_);                                                                      \
    } while (0)
#define RETURN(...) return fake_end(__VA_ARGS__)
/* CALL of a function that needs a context: which must be there, and not broken by a kernel's fault. */
#define CALL_IN_CONTEXT(...)                                                                                 \
    CALL(__VA_ARGS__);                                                                                       \
    do {                                                                                                     \
        int state_ = fake_context_state();                                                                   \
        if (state_)                                                                                          \
            RETURN(state_);                                                                                  \
    } while (0)

/* ---- The device and its context (fake_device.c). ---- */

/** SUCCESS, or why nothing can be done. */
int fake_context_state(void);
/** A kernel went wrong: nothing more can be done in the context. */
void fake_break_context(int code);
/** 90 for 9.0. */
int fake_capability(void);
uint64_t fake_memory_of_device(void);

/* ---- What has been made and not given back (fake_object.c). ---- */

typedef enum {
    OBJECT_STREAM,
    OBJECT_EVENT,
    OBJECT_GRAPH,
    OBJECT_REPLAY,
    OBJECT_MODULE,
    OBJECT_FUNCTION
} ObjectKind;
typedef struct FakeObject {
    ObjectKind kind;
    struct FakeObject *next;
} FakeObject;

/** A new one of so many bytes, which begin with a FakeObject; NULL: no memory. */
void *fake_object_new(ObjectKind kind, size_t bytes);
/** Whether `handle` is one of this kind, and lives. */
bool fake_object_is(const void *handle, ObjectKind kind);
/** The first of a kind behind `after`, or of all (NULL). */
void *fake_object_next(ObjectKind kind, const void *after);
void fake_object_free(void *object);
/** The context ends: gives back all that live, and tells each, perhaps. */
void fake_objects_take_back(bool tell);

/* ---- Memory (fake_memory.c). ---- */

/** Whether the bytes lie in an allocation of the GPU; if not, why. */
bool fake_memory_on_device(FakePointer address, size_t bytes, char *why, size_t room);
/** Whether the bytes are the host's; pinned, where `pinned` is given, and all of them are. */
bool fake_memory_on_host(const void *address, size_t bytes, bool *pinned, char *why, size_t room);
/** Lets memory of the GPU be touched, or not. */
void fake_memory_open(bool open);
/** Whether nothing was written beside an allocation; else says so, of `writer`. */
bool fake_memory_intact(const char *writer);
/** Where an address lies, in words. */
void fake_memory_describe(const void *address, char *text, size_t room);
/** The context ends: frees all, and tells each, perhaps. */
void fake_memory_take_back(bool tell);
/** Gives up the places of what was freed, too. */
void fake_memory_end(void);

/* ---- Kernels (fake_module.c). ---- */

typedef struct FakeFunction FakeFunction;
typedef struct {
    FakeFunction *function;
    unsigned grid[3];
    int threads;
    void **arguments; /* copies, in one block of memory */
} FakeLaunch;

/** Runs it. */
int fake_launch_run(const FakeLaunch *launch);
/** A copy with arguments of its own; false: no memory. */
bool fake_launch_copy(const FakeLaunch *from, FakeLaunch *to);

/* ---- Streams and graphs (fake_stream.c, fake_graph.c). ---- */

typedef enum { WORK_COPY, WORK_SET, WORK_LAUNCH, WORK_RECORD, WORK_WAIT, WORK_REPLAY } WorkKind;
typedef struct FakeStream FakeStream;
typedef struct FakeEvent FakeEvent;
typedef struct FakeGraph FakeGraph;
typedef struct FakeWork {
    WorkKind kind;
    struct FakeWork *next;
    void *to; /* WORK_COPY, WORK_SET */
    const void *from;
    void *staged; /* the bytes to copy, where the call took them at once */
    size_t bytes;
    int value;
    FakeLaunch launch;
    FakeEvent *event; /* WORK_RECORD, WORK_WAIT */
    uint64_t turn;    /* … of the event */
    FakeGraph *graph; /* WORK_REPLAY */
} FakeWork;

struct FakeGraph {
    FakeObject object; /* OBJECT_GRAPH or OBJECT_REPLAY */
    FakeWork *first, *last;
    FakeStream *origin; /* while it is captured */
    uint64_t thread;    /* that captures */
    int mode;
    bool broken;
};

struct FakeStream {
    FakeObject object;
    bool non_blocking;
    FakeWork *first, *last; /* given and not done */
    FakeGraph *capture;
    bool joined; /* a stream that came into a capture: the origin has waited for all it has */
};

struct FakeEvent {
    FakeObject object;
    bool timed;
    FakeStream *stream;     /* of the last record */
    uint64_t given, done;   /* records */
    FakeGraph *capture;     /* the last record was captured … */
    FakeStream *captured;   /* … in this stream */
    const FakeWork *behind; /* … when this was its last work */
    double seconds;         /* of the last record that was done */
};

/** Appends work to a stream (NULL: the legacy stream, at once), or to what it captures. Takes what the work
 * owns. */
int fake_stream_give(FakeStream *stream, const FakeWork *work);
/** Does all work of all streams; `blocking`: of those that the legacy stream waits for. */
int fake_stream_drain_all(bool blocking);
/** Does one piece of work. */
int fake_work_do(const FakeWork *work);
void fake_work_free(FakeWork *work);
/** Appends a copy; false: no memory. */
bool fake_graph_add(FakeGraph *graph, const FakeWork *work);
/** Frees one with what it owns: of a stream, work that is not done; of a module, its functions. */
void fake_stream_end(void *stream);
void fake_graph_end(void *graph);
void fake_module_end(void *module);
/** SUCCESS, or the error of a call that must not be made while this thread captures; the capture is lost. */
int fake_capture_forbids(const char *what);

#endif
