/* `cnnc build`: an executable that trains the network, without cnnc and without LLVM. */
#include "compiler/commands/model.h"
#include "compiler/link/standalone.h"

CnnStatus command_build(const Options *options)
{
    Model model;
    Linked linked;
    const char *complaint;
    if (!options->output)
        return command_fail(CNN_BAD_USAGE, "build: -o must say which file to write");
    TRY(model_open(options, &model));
    CnnStatus status = model_link(&model, false, &linked);
    if (status == CNN_OK && !standalone_build(model.session, &linked, options->output, &complaint))
        status = command_fail(CNN_NO_RESOURCE, "%s", complaint);
    if (status == CNN_OK)
        printf("%s: %d kernels in %.2f s\n", options->output, linked.object_count, linked.seconds);
    model_close(&model);
    return status;
}
