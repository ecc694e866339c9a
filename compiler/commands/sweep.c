/* `cnnc sweep`: the command. */
#include "compiler/commands/sweep.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "compiler/commands/report.h"
#include "compiler/commands/runs.h"
#include "runtime/report.h"

const SeriesRun *sweep_runs(const Sweep *sweep, int point)
{
    return &sweep->series.runs[point * sweep->series.seeds];
}

const char *sweep_watched(const Sweep *sweep)
{
    return series_watched(sweep->series.runs, sweep->series.count);
}

double sweep_mean(const Sweep *sweep, int point, const char *key)
{
    const SeriesResults results = series_results(sweep->arena, sweep_runs(sweep, point), sweep->series.seeds);
    const SeriesResult *result = key ? series_result(&results, key) : NULL;
    return result ? result->of.mean : NAN;
}

const int *sweep_order(const Sweep *sweep)
{
    int count = (int)sweep->points.count;
    int *order = NEW_ARRAY(sweep->arena, int, count);
    double *means = NEW_ARRAY(sweep->arena, double, count); /* the less the better */
    const char *key = sweep_watched(sweep);
    for (int p = 0; p < count; p++) {
        double mean = sweep_mean(sweep, p, key);
        means[p] = !isfinite(mean) ? INFINITY : series_falls(key) ? mean : -mean;
        int at = p;
        for (; at > 0 && means[order[at - 1]] > means[p]; at--) /* equal ones stay in their order */
            order[at] = order[at - 1];
        order[at] = p;
    }
    return order;
}

/* ---- The points ---- */

/* The command line of a point: each flag with its one value. */
static SeriesPoint series_point(Arena *arena, const SweepAxes *axes, const SweepPoint *point)
{
    SeriesPoint made = {.varied = sweep_point_text(arena, axes, point)};
    for (size_t i = 0; i < axes->count; i++) {
        FlagList *list = strcmp(axes->items[i].flag, "-D") == 0 ? &made.defines : &made.sets;
        list->value[list->count++] = arena_printf(arena, "%s=%s", axes->items[i].name, point->values[i]);
    }
    return made;
}

static CnnStatus open_points(Sweep *sweep, CnnError *error)
{
    const Options *options = sweep->options;
    const TrainingOptions *training = &options->training;
    TRY(sweep_axes_read(sweep->arena, &options->defines, &options->sets, options->random > 0, &sweep->axes,
                        error));
    return sweep_points_make(sweep->arena, &sweep->axes, options->random,
                             training->seed_given ? training->seed : 1, &sweep->points, error);
}

static CnnStatus open_series(Sweep *sweep)
{
    int count = (int)sweep->points.count;
    SeriesPoint *points = NEW_ARRAY(sweep->arena, SeriesPoint, count);
    for (int p = 0; p < count; p++)
        points[p] = series_point(sweep->arena, &sweep->axes, &sweep->points.items[p]);
    return series_open(sweep->options, points, count, sweep->options->seeds ? sweep->options->seeds : 1,
                       &sweep->series);
}

/* ---- What is shown ---- */

static int count_lines(const char *text, int *width)
{
    int lines = 0;
    *width = 0;
    for (; *text; lines++) {
        int length = (int)strcspn(text, "\n");
        *width = length > *width ? length : *width;
        text += length + (text[length] == '\n');
    }
    return lines;
}

/* Puts the table in the place of the one before; false: it is too large for the terminal. */
static bool show_table(Sweep *sweep)
{
    int width;
    struct winsize size;
    const char *table = sweep_table(sweep);
    int lines = count_lines(table, &width);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || lines + 2 > size.ws_row || width >= size.ws_col)
        return false;
    if (sweep->lines)
        printf("\033[%dA", sweep->lines);
    printf("\r\033[J%s", table);
    sweep->lines = lines;
    return true;
}

static void run_ended(void *context, const SeriesRun *run)
{
    Sweep *sweep = context;
    if (sweep->options->training.quiet)
        return;
    sweep->live = sweep->live && show_table(sweep);
    if (!sweep->live)
        printf("%s\n", series_line(&sweep->series, run));
    fflush(stdout);
}

static void print_head(Sweep *sweep, int known)
{
    const Series *series = &sweep->series;
    Report report;
    report_open(&report, stdout);
    sweep->live = report.terminal;
    printf("%s: %d points", series->model, (int)sweep->points.count);
    if (series->seeds > 1)
        printf(" with %d seeds each: %d trainings", series->seeds, series->count);
    if (known)
        printf("; %d %s done or begun already (--again trains them anew)", known, known == 1 ? "is" : "are");
    putchar('\n');
    for (int i = 0; i < series->count; i++)
        if (series->runs[i].state == SERIES_WRONG)
            printf("%s\n", series_line(series, &series->runs[i]));
    fflush(stdout);
}

/* What a table that was rewritten has left out. */
static void print_failures(const Sweep *sweep)
{
    const Series *series = &sweep->series;
    for (int i = 0; i < series->count; i++)
        if (series->runs[i].state == SERIES_TRAINED && !series_finished(&series->runs[i]))
            printf("%s\n", series_line(series, &series->runs[i]));
}

static void print_end(Sweep *sweep)
{
    if (!sweep->live || !show_table(sweep))
        printf("\n%s", sweep_table(sweep));
    if (sweep->live)
        print_failures(sweep);
    fflush(stdout);
}

static CnnStatus write_files(const Sweep *sweep)
{
    CnnError error = {0};
    CnnStatus status = CNN_OK;
    if (sweep->options->json)
        status = report_write(sweep->options->json, sweep_json(sweep), &error);
    if (status == CNN_OK && sweep->options->plot && sweep_watched(sweep))
        status = sweep_plot(sweep, sweep->options->plot, &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

CnnStatus command_sweep(const Options *options)
{
    CnnError error = {0};
    Sweep sweep = {.options = options, .arena = options->arena};
    if (open_points(&sweep, &error) != CNN_OK)
        return command_fail(error.status, "%s", error.text);
    TRY(report_check(options->json, options->plot, &(CnnRecipe){.model_path = options->words[0]}));
    TRY(open_series(&sweep));
    const Series *series = &sweep.series;
    sweep.series.ended = run_ended;
    sweep.series.context = &sweep;
    int known = options->again ? 0 : series_take_earlier(&sweep.series);
    if (!options->training.quiet)
        print_head(&sweep, known);
    CnnStatus interrupted = series_train(&sweep.series);
    if (!options->training.quiet)
        print_end(&sweep);
    TRY(write_files(&sweep));
    int finished = series_count_finished(series->runs, series->count);
    if (interrupted != CNN_OK)
        return command_fail(interrupted, "stopped after %d of %d trainings; the same command goes on",
                            finished, series->count);
    if (finished == 0)
        return command_fail(series_status(series->runs, series->count), "none of %d trainings has finished",
                            series->count);
    return CNN_OK;
}
