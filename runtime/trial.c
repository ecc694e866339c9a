#include "runtime/trial.h"

#include <inttypes.h>

#include "runtime/clock.h"
#include "runtime/interrupt.h"

typedef struct {
    TrainingDo *run;
    void *context;
} Trial;

static CnnStatus trial_run(Training *t, void *context, CnnError *error)
{
    const Trial *trial = context;
    TRY(training_open(t, error));
    t->rates = (RateSchedule){
        .base = t->image->recipe.rate, .steps_per_epoch = t->steps_per_epoch, .total = t->total};
    t->divergence.args.action = NAN_STOP;
    t->begun = t->step_begun = cnn_clock();
    Report report = t->report;
    t->report.out = NULL; /* what `run` says is its own */
    CnnStatus status = trial->run(t, trial->context, error);
    t->report = report;
    TRY(status);
    report_skipped(&t->report, t->loader, "training");
    if (cnn_interrupted())
        return cnn_fail(error, CNN_INTERRUPTED, "stopped after step %" PRId64, t->step);
    return training_log_check(t, error);
}

CnnStatus cnn_trial_check(const TrainingOptions *options, const char *flag, CnnError *error)
{
    const char *kept = options->save     ? "--save"
                       : options->out    ? "--out"
                       : options->resume ? "--resume"
                       : options->anyway ? "--anyway"
                                         : NULL;
    if (kept)
        return cnn_fail(error, CNN_BAD_USAGE, "%s keeps nothing of its training: it goes without %s", flag,
                        kept);
    if (options->epochs)
        return cnn_fail(error, CNN_BAD_USAGE, "%s is measured in steps: --steps bounds it, not --epochs",
                        flag);
    return CNN_OK;
}

CnnStatus cnn_trial(const CnnImage *image, CnnData *data, const TrainingOptions *options, TrainingDo *run,
                    void *context, CnnError *error)
{
    TrainingOptions alone = *options;
    Trial trial = {run, context};
    alone.no_out = true;
    alone.quiet = options->quiet || options->json;
    alone.json = false;
    return training_do(image, data, &alone, trial_run, &trial, error);
}
