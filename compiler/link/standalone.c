#include "compiler/link/standalone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/base/bug.h"
#include "compiler/base/text.h"
#include "runtime/data/source.h"
#include "runtime/image_io.h"

/* What only some data need; nothing asks for it by a strong symbol. Without flags, cnnc was built without it.
 * In a static program only what has a static library: the symbols in it that are asked for. */
static const struct {
    OptionalLibrary library;
    const char *file, *flags, *static_flags, *static_symbols;
    const char *left_out; /* of a static program, for people */
    bool needed;          /* what needs it does nothing without */
} optional_libraries[] = {{LIBRARY_SOUND, "libcnn_sound.a", CNNC_SOUND_LINK_FLAGS, "", "", "sounds", true},
                          {LIBRARY_UNPACK, "libcnn_unpack.a", CNNC_UNPACK_LINK_FLAGS, "", "",
                           "archives in .tar.bz2, .tar.xz and .tar.zst", false},
                          {LIBRARY_FORMATS, "libcnn_formats.a", CNNC_FORMAT_LINK_FLAGS,
                           CNNC_STATIC_FORMAT_LINK_FLAGS, CNNC_STATIC_FORMAT_SYMBOLS,
                           CNNC_STATIC_FORMATS_MISSING, false}};

/* The archive of an optional library: all of it, or, in a static program, what has static libraries. */
static bool add_optional(Arena *arena, const BuildRequest *request, size_t i, Arguments *arguments,
                         const char **complaint)
{
    const char *path = toolchain_library(arena, request->platform, optional_libraries[i].file, complaint);
    if (!path)
        return false;
    arguments_add_list(arena, arguments,
                       request->is_static ? optional_libraries[i].static_symbols : "-Wl,--whole-archive");
    arguments_add(arena, arguments, path);
    if (!request->is_static)
        arguments_add(arena, arguments, "-Wl,--no-whole-archive");
    return true;
}

static bool is_here(const BuildRequest *request, unsigned libraries, size_t i)
{
    return request->platform == platform_here() && (libraries & optional_libraries[i].library) &&
           *(request->is_static ? optional_libraries[i].static_flags : optional_libraries[i].flags);
}

/* Says what cannot be read that cnnc reads. false: the program would be of no use. */
static bool note_left_out(Arena *arena, BuildRequest *request, unsigned libraries, const char **complaint)
{
    Text notes = {.arena = arena};
    bool here = request->platform == platform_here();
    if (!here)
        text_printf(&notes, "%s", request->platform->missing);
    for (size_t i = 0; i < COUNT(optional_libraries) && (request->is_static || !here); i++) {
        if (!(libraries & optional_libraries[i].library))
            continue;
        if (optional_libraries[i].needed) {
            *complaint = arena_printf(
                arena, "the data are %s, and there is no library for %s that reads them",
                optional_libraries[i].left_out, here ? "a static program" : request->platform->triple);
            return false;
        }
        if (here && *optional_libraries[i].left_out)
            text_printf(&notes, "%s%s", notes.length ? "; " : "", optional_libraries[i].left_out);
    }
    request->notes = notes.length ? arena_printf(arena, "note: it cannot read %s\n", notes.bytes) : "";
    return true;
}

static bool link_all(Workplace *workplace, BuildRequest *request, const char *path, const char **complaint)
{
    Arena *arena = workplace->arena;
    const Platform *platform = request->platform;
    unsigned libraries = source_libraries(request->versions[0].linked.image->recipe.data);
    const char *trainer = toolchain_library(arena, platform, "libcnn_trainer.a", complaint);
    const char *runtime = trainer ? toolchain_library(arena, platform, "libcnn_runtime.a", complaint) : NULL;
    if (!runtime || !note_left_out(arena, request, libraries, complaint))
        return false;
    Arguments arguments = {0};
    arguments_add(arena, &arguments, platform->compiler);
    arguments_add_list(arena, &arguments, "-Wl,--gc-sections -Wl,--strip-debug");
    if (request->is_static)
        arguments_add_list(arena, &arguments, "-static -s");
    arguments_add(arena, &arguments, "-o");
    arguments_add_path(arena, &arguments, path);
    arguments_add(arena, &arguments, trainer);
    for (size_t i = 0; i < workplace->files.count; i++)
        arguments_add(arena, &arguments, workplace->files.items[i]);
    for (size_t i = 0; i < COUNT(optional_libraries); i++)
        if (is_here(request, libraries, i) && !add_optional(arena, request, i, &arguments, complaint))
            return false;
    if (request->is_static) {
        const char *alone = toolchain_library(arena, platform, "libcnn_static.a", complaint);
        if (!alone)
            return false;
        arguments_add(arena, &arguments, "-Wl,-u,cnn_shared_symbol");
        arguments_add(arena, &arguments, alone);
    }
    arguments_add(arena, &arguments, runtime);
    for (size_t i = 0; i < COUNT(optional_libraries); i++)
        if (is_here(request, libraries, i))
            arguments_add_list(arena, &arguments,
                               request->is_static ? optional_libraries[i].static_flags
                                                  : optional_libraries[i].flags);
    arguments_add_list(arena, &arguments, platform->flags);
    return toolchain_run(arena, &arguments, platform->package, complaint);
}

/* One version, as the data object has it. */
static bool describe(Session *session, const BuildVersion *version, DataVersion *out, const char **complaint)
{
    CnnError error = {0};
    void *bytes = NULL;
    const Linked *linked = &version->linked;
    *out = (DataVersion){.name = version->name,
                         .needs = version->target->features,
                         .symbols = linked->symbols,
                         .functions = linked->functions};
    if (cnn_image_write(linked->image, &bytes, &out->image_bytes, &error) != CNN_OK) {
        *complaint = arena_printf(session->arena, "%s", error.text);
        return false;
    }
    out->image = arena_copy(session->arena, bytes, out->image_bytes);
    free(bytes);
    return true;
}

/* The version that asks for the least: whatever is not a kernel is made for it. */
static const BuildVersion *plainest(const BuildRequest *request)
{
    return &request->versions[request->version_count - 1];
}

bool build_write_objects(Session *session, const BuildRequest *request, Workplace *workplace,
                         const char **complaint)
{
    DataVersion *versions = NEW_ARRAY(session->arena, DataVersion, request->version_count);
    bool done = true;
    for (int v = 0; done && v < request->version_count; v++) {
        const Linked *linked = &request->versions[v].linked;
        done = describe(session, &request->versions[v], &versions[v], complaint);
        for (int i = 0; done && i < linked->functions; i++)
            done = workplace_object(workplace, linked->symbols[i], &linked->objects[i], complaint) != NULL;
    }
    DataContents contents = {.versions = versions,
                             .version_count = request->version_count,
                             .weights = request->weights,
                             .weights_bytes = request->weights_bytes,
                             .weights_name = request->weights_name,
                             .made = request->made};
    CpuObject data = {0};
    return done && cpu_data_object(plainest(request)->target, &contents, session->arena, &data, complaint) &&
           workplace_object(workplace, "built", &data, complaint) != NULL;
}

bool standalone_build(Session *session, BuildRequest *request, const char *path, const char **complaint)
{
    Workplace workplace;
    if (!workplace_open(&workplace, session->arena, complaint))
        return false;
    const char *beside = arena_printf(session->arena, "%s.%ld.part", path, (long)getpid());
    bool done = build_write_objects(session, request, &workplace, complaint) &&
                link_all(&workplace, request, beside, complaint);
    workplace_close(&workplace);
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
    *linker = linker_version(arena);
    if (!*linker) {
        *complaint = "there is no C compiler 'cc' to link with (Debian: apt-get install gcc libc6-dev)";
        return false;
    }
    for (size_t i = 0; i < COUNT(libraries); i++)
        if (!toolchain_library(arena, platform_here(), libraries[i], complaint))
            return false;
    Arguments arguments = {0};
    arguments_add_list(arena, &arguments, "cc -shared -o /dev/null");
    for (size_t i = 0; i < COUNT(optional_libraries); i++)
        arguments_add_list(arena, &arguments, optional_libraries[i].flags);
    arguments_add_list(arena, &arguments, platform_here()->flags);
    return toolchain_run(arena, &arguments, platform_here()->package, complaint);
}
