/* `cnnc build`: an executable that trains the network, without cnnc and without LLVM. */
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/commands/model.h"
#include "compiler/link/standalone.h"
#include "runtime/interrupt.h"
#include "runtime/output.h"

static CnnStatus check_output(const Model *model, const char *path)
{
    CnnError error = {0};
    CnnStatus status = cnn_output_check(&model->program->recipe, path, OUTPUT_PROGRAM, &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

static CnnStatus check_target(const Model *model)
{
    CnnError error = {0};
    CnnStatus status = cpu_links_here(model->session->target, &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
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

/* Ctrl-C reaches the linker too: then it ends, and what was made is removed as after any other failure. */
static CnnStatus build(const Model *model, const Linked *linked, const char *path)
{
    const char *complaint;
    Interrupts before;
    CnnStatus status = CNN_OK;
    cnn_interrupts_catch(&before);
    linked->image->recipe.model_path = whole_path(model->session->arena, linked->image->recipe.model_path);
    if (!standalone_build(model->session, linked, path, &complaint))
        status = cnn_interrupted() ? CNN_INTERRUPTED : CNN_NO_RESOURCE;
    cnn_interrupts_release(&before);
    if (status != CNN_OK)
        return command_fail(status, "%s",
                            status == CNN_INTERRUPTED ? "stopped; nothing was built" : complaint);
    fputs(model_rewrites_text(model), stdout);
    printf("%s: %d kernels in %.2f s\n", path, linked->functions, linked->seconds);
    return CNN_OK;
}

CnnStatus command_build(const Options *options)
{
    Model model;
    Linked linked;
    if (!options->output)
        return command_fail(CNN_BAD_USAGE, "build: -o must say which file to write");
    TRY(model_open(options, &model));
    CnnStatus status = check_target(&model);
    if (status == CNN_OK)
        status = check_output(&model, options->output);
    if (status == CNN_OK)
        status = model_link(&model, false, &linked);
    if (status == CNN_OK)
        status = build(&model, &linked, options->output);
    model_close(&model);
    return status;
}
