/* Opens models for the commands. */
#include "compiler/commands/model.h"

#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/commands/layers.h"

static CnnStatus fusions_only(const char *names, FusionOptions *fusions)
{
    for (int i = 0; i < FUSION_COUNT; i++)
        fusions->off[i] = true;
    while (*names) {
        size_t length = strcspn(names, ",");
        int found = 0;
        while (found < FUSION_COUNT && (strncmp(fusion_table[found].name, names, length) != 0 ||
                                        fusion_table[found].name[length] != '\0'))
            found++;
        if (found == FUSION_COUNT)
            return command_fail(CNN_BAD_USAGE, "--fuse: there is no fusion '%.*s'; `cnnc passes` lists them",
                                (int)length, names);
        fusions->off[found] = false;
        names += length + (names[length] == ',');
    }
    return CNN_OK;
}

static CnnStatus set_fusions(const Options *options, FusionOptions *fusions)
{
    if (options->fuse && options->no_fuse)
        return command_fail(CNN_BAD_USAGE, "--fuse and --no-fuse contradict each other");
    if (options->fuse)
        TRY(fusions_only(options->fuse, fusions));
    for (int i = 0; i < FUSION_COUNT; i++)
        if (options->no_fuse || options->fusion_off[i])
            fusions->off[i] = true;
    return CNN_OK;
}

CnnStatus model_report(const Model *model)
{
    fflush(stdout);
    diag_print(model->session->diag, stderr);
    return diag_errors(model->session->diag) ? CNN_BAD_INPUT : CNN_OK;
}

CnnStatus model_open(const Options *options, Model *model)
{
    FusionOptions fusions = {0};
    TRY(set_fusions(options, &fusions));
    Session *session = session_open();
    session->check = (CheckOptions){.defines = options->defines.value,
                                    .define_count = options->defines.count,
                                    .sets = options->sets.value,
                                    .set_count = options->sets.count,
                                    .batch = options->training.batch};
    session->fusions = fusions;
    session->no_cache = options->no_cache;
    session->threads = options->training.threads ? options->training.threads : options->evaluation.threads;
    *model = (Model){.session = session, .path = options->words[0]};
    model->program = driver_check(session, model->path);
    CnnStatus status = model_report(model);
    if (status == CNN_OK && !model->program)
        BUG("the check of %s failed without a message", model->path);
    if (status != CNN_OK)
        model_close(model);
    return status;
}

void model_close(Model *model)
{
    session_close(model->session);
    model->session = NULL;
    model->program = NULL;
}

CnnStatus model_link(Model *model, bool load, Linked *linked)
{
    const char *complaint;
    if (!driver_link(model->session, model->program, NULL, load, linked, &complaint)) {
        driver_unlink(linked);
        CnnStatus status = model_report(model);
        return complaint ? command_fail(CNN_NO_RESOURCE, "%s", complaint) : status;
    }
    if (linked->cache_complaint)
        fprintf(stderr, "cnnc: note: compiled kernels are not kept: %s\n", linked->cache_complaint);
    linked->image->summary = layers_table(model->session, model->program, linked->train);
    return CNN_OK;
}
