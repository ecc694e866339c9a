#include "runtime/answers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/data/files.h"

enum { CLASSES_SHOWN = 20, TAKEN_SHOWN = 2 };

CnnStatus answers_open(const CnnData *data, Part part, int64_t columns, int64_t batch, AnswersFile *file,
                       Report *report, Answers *out, CnnError *error)
{
    int64_t classes = answers_classes(data, columns);
    size_t samples = (size_t)cnn_data_count(data, part);
    *out = (Answers){.data = data,
                     .part = part,
                     .columns = columns,
                     .outputs = columns > classes ? columns : classes,
                     .all = (int64_t)samples,
                     .classes = classes,
                     .answer = calloc(samples + 1, sizeof *out->answer),
                     .samples = calloc((size_t)batch, sizeof *out->samples),
                     .answers = calloc((size_t)batch, sizeof *out->answers),
                     .file = file,
                     .report = report,
                     .begun = cnn_clock()};
    if (out->answer && out->samples && out->answers)
        return CNN_OK;
    answers_close(out);
    return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the answers to %zu samples", samples);
}

void answers_close(Answers *answers)
{
    free(answers->answer);
    free(answers->samples);
    free(answers->answers);
    *answers = (Answers){0};
}

void answers_begin(Answers *answers)
{
    answers->count = 0;
    answers->begun = cnn_clock();
}

/* As the metric `accuracy` decides: the first of the largest outputs. */
static int32_t answer_of(const float *output, int64_t columns)
{
    if (columns == 1)
        return output[0] > 0.5f;
    int64_t largest = 0;
    for (int64_t i = 1; i < columns; i++)
        if (output[i] > output[largest])
            largest = i;
    return (int32_t)largest;
}

CnnStatus answers_add(Answers *answers, const CnnLoader *loader, const Batch *batch, const float *outputs,
                      CnnError *error)
{
    const int32_t *label = batch->label; /* the first number of each label is its class */
    int64_t width = cnn_data_label_width(answers->data);
    for (int64_t i = 0; i < batch->samples; i++)
        answers->samples[i] = cnn_loader_sample(loader, i);
    for (int64_t i = 0; i < batch->samples && answers->classes; i++) {
        const float *output = outputs + i * answers->columns;
        int32_t answer = answer_of(output, answers->columns);
        answers->answers[i] = answer;
        answers->answer[answers->count++] = (Answer){.sample = answers->samples[i],
                                                     .class_index = label[i * width],
                                                     .answer = answer,
                                                     .output = answers->columns > 1 ? output[answer]
                                                               : answer             ? *output
                                                                                    : 1 - *output};
    }
    if (answers->report)
        report_bar(answers->report, "evaluating", batch->first + batch->samples, answers->all,
                   cnn_clock() - answers->begun);
    if (!answers->file)
        return CNN_OK;
    return answers_file_write(answers->file, answers->samples, batch->label, answers->answers, outputs,
                              batch->samples, error);
}

/* ---- The table ---- */

typedef struct {
    int64_t class_index, samples, right;
} ClassTally;

/* By the share that is right, the smallest first; classes without samples last. */
static int compare_shares(const void *a, const void *b)
{
    const ClassTally *x = a, *y = b;
    if ((x->samples == 0) != (y->samples == 0))
        return x->samples == 0 ? 1 : -1;
    int64_t left = x->right * y->samples, right = y->right * x->samples;
    if (left != right)
        return left < right ? -1 : 1;
    return x->class_index < y->class_index ? -1 : 1;
}

/* "cat (12), fox (3)": what samples of a class were taken for most often. `taken` has room for a number for
 * each answer. */
static void taken_text(const Answers *answers, int64_t class_index, int64_t *taken, char *out, size_t bytes)
{
    size_t used = 0;
    char name[NAME_BYTES];
    memset(taken, 0, (size_t)answers->outputs * sizeof *taken);
    for (int64_t i = 0; i < answers->count; i++)
        if (answers->answer[i].class_index == class_index)
            taken[answers->answer[i].answer]++;
    taken[class_index] = 0;
    *out = '\0';
    for (int shown = 0; shown < TAKEN_SHOWN && used < bytes; shown++) {
        int64_t most = 0;
        for (int64_t c = 1; c < answers->outputs; c++)
            if (taken[c] > taken[most])
                most = c;
        if (taken[most] == 0)
            break;
        bool named = most < answers->classes;
        used += (size_t)snprintf(out + used, bytes - used, "%s%.24s (%" PRId64 ")", shown ? ", " : "",
                                 named ? name_printable(cnn_data_class_name(answers->data, most), name) : "?",
                                 taken[most]);
        taken[most] = 0;
    }
}

static void report_class(const Answers *answers, const ClassTally *tally, int64_t *taken)
{
    char text[128], name[NAME_BYTES];
    name_printable(cnn_data_class_name(answers->data, tally->class_index), name);
    taken_text(answers, tally->class_index, taken, text, sizeof text);
    if (tally->samples == 0)
        report_line(answers->report, "  %-24.24s        0        -", name);
    else
        report_line(answers->report, "  %-24.24s %8" PRId64 " %6.1f %%%s%s", name, tally->samples,
                    100.0 * (double)tally->right / (double)tally->samples, *text ? "  " : "", text);
}

/* Of all classes, or of the worst where there are many. */
static void report_tallies(const Answers *answers, ClassTally *tally, int64_t *taken)
{
    int64_t classes = answers->classes, shown = classes, with_samples = 0;
    double shares = 0;
    for (int64_t c = 0; c < classes; c++)
        tally[c].class_index = c;
    for (int64_t i = 0; i < answers->count; i++) {
        ClassTally *own = &tally[answers->answer[i].class_index];
        own->samples++;
        own->right += answers->answer[i].answer == own->class_index;
    }
    for (int64_t c = 0; c < classes; c++)
        if (tally[c].samples > 0) {
            shares += (double)tally[c].right / (double)tally[c].samples;
            with_samples++;
        }
    if (classes > CLASSES_SHOWN) {
        qsort(tally, (size_t)classes, sizeof *tally, compare_shares);
        shown = CLASSES_SHOWN;
    }
    report_line(answers->report, "  %-24s %8s %8s  %s", "class", "samples", "right", "taken for");
    for (int64_t c = 0; c < shown; c++)
        report_class(answers, &tally[c], taken);
    if (shown < classes)
        report_line(answers->report, "  and %" PRId64 " more, which are right more often", classes - shown);
    report_line(answers->report, "  %-33s %6.1f %%", "mean of the classes",
                100 * shares / (double)with_samples);
}

void answers_report(const Answers *answers)
{
    if (answers->classes == 0 || answers->count == 0)
        return;
    ClassTally *tally = calloc((size_t)answers->classes, sizeof *tally);
    int64_t *taken = calloc((size_t)answers->outputs, sizeof *taken);
    if (tally && taken)
        report_tallies(answers, tally, taken);
    else
        report_line(answers->report, "not enough memory for a table of %" PRId64 " classes",
                    answers->classes);
    free(tally);
    free(taken);
}
