/* Preloaded (LD_PRELOAD): makes the Nth call of a kind fail, as a full disk, a lack of memory or a kill
 * would.
 *
 *     FAIL_CALL   the kind: a name of the list below; "alloc" is every function that takes memory
 *     FAIL_AT     N, from 1; 0: nothing fails, calls are counted
 *     FAIL_WITH   ENOSPC, EIO, … (below); "short": the half of what was asked for, if that is more than
 * nothing; "kill": the process dies by SIGKILL, a write after its first half; "slow": it takes seconds
 *     FAIL_EVER   1: that call and all that follow
 *     FAIL_PATH   only calls on files with this text in their path
 *     FAIL_LOG    a file that gets "calls COUNT injected COUNT", also when the process crashes or is killed
 *
 * What the C library calls inside itself (the write of a printf) is not seen, memory apart. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

enum { SHORT = -1, KILL = -2, SLOW = -3, SLOW_SECONDS = 3 };

static const struct {
    const char *name;
    int number;
} causes[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
              {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE}, {"EACCES", EACCES}, {"EROFS", EROFS},
              {"EAGAIN", EAGAIN}, {"ENOLCK", ENOLCK}, {"ENOENT", ENOENT}, {"short", SHORT},
              {"kill", KILL},     {"slow", SLOW}};

static struct {
    bool ready;
    const char *kind, *path;
    long at;
    int with;
    bool ever;
    int log; /* -1: none */
    atomic_long calls, injected;
} fail = {.log = -1};

/* By system calls: nothing here may be seen by what is tested, or take memory. */
static void put_log(void)
{
    char text[64];
    if (fail.log < 0)
        return;
    int length = snprintf(text, sizeof text, "calls %ld injected %ld\n", atomic_load(&fail.calls),
                          atomic_load(&fail.injected));
    syscall(SYS_pwrite64, fail.log, text, (size_t)length, 0L);
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("FAIL_AT"), *with = getenv("FAIL_WITH"), *log = getenv("FAIL_LOG");
    fail.path = getenv("FAIL_PATH");
    fail.ever = getenv("FAIL_EVER") != NULL;
    fail.at = at ? strtol(at, NULL, 10) : 0;
    for (size_t i = 0; with && i < sizeof causes / sizeof *causes; i++)
        if (strcmp(with, causes[i].name) == 0)
            fail.with = causes[i].number;
    if (fail.at && !fail.with) {
        static const char text[] = "fail_call: FAIL_WITH is not known\n";
        syscall(SYS_write, 2, text, sizeof text - 1);
        _exit(99);
    }
    if (log) {
        int descriptor =
            (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        fail.log = (int)syscall(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, 900L); /* out of everybody's way */
        syscall(SYS_close, descriptor);
    }
    fail.kind = getenv("FAIL_CALL");
    put_log();
    fail.ready = fail.kind != NULL;
}

__attribute__((destructor)) static void end(void)
{
    put_log();
}

static bool is_kind(const char *kind)
{
    return fail.ready && strcmp(kind, fail.kind) == 0;
}

/* Whether a call of this kind is to fail now: its cause, or 0. */
static int cause_of(const char *kind)
{
    if (!is_kind(kind))
        return 0;
    long call = atomic_fetch_add(&fail.calls, 1) + 1;
    if (fail.at == 0 || call < fail.at || (call > fail.at && !fail.ever))
        return 0;
    atomic_fetch_add(&fail.injected, 1);
    put_log();
    if (fail.with == SLOW)
        sleep(SLOW_SECONDS);
    return fail.with;
}

_Noreturn static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* The same, of a call that has no half. */
static bool fails(const char *kind)
{
    int cause = cause_of(kind);
    if (cause == KILL)
        die();
    if (cause > 0)
        errno = cause;
    return cause > 0;
}

static bool path_fails(const char *kind, const char *path)
{
    return (!fail.path || (path && strstr(path, fail.path))) && fails(kind);
}

static bool is_watched(const char *kind, int descriptor)
{
    char link[64], path[4096];
    if (!is_kind(kind))
        return false;
    if (!fail.path)
        return true;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    return strstr(path, fail.path) != NULL;
}

static bool descriptor_fails(const char *kind, int descriptor)
{
    return is_watched(kind, descriptor) && fails(kind);
}

/* A reading or writing call: fails, or has less to do than was asked for. */
static bool transfer_fails(const char *kind, int descriptor, size_t *count)
{
    int cause = is_watched(kind, descriptor) ? cause_of(kind) : 0;
    if (cause == SHORT || cause == KILL)
        *count -= *count / 2;
    if (cause > 0)
        errno = cause;
    return cause > 0;
}

/* ---- Files ---- */

/* The function behind ours. */
#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                           \
    PUBLIC int name(const char *path, int flags, ...)                                                        \
    {                                                                                                        \
        va_list arguments;                                                                                   \
        va_start(arguments, flags);                                                                          \
        mode_t mode = mode_of(flags, arguments);                                                             \
        va_end(arguments);                                                                                   \
        return path_fails("open", path) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);        \
    }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                                                                          \
    PUBLIC FILE *name(const char *restrict path, const char *restrict how)                                   \
    {                                                                                                        \
        return path_fails("fopen", path) ? NULL : REAL(name)(path, how);                                     \
    }
FOPEN(fopen)
FOPEN(fopen64)

PUBLIC DIR *opendir(const char *path)
{
    return path_fails("opendir", path) ? NULL : REAL(opendir)(path);
}

PUBLIC int mkdir(const char *path, mode_t mode)
{
    return path_fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode);
}

PUBLIC int rename(const char *from, const char *to)
{
    return path_fails("rename", to) ? -1 : REAL(rename)(from, to);
}

PUBLIC int unlink(const char *path)
{
    return path_fails("unlink", path) ? -1 : REAL(unlink)(path);
}

PUBLIC int fsync(int descriptor)
{
    return descriptor_fails("fsync", descriptor) ? -1 : REAL(fsync)(descriptor);
}

PUBLIC int flock(int descriptor, int operation)
{
    return descriptor_fails("flock", descriptor) ? -1 : REAL(flock)(descriptor, operation);
}

/* Linux closes it all the same. */
PUBLIC int close(int descriptor)
{
    bool failed = descriptor_fails("close", descriptor);
    int cause = errno, result = (int)syscall(SYS_close, descriptor);
    if (!failed)
        return result;
    errno = cause;
    return -1;
}

#define FTRUNCATE(name, offset)                                                                              \
    PUBLIC int name(int descriptor, offset length)                                                           \
    {                                                                                                        \
        return descriptor_fails("ftruncate", descriptor) ? -1                                                \
                                                         : (int)syscall(SYS_ftruncate, descriptor, length);  \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

PUBLIC ssize_t read(int descriptor, void *bytes, size_t count)
{
    return transfer_fails("read", descriptor, &count) ? -1 : syscall(SYS_read, descriptor, bytes, count);
}

#define PREAD(name, offset)                                                                                  \
    PUBLIC ssize_t name(int descriptor, void *bytes, size_t count, offset at)                                \
    {                                                                                                        \
        return transfer_fails("pread", descriptor, &count)                                                   \
                   ? -1                                                                                      \
                   : syscall(SYS_pread64, descriptor, bytes, count, at);                                     \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

PUBLIC ssize_t write(int descriptor, const void *bytes, size_t count)
{
    long injected = atomic_load(&fail.injected);
    if (transfer_fails("write", descriptor, &count))
        return -1;
    ssize_t written = syscall(SYS_write, descriptor, bytes, count);
    if (fail.with == KILL && atomic_load(&fail.injected) != injected)
        die();
    return written;
}

PUBLIC int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                          void *(*start)(void *), void *restrict argument)
{
    return fails("pthread_create") ? EAGAIN : REAL(pthread_create)(thread, attributes, start, argument);
}

/* ---- Memory ---- */

/* glibc's own, as dlsym takes memory itself. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

PUBLIC void *malloc(size_t bytes)
{
    return fails("alloc") ? NULL : __libc_malloc(bytes);
}

PUBLIC void *calloc(size_t count, size_t bytes)
{
    return fails("alloc") ? NULL : __libc_calloc(count, bytes);
}

PUBLIC void *realloc(void *block, size_t bytes)
{
    return fails("alloc") ? NULL : __libc_realloc(block, bytes);
}

PUBLIC void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails("alloc") ? NULL : __libc_memalign(alignment, bytes);
}
