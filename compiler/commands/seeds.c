/* `cnnc run --seeds N`: the same training with several seeds. */
#include <inttypes.h>
#include <math.h>

#include "compiler/commands/report.h"
#include "compiler/commands/run.h"
#include "compiler/commands/runs.h"
#include "compiler/commands/series.h"

static CnnStatus check_flags(const Options *options)
{
    const TrainingOptions *training = &options->training;
    const char *flag = training->out      ? "--out"
                       : training->no_out ? "--no-out"
                       : training->save   ? "--save"
                       : training->log    ? "--log"
                       : training->anyway ? "--anyway"
                       : options->web     ? "--web"
                                          : NULL;
    if (options->word_count == 0)
        return command_fail(CNN_BAD_USAGE, "usage: cnnc run MODEL --seeds N");
    if (flag)
        return command_fail(CNN_BAD_USAGE,
                            "%s is for one training; each of --seeds has a run folder of its own in 'runs'",
                            flag);
    if (training->resume && *training->resume)
        return command_fail(CNN_BAD_USAGE,
                            "--seeds goes on with all of a series: --resume without a folder; or go on with "
                            "this one alone, without --seeds");
    return CNN_OK;
}

static CnnStatus take_earlier(Series *series)
{
    if (series_take_earlier(series) > 0)
        return CNN_OK;
    return command_fail(
        CNN_BAD_USAGE,
        "--resume: none of these %d trainings is in the folder 'runs' here: the model, the data "
        "or a flag is another than it was",
        series->count);
}

static bool is_silent(const Series *series)
{
    return series->options->training.quiet || series->options->training.json;
}

static void print_event(const Series *series, const SeriesRun *run)
{
    Text text = {.arena = series->arena};
    text_printf(&text, "{\"event\": \"run\"");
    series_run_json(series, run, &text);
    printf("%s}\n", text_string(&text));
}

static void run_ended(void *context, const SeriesRun *run)
{
    const Series *series = context;
    if (series->options->training.json)
        print_event(series, run);
    else if (!series->options->training.quiet)
        printf("%s\n", series_line(series, run));
    fflush(stdout);
}

static void print_head(const Series *series)
{
    const char *plural = series->count == 1 ? "" : "s";
    printf("%s: %d training%s, seed%s %" PRIu64, series->model, series->count, plural, plural,
           series->runs[0].seed);
    if (series->count > 1)
        printf(" to %" PRIu64, series->runs[series->count - 1].seed);
    putchar('\n');
    fflush(stdout);
}

static void print_number(double value)
{
    if (isfinite(value))
        printf("  %10.4f", value);
    else
        printf("  %10s", "-");
}

static void print_table(const Series *series)
{
    int finished = series_count_finished(series->runs, series->count);
    const SeriesResults results = series_results(series->arena, series->runs, series->count);
    if (finished == 0)
        return;
    printf("\n%-20s  %10s  %10s  %10s  %10s\n", "", "mean", "deviation", "least", "most");
    for (size_t i = 0; i < results.count; i++) {
        const Statistics *of = &results.items[i].of;
        printf("%-20s", results.items[i].key);
        print_number(of->mean);
        print_number(of->deviation);
        print_number(of->least);
        print_number(of->most);
        putchar('\n');
    }
    printf("Of %d of %d trainings; val_...: of the best epoch of each. The deviation is that of a sample "
           "(n - 1).\n",
           finished, series->count);
}

static void print_json(const Series *series)
{
    Text text = {.arena = series->arena};
    const SeriesResults results = series_results(series->arena, series->runs, series->count);
    text_printf(&text, "{\"event\": \"series\"");
    json_field(&text, "runs", series->count);
    json_field(&text, "finished", series_count_finished(series->runs, series->count));
    text_printf(&text, ", \"results\": ");
    series_results_json(&results, &text);
    printf("%s}\n", text_string(&text));
}

CnnStatus run_seeds(const Options *options)
{
    Series series;
    const SeriesPoint point = {options->defines, options->sets, ""};
    TRY(check_flags(options));
    TRY(series_open(options, &point, 1, options->seeds, &series));
    series.ended = run_ended;
    series.context = &series;
    if (options->training.resume)
        TRY(take_earlier(&series));
    if (!is_silent(&series))
        print_head(&series);
    for (int i = 0; i < series.count; i++)
        if (series.runs[i].state == SERIES_BEFORE)
            run_ended(&series, &series.runs[i]);
    CnnStatus status = series_train(&series);
    if (!is_silent(&series))
        print_table(&series);
    else if (options->training.json)
        print_json(&series);
    if (status == CNN_INTERRUPTED)
        return command_fail(status,
                            "stopped after %d of %d trainings; the same command with --resume goes on",
                            series_count_finished(series.runs, series.count), series.count);
    status = series_status(series.runs, series.count);
    return status == CNN_OK
               ? CNN_OK
               : command_fail(status, "%d of %d trainings have not finished",
                              series.count - series_count_finished(series.runs, series.count), series.count);
}
