/* `cnnc data check`: every sample decoded once. */
#include <inttypes.h>

#include "compiler/commands/data.h"
#include "compiler/commands/layers.h"
#include "compiler/commands/report.h"
#include "runtime/clock.h"
#include "runtime/data/examine.h"
#include "runtime/data/files.h"
#include "runtime/output.h"
#include "runtime/report.h"

enum { SHOWN = 10 }; /* of each kind; --json has all */

typedef struct {
    const Model *model;
    const CnnData *data;
    Examination found;
    double started, seconds;
    Report report; /* the progress bar */
} Check;

static void show_progress(void *context, int64_t done, int64_t all)
{
    Check *check = context;
    report_bar(&check->report, "reading", done, all, cnn_clock() - check->started);
}

static const char *sample_name(const Check *check, PartSample sample)
{
    Arena *arena = check->model->session->arena;
    char *name = NEW_ARRAY(arena, char, NAME_BYTES);
    cnn_data_name(check->data, sample.part, sample.index, name, NAME_BYTES);
    return name;
}

static void print_kind(const Check *check, FindingKind kind, Text *out)
{
    static const char *const headings[FINDING_KINDS] = {
        [FINDING_UNREADABLE] = "cannot be read",
        [FINDING_SIZE] = "of an unusual size",
        [FINDING_DUPLICATE] = "with the content of another one of their part",
        [FINDING_LEAK] =
            "with the content of one of another part (a leak: they are tested on what was learnt)",
    };
    int64_t count = check->found.counts[kind], shown = 0;
    if (count == 0)
        return;
    text_printf(out, "%s %s:\n", count_text(out->arena, count), headings[kind]);
    for (int64_t i = 0; i < check->found.count && shown < SHOWN; i++) {
        const Finding *finding = &check->found.findings[i];
        if (finding->kind != kind)
            continue;
        text_printf(out, "  %s (%s): %s\n", sample_name(check, finding->sample),
                    data_part_names[finding->sample.part], finding->reason);
        shown++;
    }
    if (count > shown)
        text_printf(out, "  and %s more\n", count_text(out->arena, count - shown));
}

static void print_check(const Check *check, Text *out)
{
    const Examination *found = &check->found;
    text_printf(out, "%s samples decoded in %.1f s", count_text(out->arena, found->samples), check->seconds);
    if (found->height > 0)
        text_printf(out, "; the usual size is %" PRId64 " x %" PRId64 " (height x width)", found->height,
                    found->width);
    text_printf(out, "\n");
    for (int kind = 0; kind < FINDING_KINDS; kind++)
        print_kind(check, (FindingKind)kind, out);
    if (found->count == 0)
        text_printf(out, "nothing is wrong with them\n");
}

static const char *check_json(const Check *check)
{
    Text out = {.arena = check->model->session->arena};
    const Examination *found = &check->found;
    text_printf(&out, OUTPUT_REPORT_MARK "\"data check\"");
    json_text_field(&out, "model", check->model->path);
    json_field(&out, "samples", (double)found->samples);
    json_field(&out, "unusable", (double)found->unusable);
    json_field(&out, "usual_height", (double)found->height);
    json_field(&out, "usual_width", (double)found->width);
    json_field(&out, "seconds", check->seconds);
    text_printf(&out, ",\n \"findings\": [");
    for (int64_t i = 0; i < found->count; i++) {
        const Finding *finding = &found->findings[i];
        text_printf(&out, i ? ",\n  {\"kind\": " : "\n  {\"kind\": ");
        json_text(&out, finding_names[finding->kind]);
        json_text_field(&out, "part", data_part_names[finding->sample.part]);
        json_text_field(&out, "sample", sample_name(check, finding->sample));
        json_text_field(&out, "reason", finding->reason);
        if (finding->kind == FINDING_DUPLICATE || finding->kind == FINDING_LEAK) {
            json_text_field(&out, "other_part", data_part_names[finding->other.part]);
            json_text_field(&out, "other", sample_name(check, finding->other));
        }
        text_printf(&out, "}");
    }
    text_printf(&out, "\n ]}\n");
    return text_string(&out);
}

static CnnStatus check_model(const Options *options, Check *check)
{
    const Model *model = check->model;
    CnnError error = {0};
    Text out = {.arena = model->session->arena};
    CnnData *data;
    ExamineOptions examine = {
        .threads = model->session->threads, .progress = show_progress, .context = check};
    TRY(report_check(options->json, NULL, &model->checked->recipe));
    TRY(data_of(model, &data));
    check->data = data;
    check->started = cnn_clock();
    report_open(&check->report, stderr);
    CnnStatus status = cnn_data_examine(data, &examine, &check->found, &error);
    check->seconds = cnn_clock() - check->started;
    report_clear(&check->report);
    if (status == CNN_OK) {
        print_check(check, &out);
        fputs(text_string(&out), stdout);
        if (options->json)
            status = report_write(options->json, check_json(check), &error);
    }
    if (status != CNN_OK)
        return command_fail(status, "%s", error.text);
    if (check->found.unusable == 0)
        return CNN_OK;
    return command_fail(CNN_BAD_INPUT, "%s: %s of %s samples cannot be trained on", model->path,
                        count_text(out.arena, check->found.unusable),
                        count_text(out.arena, check->found.samples));
}

CnnStatus data_check(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    Check check = {.model = &model};
    CnnStatus status = check_model(options, &check);
    cnn_examination_free(&check.found);
    model_close(&model);
    return status;
}
