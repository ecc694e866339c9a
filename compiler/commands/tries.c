#include "compiler/commands/tries.h"

#include "compiler/commands/report.h"
#include "runtime/trial.h"

typedef CnnStatus Try(const Options *options, Model *model, CnnError *error);

/* What the command line asks for; *flag NULL: nothing. Errors: more than one. */
static CnnStatus find_try(const Options *options, const char **flag, Try **run)
{
    const struct {
        bool wanted;
        const char *flag;
        Try *run;
    } rows[] = {{options->overfit > 0, "--overfit", try_overfit},
                {options->find_rate, "--find-rate", try_find_rate},
                {options->find_batch, "--find-batch", try_find_batch}};
    *flag = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].wanted)
            continue;
        if (*flag)
            return command_fail(CNN_BAD_USAGE, "run: %s and %s are two things: one at a time", *flag,
                                rows[i].flag);
        *flag = rows[i].flag;
        *run = rows[i].run;
    }
    return CNN_OK;
}

bool tries_wanted(const Options *options)
{
    return options->overfit > 0 || options->find_rate || options->find_batch || options->plot;
}

FILE *try_out(const Options *options)
{
    return options->training.quiet || options->training.json ? NULL : stdout;
}

CnnStatus try_training(const Options *options, Model *model, TrainingDo *run, void *context, CnnError *error)
{
    Linked linked;
    model->session->at_once = true;
    TRY(model_link(model, true, &linked));
    TrainingOptions training = options->training;
    training.report = stdout;
    training.threads = model->session->threads;
    CnnStatus status = cnn_trial(linked.image, model->program->data, &training, run, context, error);
    driver_unlink(&linked);
    return status;
}

CnnStatus tries_run(const Options *options)
{
    Model model;
    CnnError error = {0};
    const char *flag;
    Try *run = NULL;
    TRY(find_try(options, &flag, &run));
    if (options->plot && !options->find_rate)
        return command_fail(CNN_BAD_USAGE, "run: --plot draws what --find-rate finds");
    if (cnn_trial_check(&options->training, flag, &error) != CNN_OK)
        return command_fail(error.status, "run: %s", error.text);
    if (options->word_count == 0)
        return command_fail(CNN_BAD_USAGE, "usage: cnnc run MODEL %s", flag);
    TRY(model_open(options, &model));
    CnnStatus status = report_check(NULL, options->plot, &model.checked->recipe);
    if (status == CNN_OK)
        status = run(options, &model, &error);
    if (status != CNN_OK && *error.text)
        command_fail(status, "%s", error.text);
    model_close(&model);
    return status;
}
