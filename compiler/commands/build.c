/* `cnnc build`: an executable that trains the network, without cnnc and without LLVM; or the network as a
 * library, or as an object that needs none. */
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/commands/model.h"
#include "compiler/link/header.h"
#include "compiler/link/library.h"
#include "runtime/file.h"
#include "runtime/interrupt.h"
#include "runtime/output.h"
#include "runtime/state_file.h"

/* The processors that kernels are made for, the most able first. */
typedef VEC(BuildVersion) Versions;

/* What is to be written. */
typedef struct {
    const char *path;
    OutputKind kind;
    bool (*write)(Session *session, BuildRequest *request, const char *path, const char **complaint);
} Product;

static CnnStatus check_output(const Model *model, const Product *product)
{
    CnnError error = {0};
    const CnnRecipe *recipe = &model->program->recipe;
    CnnStatus status = cnn_output_check(recipe, product->path, product->kind, &error);
    if (status == CNN_OK && product->write != standalone_build)
        status = cnn_output_check(recipe, header_path(model->session->arena, product->path), OUTPUT_INTERFACE,
                                  &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

static CnnStatus choose_product(const Options *options, Product *product)
{
    const BuildOptions *build = &options->build;
    if (!options->output && !build->library && !build->bare)
        return command_fail(CNN_BAD_USAGE, "build: -o must say which file to write");
    if (!!options->output + !!build->library + !!build->bare > 1)
        return command_fail(CNN_BAD_USAGE, "-o, --library and --bare contradict each other");
    *product = build->library ? (Product){build->library, OUTPUT_PROGRAM, library_build}
               : build->bare  ? (Product){build->bare, OUTPUT_PROGRAM, bare_build}
                              : (Product){options->output, OUTPUT_PROGRAM, standalone_build};
    if (build->library && library_is_archive(build->library))
        product->kind = OUTPUT_LIBRARY;
    else if (build->library && !library_is_shared(build->library))
        return command_fail(CNN_BAD_USAGE, "--library: '%s' ends neither in .so nor in .a", build->library);
    return CNN_OK;
}

static CnnStatus check_flags(const Options *options)
{
    const BuildOptions *build = &options->build;
    if (build->march && options->cpu)
        return command_fail(CNN_BAD_USAGE, "--march and --cpu contradict each other");
    if (build->is_static && !options->output)
        return command_fail(CNN_BAD_USAGE, "--static is for programs, which -o names");
    if (!build->bare)
        return CNN_OK;
    if (!build->weights)
        return command_fail(CNN_BAD_USAGE, "--bare: the weights must be inside: --embed-weights FILE");
    if (build->march && strchr(build->march, ','))
        return command_fail(CNN_BAD_USAGE, "--bare takes one processor: nothing in it could choose");
    if (options->training.batch > 1)
        return command_fail(CNN_BAD_USAGE, "--bare takes one sample at a time, --batch 1");
    return CNN_OK;
}

/* --target, or this machine. */
static CnnStatus find_platform(const Options *options, Arena *arena, const Platform **platform)
{
    const char *complaint;
    *platform =
        options->build.target ? platform_find(arena, options->build.target, &complaint) : platform_here();
    return *platform ? CNN_OK : command_fail(CNN_NO_RESOURCE, "--target: %s", complaint);
}

static CnnStatus check_target(const CpuTarget *target, const Platform *platform)
{
    if (cpu_same_architecture(target, platform->triple))
        return CNN_OK;
    return command_fail(CNN_NO_RESOURCE,
                        "code for %s cannot be linked for %s; --target says for which machine", target->cpu,
                        platform->triple);
}

/* Before all that are less able. */
static void add_version(Arena *arena, Versions *versions, const char *name, const CpuTarget *target)
{
    *vec_push(arena, versions) = (BuildVersion){0};
    size_t at = versions->count - 1;
    for (; at > 0 && cpu_abilities(versions->items[at - 1].target) < cpu_abilities(target); at--)
        versions->items[at] = versions->items[at - 1];
    versions->items[at] = (BuildVersion){.name = name, .target = target};
}

static CnnStatus read_march(const Options *options, Arena *arena, const Platform *platform,
                            Versions *versions)
{
    char *names = arena_text(arena, options->build.march, strlen(options->build.march)), *rest;
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        const char *complaint;
        const CpuTarget *target = cpu_target(arena, name, &complaint);
        if (!target)
            return command_fail(CNN_BAD_USAGE, "--march: %s", complaint);
        for (size_t i = 0; i < versions->count; i++)
            if (strcmp(versions->items[i].name, name) == 0)
                return command_fail(CNN_BAD_USAGE, "--march: %s stands there twice", name);
        TRY(check_target(target, platform));
        add_version(arena, versions, name, target);
    }
    return versions->count ? CNN_OK : command_fail(CNN_BAD_USAGE, "--march names no processor");
}

/* Those of --march, else that of --cpu or the model, else that which any such machine runs. */
static CnnStatus choose_versions(const Options *options, const Model *model, const Platform *platform,
                                 Versions *versions)
{
    const char *complaint;
    Arena *arena = model->session->arena;
    const CpuTarget *target = model->session->target;
    if (options->build.march)
        return read_march(options, arena, platform, versions);
    if (platform->cpu && !options->cpu && !recipe_find(model->program->compile, &cpu_schema))
        target = cpu_target(arena, platform->cpu, &complaint);
    TRY(check_target(target, platform));
    add_version(arena, versions, options->cpu ? options->cpu : target->cpu, target);
    return CNN_OK;
}

/* A trainer is called from anywhere, and its data still lie beside the model. */
static const char *whole_path(Arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *folder = slash ? arena_text(arena, path, (size_t)(name - path)) : ".";
    char *whole = realpath(folder, NULL);
    if (whole)
        path = arena_printf(arena, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, name);
    free(whole);
    return path;
}

static const char *model_place(const Options *options, Arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return options->build.data_root
               ? arena_printf(arena, "%s/%s", options->build.data_root, slash ? slash + 1 : path)
               : whole_path(arena, path);
}

/* The flags that decided how the program is. */
static const char *made_text(const Options *options, Arena *arena)
{
    Text text = {.arena = arena};
    text_printf(&text, CNNC_VERSION ", LLVM " CNNC_LLVM_VERSION);
    if (options->build.target)
        text_printf(&text, ", --target %s", options->build.target);
    if (options->build.march || options->cpu)
        text_printf(&text, ", --%s %s", options->build.march ? "march" : "cpu",
                    options->build.march ? options->build.march : options->cpu);
    text_printf(&text, "%s%s", options->build.is_static ? ", --static" : "",
                options->exact ? ", --exact" : "");
    return text_string(&text);
}

static CnnStatus check_weights(const Model *model, const CnnImage *image, const char *path)
{
    WeightFile *file;
    StateMatch match;
    CnnError error = {0};
    CnnStatus status = cnn_weights_open(path, &file, &error);
    if (status == CNN_OK)
        status = cnn_state_match(image, model->program->data, file, path, &match, &error);
    cnn_weights_close(file);
    if (status == CNN_OK && match.found < match.wanted)
        status = cnn_fail(&error, CNN_BAD_INPUT, "'%s' lacks %d of the network's %d tensors: %s", path,
                          match.wanted - match.found, match.wanted, match.missing);
    return status == CNN_OK ? CNN_OK : command_fail(status, "--embed-weights: %s", error.text);
}

static CnnStatus read_weights(const Options *options, const Model *model, BuildRequest *request)
{
    char *bytes;
    size_t length;
    CnnError error = {0};
    if (!options->build.weights)
        return CNN_OK;
    TRY(check_weights(model, request->versions[0].linked.image, options->build.weights));
    if (cnn_file_read(options->build.weights, &bytes, &length, &error) != CNN_OK)
        return command_fail(error.status, "--embed-weights: %s", error.text);
    request->weights = arena_copy(model->session->arena, bytes, length);
    request->weights_bytes = length;
    request->weights_name = options->build.weights;
    free(bytes);
    return CNN_OK;
}

static CnnStatus link_versions(const Options *options, Model *model, Versions *versions)
{
    Session *session = model->session;
    for (size_t i = 0; i < versions->count; i++) {
        Linked *linked = &versions->items[i].linked;
        session->target = versions->items[i].target;
        TRY(model_link(model, false, linked));
        linked->image->recipe.model_path =
            model_place(options, session->arena, linked->image->recipe.model_path);
    }
    return CNN_OK;
}

static void print_done(const Model *model, const BuildRequest *request, const char *path)
{
    double seconds = 0;
    fputs(model_rewrites_text(model), stdout);
    for (int i = 0; i < request->version_count; i++)
        seconds += request->versions[i].linked.seconds;
    printf("%s: %d kernels", path, request->versions[0].linked.functions);
    for (int i = 0; request->version_count > 1 && i < request->version_count; i++)
        printf("%s%s", i ? ", " : " for ", request->versions[i].name);
    printf(" in %.2f s\n%s", seconds, request->notes);
}

/* Ctrl-C reaches the linker too: then it ends, and what was made is removed as after any other failure. */
static CnnStatus build(const Model *model, BuildRequest *request, const Product *product)
{
    const char *complaint;
    Interrupts before;
    CnnStatus status = CNN_OK;
    cnn_interrupts_catch(&before);
    if (!product->write(model->session, request, product->path, &complaint))
        status = cnn_interrupted() ? CNN_INTERRUPTED : CNN_NO_RESOURCE;
    cnn_interrupts_release(&before);
    if (status != CNN_OK)
        return command_fail(status, "%s",
                            status == CNN_INTERRUPTED ? "stopped; nothing was built" : complaint);
    print_done(model, request, product->path);
    return CNN_OK;
}

static CnnStatus build_model(const Options *options, const Product *product, Model *model)
{
    Versions versions = {0};
    BuildRequest request = {.is_static = options->build.is_static,
                            .made = made_text(options, model->session->arena)};
    if (product->write == bare_build)
        model->session->purpose = PURPOSE_PREDICTION;
    TRY(find_platform(options, model->session->arena, &request.platform));
    TRY(choose_versions(options, model, request.platform, &versions));
    if (product->write == bare_build)
        versions.items[0].target = cpu_without_stack(model->session->arena, versions.items[0].target);
    TRY(check_output(model, product));
    TRY(link_versions(options, model, &versions));
    request.versions = versions.items;
    request.version_count = (int)versions.count;
    TRY(read_weights(options, model, &request));
    return build(model, &request, product);
}

CnnStatus command_build(const Options *options)
{
    Model model;
    Product product = {0};
    Options with_batch = *options;
    TRY(choose_product(options, &product));
    TRY(check_flags(options));
    if (product.write == bare_build)
        with_batch.training.batch = 1;
    TRY(model_open(&with_batch, &model));
    CnnStatus status = build_model(options, &product, &model);
    model_close(&model);
    return status;
}
