/* `cnnc tune`: looks for the fastest schedule of each kernel on this machine, and keeps it for all trainings
 * to come. */
#include <stdlib.h>
#include <unistd.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/model.h"

static const double SECONDS = 60;

static void show_progress(void *context, int done, int count, const char *name)
{
    (void)context;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%d of %d kernels: %s", done + 1, count, name);
}

static int by_gain(const void *left, const void *right)
{
    const CpuTuned *a = left, *b = right;
    double difference = (b->before - b->after) * b->calls - (a->before - a->after) * a->calls;
    return (difference > 0) - (difference < 0);
}

static void print_tuned(CpuTuned *tuned, int count)
{
    double before = 0, after = 0;
    int tried = 0, remembered = 0;
    qsort(tuned, (size_t)count, sizeof *tuned, by_gain);
    for (int i = 0; i < count; i++) {
        before += tuned[i].before * tuned[i].calls;
        after += tuned[i].after * tuned[i].calls;
        tried += tuned[i].tried;
        remembered += tuned[i].remembered;
        if (tuned[i].after < tuned[i].before)
            printf("%10.1f us a step, was %10.1f  %s\n", 1e6 * tuned[i].after * tuned[i].calls,
                   1e6 * tuned[i].before * tuned[i].calls, tuned[i].kernel->name);
    }
    printf("%d schedules of %d kernels measured, %d remembered: %.2f ms a step on one core, was %.2f (%.1f "
           "%% less)\n",
           tried, count, remembered, 1e3 * after, 1e3 * before, 100 * (1 - after / before));
}

CnnStatus command_tune(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    Session *session = model.session;
    CnnStatus status = model_runs_here(&model);
    if (status == CNN_OK)
        fputs(model_rewrites_text(&model), stdout);
    session->tune = options->full ? TUNE_FULL : TUNE_QUICK;
    session->tune_report = show_progress;
    double seconds = options->seconds ? (double)options->seconds : SECONDS;
    for (int training = 1; training >= 0 && status == CNN_OK; training--) {
        const char *complaint = NULL;
        CpuTuned *tuned;
        int count;
        const Graph *graph = driver_graph(session, model.program, training);
        status = graph ? CNN_OK : model_report(&model);
        if (status != CNN_OK)
            break;
        Plan *plan = driver_plan(session, graph);
        if (!driver_tune(session, plan, seconds, options->again, &tuned, &count, &complaint))
            status = command_fail(CNN_NO_RESOURCE, "%s", complaint);
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r\033[K");
        if (status == CNN_OK) {
            printf("%s\n", training ? "training step" : "evaluation");
            print_tuned(tuned, count);
        }
    }
    model_close(&model);
    return status;
}
