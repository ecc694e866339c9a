#include "compiler/link/standalone.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compiler/base/bug.h"
#include "compiler/base/text.h"
#include "compiler/cpu/data_object.h"
#include "runtime/data/source.h"
#include "runtime/image_io.h"
#include "runtime/interrupt.h"

extern char **environ;

/* A folder for the object files, removed at the end with what it holds. */
typedef struct {
    Arena *arena;
    char folder[PATH_MAX];
    VEC(const char *) files;
} Workplace;

static bool open_workplace(Workplace *workplace, Arena *arena, const char **complaint)
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

static void close_workplace(Workplace *workplace)
{
    for (size_t i = 0; i < workplace->files.count; i++)
        unlink(workplace->files.items[i]);
    rmdir(workplace->folder);
}

static bool write_object(Workplace *workplace, const char *name, const CpuObject *object,
                         const char **complaint)
{
    const char *path = arena_printf(workplace->arena, "%s/%s.o", workplace->folder, name);
    *vec_push(workplace->arena, &workplace->files) = path;
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(object->object, 1, object->bytes, file) == object->bytes;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        *complaint = arena_printf(workplace->arena, "cannot write %s: %s", path, strerror(errno));
    return written;
}

/* The folder of the running cnnc, where its build has put the runtime's libraries. */
static bool library_folder(Arena *arena, const char **folder, const char **complaint)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) {
        *complaint = arena_printf(arena, "cannot tell where cnnc itself lies: %s", strerror(errno));
        return false;
    }
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    *folder = arena_text(arena, path, strlen(path));
    return true;
}

/* Ctrl-C reaches the linker and this process; the linker may have died of it first. */
static void await_interrupt(void)
{
    for (int i = 0; i < 20 && !cnn_interrupted(); i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static bool run(Arena *arena, char *const *arguments, const char **complaint)
{
    pid_t child;
    int failed = posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ);
    if (failed) {
        *complaint = arena_printf(arena, "cannot start the linker, '%s': %s (Debian: apt-get install gcc)",
                                  arguments[0], strerror(failed));
        return false;
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    await_interrupt();
    *complaint = arena_printf(arena, "the linker '%s' failed", arguments[0]);
    return false;
}

typedef VEC(char *) Arguments;

static void add(Arena *arena, Arguments *arguments, const char *text)
{
    *vec_push(arena, arguments) = arena_text(arena, text, strlen(text));
}

/* Flags of the build itself, a blank between two. */
static void add_flags(Arena *arena, Arguments *arguments, const char *list)
{
    char *flags = arena_text(arena, list, strlen(list));
    for (char *flag = strtok(flags, " "); flag; flag = strtok(NULL, " "))
        add(arena, arguments, flag);
}

/* A path that no program takes for a flag. */
static const char *plain_path(Arena *arena, const char *path)
{
    return path[0] == '/' || path[0] == '.' ? path : arena_printf(arena, "./%s", path);
}

/* What only some data need; nothing asks for it by a strong symbol. Without flags, cnnc was built without it.
 */
static const struct {
    OptionalLibrary library;
    const char *file, *flags;
} optional_libraries[] = {{LIBRARY_SOUND, "libcnn_sound.a", CNNC_SOUND_LINK_FLAGS},
                          {LIBRARY_UNPACK, "libcnn_unpack.a", CNNC_UNPACK_LINK_FLAGS},
                          {LIBRARY_FORMATS, "libcnn_formats.a", CNNC_FORMAT_LINK_FLAGS}};

static bool link_all(Workplace *workplace, unsigned libraries, const char *path, const char **complaint)
{
    Arena *arena = workplace->arena;
    const char *folder;
    if (!library_folder(arena, &folder, complaint))
        return false;
    Arguments arguments = {0};
    add(arena, &arguments, "cc");
    add(arena, &arguments, "-o");
    add(arena, &arguments, plain_path(arena, path));
    add(arena, &arguments, arena_printf(arena, "%s/libcnn_trainer.a", folder));
    for (size_t i = 0; i < workplace->files.count; i++)
        add(arena, &arguments, workplace->files.items[i]);
    for (size_t i = 0; i < COUNT(optional_libraries); i++)
        if ((libraries & optional_libraries[i].library) && *optional_libraries[i].flags) {
            add(arena, &arguments, "-Wl,--whole-archive");
            add(arena, &arguments, arena_printf(arena, "%s/%s", folder, optional_libraries[i].file));
            add(arena, &arguments, "-Wl,--no-whole-archive");
        }
    add(arena, &arguments, arena_printf(arena, "%s/libcnn_runtime.a", folder));
    for (size_t i = 0; i < COUNT(optional_libraries); i++)
        if (libraries & optional_libraries[i].library)
            add_flags(arena, &arguments, optional_libraries[i].flags);
    add_flags(arena, &arguments, CNNC_TRAINER_LINK_FLAGS);
    *vec_push(arena, &arguments) = NULL;
    return run(arena, arguments.items, complaint);
}

static bool build_beside(Session *session, const Linked *linked, Workplace *workplace, const char *beside,
                         const char **complaint)
{
    Arena *arena = session->arena;
    size_t length;
    CnnError error = {0};
    void *bytes = NULL;
    if (cnn_image_write(linked->image, &bytes, &length, &error) != CNN_OK) {
        *complaint = arena_printf(arena, "%s", error.text);
        return false;
    }
    CpuObject data = {0};
    bool done = cpu_data_object(session->target, bytes, length, linked->symbols, linked->functions, arena,
                                &data, complaint);
    free(bytes);
    done = done && write_object(workplace, "image", &data, complaint);
    for (int i = 0; done && i < linked->functions; i++)
        done = write_object(workplace, linked->symbols[i], &linked->objects[i], complaint);
    return done && link_all(workplace, source_libraries(linked->image->recipe.data), beside, complaint);
}

bool standalone_build(Session *session, const Linked *linked, const char *path, const char **complaint)
{
    Workplace workplace;
    if (!open_workplace(&workplace, session->arena, complaint))
        return false;
    const char *beside = arena_printf(session->arena, "%s.%ld.part", path, (long)getpid());
    bool done = build_beside(session, linked, &workplace, beside, complaint);
    close_workplace(&workplace);
    if (done && rename(beside, path) != 0) {
        *complaint = arena_printf(session->arena, "cannot write %s: %s", path, strerror(errno));
        done = false;
    }
    if (!done)
        unlink(beside);
    return done;
}

/* The first line that `cc --version` prints. */
static const char *linker_version(Arena *arena)
{
    char line[256] = "";
    FILE *output = popen("cc --version 2>/dev/null", "re");
    bool read = output && fgets(line, sizeof line, output);
    while (output && fgetc(output) != EOF) /* a linker that cannot write would fail */
        continue;
    if (output)
        pclose(output);
    return read ? arena_text(arena, line, strcspn(line, "\n")) : NULL;
}

bool standalone_check(Arena *arena, const char **linker, const char **complaint)
{
    static const char *const libraries[] = {"libcnn_trainer.a", "libcnn_runtime.a"};
    const char *folder;
    *linker = linker_version(arena);
    if (!*linker) {
        *complaint = "there is no C compiler 'cc' to link with (Debian: apt-get install gcc libc6-dev)";
        return false;
    }
    if (!library_folder(arena, &folder, complaint))
        return false;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, libraries[i]);
        if (access(path, R_OK) != 0) {
            *complaint = arena_printf(arena, "%s: %s; it lies beside cnnc where cnnc was built", path,
                                      strerror(errno));
            return false;
        }
    }
    Arguments arguments = {0};
    static const char *const flags[] = {"cc", "-shared", "-o", "/dev/null"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        add(arena, &arguments, flags[i]);
    for (size_t i = 0; i < COUNT(optional_libraries); i++)
        add_flags(arena, &arguments, optional_libraries[i].flags);
    add_flags(arena, &arguments, CNNC_TRAINER_LINK_FLAGS);
    *vec_push(arena, &arguments) = NULL;
    return run(arena, arguments.items, complaint);
}
