/* Lines for people. A progress line never goes into a file: there each epoch is one line, complete when it
 * ends. */
#include "runtime/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"

enum { BAR = 24, SKIPPED_SHOWN = 5 };
static const double SHOW_EVERY = 0.1; /* seconds */
/* Waiting is worth a word from this share of an epoch on, and from as many seconds. */
static const double WAITED_SHARE = 0.05, WAITED_SECONDS = 0.5;

void report_open(Report *report, FILE *out)
{
    const char *terminal = getenv("TERM");
    *report = (Report){.out = out};
    report->terminal = out && isatty(fileno(out)) && !(terminal && strcmp(terminal, "dumb") == 0);
}

void report_clear(Report *report)
{
    if (report->open)
        fputs("\r\033[K", report->out);
    report->open = false;
}

void report_line(Report *report, const char *format, ...)
{
    if (!report->out || report->label)
        return;
    report_clear(report);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(report->out, format, arguments);
    va_end(arguments);
    putc('\n', report->out);
    fflush(report->out);
}

/* "  loss 0.3012  accuracy 0.8904", each name behind `prefix`. */
static void print_values(FILE *out, const char *prefix, const CnnProgram *program, const Totals *totals)
{
    fprintf(out, "  %sloss %.4f", prefix, totals_loss(totals));
    for (int i = 0; i < program->metric_count; i++)
        fprintf(out, "  %s%s %.4f", prefix, program->metrics[i].name, totals_metric(totals, i));
}

static void print_epoch(FILE *out, const Progress *progress)
{
    fprintf(out, "epoch %" PRId64, progress->epoch);
    if (progress->epochs)
        fprintf(out, "/%" PRId64, progress->epochs);
}

static double samples_per_second(const Progress *progress)
{
    return progress->seconds > 0 ? (double)progress->totals->samples / progress->seconds : 0;
}

static void print_time(FILE *out, double seconds)
{
    int64_t whole = seconds < 0 ? 0 : seconds > 1e9 ? 1000000000 : (int64_t)(seconds + 0.5);
    if (whole >= 3600)
        fprintf(out, "%" PRId64 ":%02d:%02d", whole / 3600, (int)(whole / 60 % 60), (int)(whole % 60));
    else
        fprintf(out, "%d:%02d", (int)(whole / 60), (int)(whole % 60));
}

/* Begins the progress line anew, unless it has just been written. */
static bool progress_begins(Report *report)
{
    double now = cnn_clock();
    if (!report->terminal || now - report->shown < SHOW_EVERY)
        return false;
    report->shown = now;
    report_clear(report);
    report->open = true;
    return true;
}

static void print_bar(FILE *out, int64_t done, int64_t of)
{
    int full = (int)(BAR * done / (of > 0 ? of : 1));
    fputs("  [", out);
    for (int i = 0; i < BAR; i++)
        putc(i < full ? '#' : '.', out);
    putc(']', out);
}

void report_bar(Report *report, const char *what, int64_t done, int64_t of, double seconds)
{
    if (done == 0 || !progress_begins(report))
        return;
    fputs(what, report->out);
    print_bar(report->out, done, of);
    fprintf(report->out, "  %" PRId64 " of %" PRId64 "  ", done, of);
    print_time(report->out, seconds * (double)(of - done) / (double)done);
    fputs(" left", report->out);
    fflush(report->out);
}

void report_progress(Report *report, const Progress *progress)
{
    FILE *out = report->out;
    if (progress->totals->samples == 0 || !progress_begins(report))
        return;
    if (report->label)
        fprintf(out, "%s  ", report->label);
    print_epoch(out, progress);
    print_bar(out, progress->done, progress->of);
    print_values(out, "", progress->program, progress->totals);
    fprintf(out, "  %.0f images/s  ", samples_per_second(progress));
    print_time(out, progress->left);
    fputs(" left", out);
    fflush(out);
}

/* Said once: the advice is the same after every epoch. */
static void report_advise(Report *report, const Progress *progress)
{
    bool filling = progress->cached == CACHE_FILLING && progress->epoch == 1;
    if (report->advised || filling || progress->waited < WAITED_SECONDS ||
        progress->waited < WAITED_SHARE * progress->seconds)
        return;
    report->advised = true;
    report_line(report,
                "the data are the bound: %s--loader-threads, a smaller 'resize' or fewer augmentations make "
                "them faster; `cnnc why` tries each",
                progress->cached ? "" : "'cache memory', ");
}

void report_epoch(Report *report, const Progress *progress, double seconds_in_all)
{
    FILE *out = report->out;
    if (!out || report->label)
        return;
    report_clear(report);
    print_epoch(out, progress);
    print_values(out, "", progress->program, progress->totals);
    if (progress->validation)
        print_values(out, "val_", progress->evaluated, progress->validation);
    fprintf(out, "  %.0f images/s  %.1f s  (waited %.0f %% for data)", samples_per_second(progress),
            seconds_in_all, progress->seconds > 0 ? 100 * progress->waited / progress->seconds : 0);
    if (progress->scale && progress->scale->of_epoch)
        fprintf(out, "  %" PRId64 " update%s overflowed f16, scale %g", progress->scale->of_epoch,
                progress->scale->of_epoch == 1 ? "" : "s", progress->scale->value);
    putc('\n', out);
    fflush(out);
    report_advise(report, progress);
}

void report_evaluation(Report *report, const char *part, const CnnProgram *program, const Totals *totals,
                       double seconds)
{
    if (!report->out || report->label)
        return;
    report_clear(report);
    fputs(part, report->out);
    print_values(report->out, "", program, totals);
    fprintf(report->out, "  %" PRId64 " images  %.1f s\n", totals->samples, seconds);
    fflush(report->out);
}

static void report_cache_file(Report *report, const CacheUse *use)
{
    double mebibytes = (double)use->bytes / 0x1p20;
    if (use->busy)
        report_line(report, "cache: another process is building %s: samples are decoded in each epoch",
                    use->path);
    else if (use->state == CACHE_WHOLE)
        report_line(report, "cache: decoded samples are in %s", use->path);
    else if (use->state == CACHE_FILLING && use->kept > 0)
        report_line(report,
                    "cache: %.1f MiB on disk for decoded samples, %" PRId64 " of %" PRId64
                    " are there already: %s",
                    mebibytes, use->kept, use->count, use->path);
    else if (use->state == CACHE_FILLING)
        report_line(report, "cache: %.1f MiB on disk for decoded samples: %s", mebibytes, use->path);
}

void report_cache(Report *report, const CacheUse *use)
{
    if (use->where == CACHE_DISK)
        report_cache_file(report, use);
    else if (use->state == CACHE_FILLING)
        report_line(report, "cache: %.1f MiB of memory for decoded samples", (double)use->bytes / 0x1p20);
    else if (use->bytes)
        report_line(report,
                    "the cache needs %.1f GiB of memory, and %.1f GiB are free: samples are decoded in each "
                    "epoch",
                    (double)use->bytes / 0x1p30, (double)use->available / 0x1p30);
}

void report_cache_trouble(Report *report, CnnData *data)
{
    char text[PATH_MAX + 2048];
    if (cnn_data_cache_trouble(data, text, sizeof text))
        report_line(report, "warning: %s", text);
}

void report_skipped(Report *report, const CnnLoader *loader, const char *part)
{
    int64_t skipped = cnn_loader_skipped(loader);
    if (skipped == 0)
        return;
    report_line(report, "%" PRId64 " sample%s of the %s part could not be read and left out:", skipped,
                skipped == 1 ? "" : "s", part);
    for (int64_t i = 0; i < skipped && i < SKIPPED_SHOWN; i++)
        report_line(report, "  %s", cnn_loader_skipped_reason(loader, i));
    if (skipped > SKIPPED_SHOWN)
        report_line(report, "  and %" PRId64 " more", skipped - SKIPPED_SHOWN);
}
