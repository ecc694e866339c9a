/* `cnnc why`: why an epoch takes as long as it does, and what would make it shorter. */
#include "compiler/commands/why.h"

#include "compiler/commands/report.h"
#include "runtime/interrupt.h"

static const double SECONDS = 3;

static CnnStatus run(const Options *options, Why *why, const Linked *linked)
{
    CnnError error = {0};
    Interrupts before;
    cnn_interrupts_catch(&before);
    CnnStatus status = why_run(why, linked, &error);
    cnn_interrupts_release(&before);
    if (status == CNN_OK) {
        Text out = {.arena = why->arena};
        why_print(why, &out);
        fputs(text_string(&out), stdout);
        if (options->json)
            status = report_write(options->json, why_json(why), &error);
    }
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

static CnnStatus explain(const Options *options)
{
    Model model;
    Linked linked;
    TRY(model_open(options, &model));
    CnnStatus status = report_check(options->json, NULL, &model.checked->recipe);
    if (status == CNN_OK)
        status = model_link(&model, true, &linked);
    if (status == CNN_OK) {
        Why why = {.arena = model.session->arena,
                   .model = &model,
                   .tried_seconds = options->seconds ? (double)options->seconds : SECONDS};
        status = why_text(options, &model, &why.text, &why.options);
        why.options.no_cache |= linked.cache_complaint != NULL; /* said once */
        if (status == CNN_OK)
            why.ideas = why_ideas(why.arena, &model, why.text);
        if (status == CNN_OK && options->ideas)
            status = why_choose(why.arena, &why.ideas, options->ideas);
        if (status == CNN_OK)
            status = run(options, &why, &linked);
        driver_unlink(&linked);
    }
    model_close(&model);
    return status;
}

CnnStatus command_why(const Options *options)
{
    if (!options->apply != !options->output)
        return command_fail(CNN_BAD_USAGE, "why: --apply NAME,... and -o FILE go together");
    if (options->apply && options->ideas)
        return command_fail(CNN_BAD_USAGE, "why: --apply measures nothing, so --ideas has nothing to choose");
    return options->apply ? why_apply(options, options->apply, options->output) : explain(options);
}
