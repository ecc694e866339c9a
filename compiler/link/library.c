#include "compiler/link/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/base/text.h"
#include "compiler/cpu/bare_object.h"
#include "compiler/link/header.h"
#include "runtime/file.h"
#include "runtime/init.h"

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), count = strlen(ending);
    return length > count && strcmp(path + length - count, ending) == 0;
}

bool library_is_archive(const char *path)
{
    return ends_with(path, ".a");
}

bool library_is_shared(const char *path)
{
    return ends_with(path, ".so");
}

/* One object of all that the functions `roots` need; these alone stay global, under the names that `names`
 * has for them. NULL with a sentence in *complaint. */
static const char *combine(Workplace *workplace, const Platform *platform, const char *const *archives,
                           const char *const *roots, const char *const *names, const char **complaint)
{
    Arena *arena = workplace->arena;
    size_t objects = workplace->files.count;
    const char *whole = workplace_path(workplace, "whole.o"), *closed = workplace_path(workplace, "closed.o");
    Arguments link = {0}, close = {0};
    arguments_add(arena, &link, platform->compiler);
    arguments_add_list(arena, &link, "-r -nostdlib -Wl,--gc-sections -o");
    arguments_add(arena, &link, whole);
    for (int i = 0; roots[i]; i++)
        arguments_add(arena, &link, arena_printf(arena, "-Wl,-u,%s", roots[i]));
    for (size_t i = 0; i < objects; i++)
        arguments_add(arena, &link, workplace->files.items[i]);
    for (int i = 0; archives[i]; i++)
        arguments_add(arena, &link, archives[i]);
    if (!toolchain_run(arena, &link, platform->package, complaint))
        return NULL;
    arguments_add(arena, &close, arena_printf(arena, "%sobjcopy", platform->prefix));
    arguments_add(arena, &close, "--strip-debug");
    for (int i = 0; roots[i]; i++) {
        arguments_add(arena, &close, arena_printf(arena, "--redefine-sym=%s=%s", roots[i], names[i]));
        arguments_add(arena, &close, arena_printf(arena, "--keep-global-symbol=%s", names[i]));
    }
    arguments_add(arena, &close, whole);
    arguments_add(arena, &close, closed);
    return toolchain_run(arena, &close, platform->package, complaint) ? closed : NULL;
}

/* The path that a file has until it is whole. */
static const char *part_path(Arena *arena, const char *path)
{
    return arena_printf(arena, "%s.%ld.part", path, (long)getpid());
}

static bool write_text(Arena *arena, const char *path, const char *text, const char **complaint)
{
    FILE *file = fopen(path, "w");
    bool written = file && fputs(text, file) >= 0;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        *complaint = arena_printf(arena, "cannot write %s: %s", path, strerror(errno));
    return written;
}

/* Gives what is whole its name: the library, whose part is there, and its header. */
static bool finish(Arena *arena, bool done, const char *path, const char *header, const char **complaint)
{
    const char *to = header_path(arena, path), *part = part_path(arena, path), *above = part_path(arena, to);
    done = done && write_text(arena, above, header, complaint);
    if (done && (rename(part, path) != 0 || rename(above, to) != 0)) {
        *complaint = arena_printf(arena, "cannot write %s: %s", path, strerror(errno));
        done = false;
    }
    if (!done) {
        unlink(part);
        unlink(above);
    }
    return done;
}

static bool link_shared(Arena *arena, const Platform *platform, const char *object, const char *part,
                        const char **complaint)
{
    Arguments arguments = {0};
    arguments_add(arena, &arguments, platform->compiler);
    arguments_add_list(arena, &arguments, "-shared -s -Wl,--gc-sections -Wl,-z,defs -o");
    arguments_add_path(arena, &arguments, part);
    arguments_add(arena, &arguments, object);
    arguments_add_list(arena, &arguments, platform->flags);
    return toolchain_run(arena, &arguments, platform->package, complaint);
}

static bool make_archive(Arena *arena, const Platform *platform, const char *object, const char *part,
                         const char **complaint)
{
    Arguments arguments = {0};
    arguments_add(arena, &arguments, arena_printf(arena, "%sar", platform->prefix));
    arguments_add(arena, &arguments, "rcs");
    arguments_add_path(arena, &arguments, part);
    arguments_add(arena, &arguments, object);
    return toolchain_run(arena, &arguments, platform->package, complaint);
}

/* The functions of network.h, and their names in this library. */
static void name_functions(Arena *arena, const CnnImage *image, const char ***roots, const char ***names)
{
    int count = 0;
    const char *prefix = header_prefix(arena, image);
    while (network_functions[count].name)
        count++;
    *roots = NEW_ARRAY(arena, const char *, count + 1);
    *names = NEW_ARRAY(arena, const char *, count + 1);
    for (int i = 0; i < count; i++) {
        (*roots)[i] = arena_printf(arena, "cnn_network_%s", network_functions[i].name);
        (*names)[i] = arena_printf(arena, "%s_%s", prefix, network_functions[i].name);
    }
}

static bool build_part(Session *session, BuildRequest *request, Workplace *workplace, const char *path,
                       const char **complaint)
{
    Arena *arena = session->arena;
    const Platform *platform = request->platform;
    const char **roots, **names, *archives[3] = {0}, *part = part_path(arena, path);
    archives[0] = toolchain_library(arena, platform, "libcnn_library.a", complaint);
    archives[1] = archives[0] ? toolchain_library(arena, platform, "libcnn_runtime.a", complaint) : NULL;
    if (!archives[1] || !build_write_objects(session, request, workplace, complaint))
        return false;
    name_functions(arena, request->versions[0].linked.image, &roots, &names);
    const char *object = combine(workplace, platform, archives, roots, names, complaint);
    if (!object)
        return false;
    return library_is_shared(path) ? link_shared(arena, platform, object, part, complaint)
                                   : make_archive(arena, platform, object, part, complaint);
}

bool library_build(Session *session, BuildRequest *request, const char *path, const char **complaint)
{
    Workplace workplace;
    request->notes = "";
    if (!workplace_open(&workplace, session->arena, complaint))
        return false;
    bool done = build_part(session, request, &workplace, path, complaint);
    workplace_close(&workplace);
    return finish(session->arena, done, path,
                  header_of_library(session->arena, request, request->platform->flags), complaint);
}

/* ---- An object that needs nothing ---- */

/* The weights where the image has them. NULL with a sentence in *complaint. */
static const void *make_state(Arena *arena, const CnnImage *image, const WeightFile *weights,
                              const char **complaint)
{
    char *state = arena_array(arena, image->state_bytes + 1, 1);
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        const NamedTensor *found = cnn_weights_find(weights, tensor->name);
        uint64_t bytes = (uint64_t)cnn_tensor_elements(tensor) * dtype_bytes(tensor->dtype);
        if (!found) {
            *complaint = arena_printf(arena, "the weights lack '%s'", tensor->name);
            return NULL;
        }
        memcpy(state + tensor->offset, found->data, bytes);
    }
    return state;
}

static bool write_bare(Session *session, const BuildRequest *request, BareRequest *bare, Workplace *workplace,
                       const char **complaint)
{
    const BuildVersion *version = &request->versions[0];
    const Linked *linked = &version->linked;
    CpuObject object = {0};
    bool done = cpu_bare_object(version->target, bare, session->arena, &object, complaint) &&
                workplace_object(workplace, "bare", &object, complaint);
    for (int i = 0; done && i < linked->functions; i++)
        done = workplace_object(workplace, linked->symbols[i], &linked->objects[i], complaint) != NULL;
    return done;
}

static bool copy_file(Arena *arena, const char *from, const char *to, const char **complaint)
{
    char *bytes;
    size_t length;
    CnnError error = {0};
    if (cnn_file_read(from, &bytes, &length, &error) != CNN_OK) {
        *complaint = arena_printf(arena, "%s", error.text);
        return false;
    }
    FILE *file = fopen(to, "wb");
    bool written = file && fwrite(bytes, 1, length, file) == length;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        *complaint = arena_printf(arena, "cannot write %s: %s", to, strerror(errno));
    free(bytes);
    return written;
}

bool bare_build(Session *session, BuildRequest *request, const char *path, const char **complaint)
{
    Arena *arena = session->arena;
    Workplace workplace;
    WeightFile *weights;
    CnnError error = {0};
    const Linked *linked = &request->versions[0].linked;
    const char *function = arena_printf(arena, "%s_predict", header_prefix(arena, linked->image));
    const char *const functions[] = {function, NULL}, *const none[] = {NULL};
    request->notes = "";
    if (cnn_weights_read(request->weights_name, request->weights, request->weights_bytes, &weights, &error) !=
        CNN_OK) {
        *complaint = arena_printf(arena, "%s", error.text);
        return false;
    }
    BareRequest bare = {.image = linked->image, .symbols = linked->symbols, .function = function};
    bare.state = make_state(arena, linked->image, weights, complaint);
    bool done = bare.state && workplace_open(&workplace, arena, complaint);
    if (done) {
        const char *object =
            write_bare(session, request, &bare, &workplace, complaint)
                ? combine(&workplace, request->platform, none, functions, functions, complaint)
                : NULL;
        done = object && copy_file(arena, object, part_path(arena, path), complaint);
        workplace_close(&workplace);
    }
    done = finish(arena, done, path,
                  header_of_bare(arena, request, weights, bare.constant_bytes, bare.memory_bytes), complaint);
    cnn_weights_close(weights);
    return done;
}
