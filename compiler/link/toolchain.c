#include "compiler/link/toolchain.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/interrupt.h"

extern char **environ;

/* The first is the machine of cnnc; CMakeLists.txt says which others it has found a cross compiler for. */
static const Platform platforms[] = {
    {CNNC_TRIPLE, "cc", "", "gcc libc6-dev", "", CNNC_TRAINER_LINK_FLAGS, NULL, ""},
#ifdef CNNC_CROSS_TRIPLE
    {CNNC_CROSS_TRIPLE, CNNC_CROSS_TRIPLE "-gcc", CNNC_CROSS_TRIPLE "-", CNNC_CROSS_PACKAGE,
     CNNC_CROSS_TRIPLE "/", CNNC_CROSS_LINK_FLAGS, CNNC_CROSS_CPU, CNNC_CROSS_MISSING},
#endif
};
enum { PLATFORMS = sizeof platforms / sizeof *platforms };

const Platform *platform_here(void)
{
    return &platforms[0];
}

const Platform *platform_find(Arena *arena, const char *triple, const char **complaint)
{
    for (int i = 0; i < PLATFORMS; i++)
        if (strcmp(platforms[i].triple, triple) == 0)
            return &platforms[i];
    *complaint = arena_printf(arena,
                              "there is no runtime for '%s' here: there are those for %s%s%s. That for "
                              "another machine is made with cnnc where its cross compiler is installed "
                              "(Debian: " CNNC_CROSS_WANTED ")",
                              triple, platforms[0].triple, PLATFORMS > 1 ? " and " : "",
                              PLATFORMS > 1 ? platforms[PLATFORMS - 1].triple : "");
    return NULL;
}

bool workplace_open(Workplace *workplace, Arena *arena, const char **complaint)
{
    const char *base = getenv("TMPDIR");
    *workplace = (Workplace){.arena = arena};
    snprintf(workplace->folder, sizeof workplace->folder, "%s/cnnc-build-XXXXXX",
             base && *base ? base : "/tmp");
    if (mkdtemp(workplace->folder))
        return true;
    *complaint = arena_printf(arena, "cannot make a folder for the object files, %s: %s", workplace->folder,
                              strerror(errno));
    return false;
}

void workplace_close(Workplace *workplace)
{
    for (size_t i = 0; i < workplace->files.count; i++)
        unlink(workplace->files.items[i]);
    rmdir(workplace->folder);
}

const char *workplace_path(Workplace *workplace, const char *name)
{
    const char *path = arena_printf(workplace->arena, "%s/%s", workplace->folder, name);
    *vec_push(workplace->arena, &workplace->files) = path;
    return path;
}

const char *workplace_object(Workplace *workplace, const char *name, const CpuObject *object,
                             const char **complaint)
{
    const char *path = arena_printf(workplace->arena, "%s/%s.o", workplace->folder, name);
    if (access(path, F_OK) == 0)
        return path;
    *vec_push(workplace->arena, &workplace->files) = path;
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(object->object, 1, object->bytes, file) == object->bytes;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        *complaint = arena_printf(workplace->arena, "cannot write %s: %s", path, strerror(errno));
    return written ? path : NULL;
}

void arguments_add(Arena *arena, Arguments *arguments, const char *text)
{
    *vec_push(arena, arguments) = arena_text(arena, text, strlen(text));
}

void arguments_add_list(Arena *arena, Arguments *arguments, const char *list)
{
    char *flags = arena_text(arena, list, strlen(list)), *rest;
    for (char *flag = strtok_r(flags, " ", &rest); flag; flag = strtok_r(NULL, " ", &rest))
        arguments_add(arena, arguments, flag);
}

void arguments_add_path(Arena *arena, Arguments *arguments, const char *path)
{
    arguments_add(arena, arguments,
                  path[0] == '/' || path[0] == '.' ? path : arena_printf(arena, "./%s", path));
}

/* Ctrl-C reaches the program and this process; the program may have died of it first. */
static void await_interrupt(void)
{
    for (int i = 0; i < 20 && !cnn_interrupted(); i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

bool toolchain_run(Arena *arena, Arguments *arguments, const char *package, const char **complaint)
{
    pid_t child;
    const char *program = arguments->items[0];
    *vec_push(arena, arguments) = NULL;
    int failed = posix_spawnp(&child, program, NULL, NULL, arguments->items, environ);
    if (failed) {
        *complaint = arena_printf(arena, "cannot start the linker, '%s': %s (Debian: apt-get install %s)",
                                  program, strerror(failed), package);
        return false;
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    await_interrupt();
    *complaint = arena_printf(arena, "the linker '%s' failed", program);
    return false;
}

const char *toolchain_library(Arena *arena, const Platform *platform, const char *name,
                              const char **complaint)
{
    char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length < 0) {
        *complaint = arena_printf(arena, "cannot tell where cnnc itself lies: %s", strerror(errno));
        return NULL;
    }
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
    const char *path = arena_printf(arena, "%s/%s%s", folder, platform->folder, name);
    if (access(path, R_OK) == 0)
        return path;
    *complaint =
        arena_printf(arena, "%s: %s; it lies beside cnnc where cnnc was built", path, strerror(errno));
    return NULL;
}
