/* `cnnc run`: compiles a model and trains it. */
#include <stdio.h>
#include <stdlib.h>

#include "compiler/commands/runs.h"
#include "runtime/run/run_folder.h"
#include "runtime/training.h"

/* The model that is named, or that of the run folder to go on in. */
static CnnStatus find_model(const Options *options)
{
    const char *folder = options->training.resume;
    if (options->word_count > 0)
        return CNN_OK;
    if (!folder || !*folder)
        return command_fail(CNN_BAD_USAGE, "usage: cnnc run MODEL, or cnnc run --resume=FOLDER");
    options->words[0] = arena_printf(options->arena, "%s/" RUN_MODEL, folder);
    return CNN_OK;
}

/* The training is as good without. */
static void report(const Options *options, const char *folder, const Model *model, const Plan *plan)
{
    CnnError error = {0};
    bool silent = options->training.quiet || options->training.json;
    if (runs_write_report(options->arena, folder, model, plan, &error) != CNN_OK)
        fprintf(stderr, "cnnc: note: no report: %s\n", error.text);
    else if (!silent)
        printf("report written to %s/" RUN_REPORT "\n", folder);
}

static void say_compiled(const Linked *linked)
{
    printf("%d kernels compiled, %d from the cache, in %.2f s", linked->compiled, linked->cached,
           linked->seconds);
    if (linked->later)
        printf("; %d more while it trains", linked->later);
    putchar('\n');
}

CnnStatus command_run(const Options *options)
{
    Model model;
    Linked linked;
    CnnError error = {0};
    TRY(find_model(options));
    TRY(model_open(options, &model));
    model.session->at_once = true;
    CnnStatus status = model_link(&model, true, &linked);
    if (status == CNN_OK) {
        TrainingOptions training = options->training;
        char *folder = NULL;
        training.report = stdout;
        training.folder = &folder;
        training.threads = model.session->threads;
        if (!training.quiet && !training.json) {
            fputs(model_rewrites_text(&model), stdout);
            say_compiled(&linked);
        }
        status = cnn_train(linked.image, model.program->data, &training, &error);
        if (folder)
            report(options, folder, &model, linked.train);
        free(folder);
        driver_unlink(&linked);
        if (status != CNN_OK)
            command_fail(status, "%s", error.text);
    }
    model_close(&model);
    return status;
}
