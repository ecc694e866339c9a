/* `cnnc run`: compiles a model and trains it. */
#include <stdio.h>
#include <stdlib.h>

#include "compiler/commands/run.h"
#include "compiler/commands/runs.h"
#include "compiler/commands/tries.h"
#include "compiler/commands/web.h"
#include "runtime/interrupt.h"
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
    bool silent = options->training.quiet || options->training.json || options->training.label;
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

/* Trains what is linked, with a page where `web` is not NULL, which ends with the training. */
static CnnStatus train(const Options *options, const Model *model, const Linked *linked, Web *web,
                       RunLeft *left, CnnError *error)
{
    TrainingOptions training = options->training;
    bool silent = training.quiet || training.json || training.label;
    left->compiled = linked->compiled;
    left->cached = linked->cached;
    training.report = stdout;
    training.folder = &left->folder;
    training.threads = model->session->threads;
    training.listener = web_listener(web);
    if (!silent) {
        fputs(model_rewrites_text(model), stdout);
        say_compiled(linked);
    }
    CnnStatus status = web_begin(web, model, linked->train, &training, error);
    if (status == CNN_OK && cnn_interrupted())
        status = cnn_fail(error, CNN_INTERRUPTED, "stopped before the first step");
    if (status == CNN_OK)
        status = cnn_train(linked->image, model->program->data, &training, error);
    if (left->folder)
        report(options, left->folder, model, linked->train);
    web_close(web, left->folder ? arena_printf(options->arena, "%s/" RUN_REPORT, left->folder) : "");
    return status;
}

CnnStatus run_train(const Options *options, RunLeft *left, CnnError *error)
{
    Model model;
    *left = (RunLeft){0};
    TRY(model_open(options, &model));
    model.session->at_once = true;
    Linked linked;
    Web *web;
    CnnStatus status = web_open(options->web, &web, error);
    if (status == CNN_OK) {
        status = model_link(&model, true, &linked);
        if (status == CNN_OK)
            status = train(options, &model, &linked, web, left, error);
        else
            web_close(web, "");
        driver_unlink(&linked);
    }
    model_close(&model);
    return status;
}

CnnStatus command_run(const Options *options)
{
    RunLeft left;
    CnnError error = {0};
    if (tries_wanted(options))
        return tries_run(options);
    if (options->seeds)
        return run_seeds(options);
    TRY(find_model(options));
    CnnStatus status = run_train(options, &left, &error);
    free(left.folder);
    if (error.status != CNN_OK)
        command_fail(status, "%s", error.text);
    return status;
}
