#include "runtime/answers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/data/files.h"
#include "runtime/evaluate.h"
#include "runtime/train_args.h"

enum { CLASSES_SHOWN = 20, TAKEN_SHOWN = 2, CONFUSIONS_SHOWN = 10 };

/* Of the recipe. */
static Names metric_names(const CnnImage *image)
{
    const CnnStatement *statement = recipe_find(image->recipe.train, &metrics_schema);
    return statement ? ((const MetricsArgs *)statement->args)->names : (Names){0};
}

bool answers_confusion_wanted(const CnnImage *image)
{
    Names names = metric_names(image);
    for (int i = 0; i < names.count; i++)
        if (strcmp(names.value[i], METRIC_CONFUSION) == 0)
            return true;
    return false;
}

/* The first of the metrics that are made of answers; NULL: there is none. */
static const char *metric_of_answers(const CnnImage *image)
{
    Names names = metric_names(image);
    for (int i = 0; i < names.count; i++)
        if (scores_know(names.value[i]))
            return names.value[i];
    return answers_confusion_wanted(image) ? METRIC_CONFUSION : NULL;
}

CnnStatus answers_open(const CnnImage *image, const CnnData *data, int64_t samples, AnswersFile *file,
                       Report *report, Answers *out, CnnError *error)
{
    const CnnProgram *program = &image->eval;
    int64_t columns = cnn_output_columns(program);
    *out = (Answers){.image = image,
                     .data = data,
                     .classes = answers_classes(data, columns),
                     .all = samples,
                     .samples = calloc((size_t)program->batch, sizeof *out->samples),
                     .answers = calloc((size_t)program->batch, sizeof *out->answers),
                     .file = file,
                     .report = report,
                     .begun = cnn_clock()};
    const char *metric = metric_of_answers(image);
    CnnStatus status = CNN_OK;
    if (!out->samples || !out->answers)
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the answers to a batch");
    else if (metric && out->classes == 0)
        status = cnn_fail(error, CNN_BAD_INPUT,
                          "'%s' needs an output of the network for each class, or one for two classes: it "
                          "has %" PRId64 ", and there are %" PRId64 " classes",
                          metric, columns, cnn_data_classes(data));
    else if (out->classes)
        status = scores_open(program, columns, samples, &out->scores, error);
    if (status != CNN_OK)
        answers_close(out);
    return status;
}

void answers_close(Answers *answers)
{
    scores_close(&answers->scores);
    free(answers->samples);
    free(answers->answers);
    *answers = (Answers){0};
}

void answers_begin(Answers *answers)
{
    answers->scores.answers.count = 0;
    answers->begun = cnn_clock();
}

CnnStatus answers_add(Answers *answers, const CnnLoader *loader, const Batch *batch, const float *outputs,
                      CnnError *error)
{
    const int32_t *label = batch->label; /* the first number of each label is its class */
    int64_t width = cnn_data_label_width(answers->data), columns = answers->scores.columns;
    for (int64_t i = 0; i < batch->samples; i++)
        answers->samples[i] = cnn_loader_sample(loader, i);
    for (int64_t i = 0; i < batch->samples && answers->classes; i++)
        answers->answers[i] =
            scores_add(&answers->scores, answers->samples[i], label[i * width], outputs + i * columns);
    if (answers->report)
        report_bar(answers->report, "evaluating", batch->first + batch->samples, answers->all,
                   cnn_clock() - answers->begun);
    if (!answers->file)
        return CNN_OK;
    return answers_file_write(answers->file, answers->samples, batch->label, answers->answers, outputs,
                              batch->samples, error);
}

void answers_metrics(Answers *answers, Totals *totals)
{
    const CnnProgram *program = &answers->image->eval;
    for (int i = 0; i < program->metric_count; i++)
        if (program->metrics[i].buffer < 0)
            totals_set(totals, i, scores_value(&answers->scores, program->metrics[i].name));
}

/* ---- The table ---- */

/* A row: what is counted of a class. */
typedef struct {
    int64_t class_index;
    Tally tally;
} ClassRow;

/* By the share that is right, the smallest first; classes without samples last. */
static int compare_shares(const void *a, const void *b)
{
    const ClassRow *x = a, *y = b;
    if ((x->tally.samples == 0) != (y->tally.samples == 0))
        return x->tally.samples == 0 ? 1 : -1;
    int64_t left = x->tally.right * y->tally.samples, right = y->tally.right * x->tally.samples;
    if (left != right)
        return left < right ? -1 : 1;
    return x->class_index < y->class_index ? -1 : 1;
}

/* Outputs that are no class of the data have no name. */
static const char *class_name(const Answers *answers, int64_t class_index, char *buffer)
{
    return class_index < answers->classes
               ? name_printable(cnn_data_class_name(answers->data, class_index), buffer)
               : "?";
}

/* "cat (12), fox (3)": what samples of a class were taken for most often. `taken` has room for a number for
 * each answer. */
static void taken_text(const Answers *answers, int64_t class_index, int64_t *taken, char *out, size_t bytes)
{
    size_t used = 0;
    char name[NAME_BYTES];
    const Scores *scores = &answers->scores;
    memset(taken, 0, (size_t)scores->classes * sizeof *taken);
    for (int64_t i = 0; i < scores->answers.count; i++)
        if (scores->answers.item[i].class_index == class_index)
            taken[scores->answers.item[i].answer]++;
    taken[class_index] = 0;
    *out = '\0';
    for (int shown = 0; shown < TAKEN_SHOWN && used < bytes; shown++) {
        int64_t most = 0;
        for (int64_t c = 1; c < scores->classes; c++)
            if (taken[c] > taken[most])
                most = c;
        if (taken[most] == 0)
            break;
        used += (size_t)snprintf(out + used, bytes - used, "%s%.24s (%" PRId64 ")", shown ? ", " : "",
                                 class_name(answers, most, name), taken[most]);
        taken[most] = 0;
    }
}

static void report_class(const Answers *answers, Report *report, const ClassRow *row, int64_t *taken)
{
    char text[128], buffer[NAME_BYTES];
    const char *name = class_name(answers, row->class_index, buffer);
    taken_text(answers, row->class_index, taken, text, sizeof text);
    if (row->tally.samples == 0)
        report_line(report, "  %-24.24s        0        -", name);
    else
        report_line(report, "  %-24.24s %8" PRId64 " %6.1f %%%s%s", name, row->tally.samples,
                    100.0 * (double)row->tally.right / (double)row->tally.samples, *text ? "  " : "", text);
}

/* Of all classes, or of the worst where there are many. */
static void report_rows(Answers *answers, Report *report, ClassRow *row, int64_t *taken)
{
    int64_t classes = answers->classes, shown = classes, with_samples = 0;
    double shares = 0;
    scores_tally(&answers->scores);
    for (int64_t c = 0; c < classes; c++) {
        row[c] = (ClassRow){c, answers->scores.tally[c]};
        if (row[c].tally.samples > 0) {
            shares += (double)row[c].tally.right / (double)row[c].tally.samples;
            with_samples++;
        }
    }
    if (classes > CLASSES_SHOWN) {
        qsort(row, (size_t)classes, sizeof *row, compare_shares);
        shown = CLASSES_SHOWN;
    }
    report_line(report, "  %-24s %8s %8s  %s", "class", "samples", "right", "taken for");
    for (int64_t c = 0; c < shown; c++)
        report_class(answers, report, &row[c], taken);
    if (shown < classes)
        report_line(report, "  and %" PRId64 " more, which are right more often", classes - shown);
    report_line(report, "  %-33s %6.1f %%", "mean of the classes", 100 * shares / (double)with_samples);
}

void answers_report(Answers *answers, Report *report)
{
    if (answers->classes == 0 || answers->scores.answers.count == 0)
        return;
    ClassRow *row = calloc((size_t)answers->classes, sizeof *row);
    int64_t *taken = calloc((size_t)answers->scores.classes, sizeof *taken);
    if (row && taken)
        report_rows(answers, report, row, taken);
    else
        report_line(report, "not enough memory for a table of %" PRId64 " classes", answers->classes);
    free(row);
    free(taken);
}

/* ---- What is taken for what ---- */

/* How often a class got an answer. */
typedef struct {
    Answer answer;
    int64_t count;
} Confusion;

/* The most frequent first, those that are right last. */
static int compare_confusions(const void *a, const void *b)
{
    const Confusion *x = a, *y = b;
    bool x_right = x->answer.class_index == x->answer.answer,
         y_right = y->answer.class_index == y->answer.answer;
    if (x_right != y_right)
        return x_right ? 1 : -1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return answers_compare(&x->answer, &y->answer);
}

/* Of sorted answers; returns how many there are. */
static int64_t count_confusions(const Answer *sorted, int64_t count, Confusion *out)
{
    int64_t different = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i == 0 || answers_compare(&sorted[i], &sorted[i - 1]) != 0)
            out[different++] = (Confusion){sorted[i], 0};
        out[different - 1].count++;
    }
    return different;
}

/* A row for each class, a column for each answer. */
static void report_matrix(const Answers *answers, Report *report, const Confusion *confusion, int64_t count)
{
    char line[32 + 12 * CLASSES_SHOWN], buffer[NAME_BYTES];
    int64_t columns = answers->scores.classes, at = 0;
    int used = snprintf(line, sizeof line, "  %-24s", "class \\ answer");
    for (int64_t c = 0; c < columns; c++)
        used += snprintf(line + used, sizeof line - (size_t)used, " %6" PRId64, c);
    report_line(report, "%s", line);
    for (int64_t row = 0; row < answers->classes; row++) {
        used = snprintf(line, sizeof line, "  %2" PRId64 " %-21.21s", row, class_name(answers, row, buffer));
        for (int64_t c = 0; c < columns; c++) {
            bool here =
                at < count && confusion[at].answer.class_index == row && confusion[at].answer.answer == c;
            used += snprintf(line + used, sizeof line - (size_t)used, " %6" PRId64,
                             here ? confusion[at++].count : 0);
        }
        report_line(report, "%s", line);
    }
}

static void report_most_confused(const Answers *answers, Report *report, Confusion *confusion, int64_t count)
{
    char buffer[NAME_BYTES], other[NAME_BYTES];
    qsort(confusion, (size_t)count, sizeof *confusion, compare_confusions);
    report_line(report, "  mixed up most often:");
    for (int64_t i = 0; i < count && i < CONFUSIONS_SHOWN; i++) {
        Answer answer = confusion[i].answer;
        if (answer.class_index == answer.answer)
            break;
        report_line(report, "  %8" PRId64 "  %.40s taken for %.40s", confusion[i].count,
                    class_name(answers, answer.class_index, buffer),
                    class_name(answers, answer.answer, other));
    }
}

void answers_report_confusion(Answers *answers, Report *report)
{
    Scores *scores = &answers->scores;
    if (!answers_confusion_wanted(answers->image) || scores->answers.count == 0)
        return;
    Confusion *confusion = calloc((size_t)scores->answers.count, sizeof *confusion);
    if (!confusion) {
        report_line(report, "not enough memory for the table of confusions");
        return;
    }
    qsort(scores->answers.item, (size_t)scores->answers.count, sizeof *scores->answers.item, answers_compare);
    int64_t count = count_confusions(scores->answers.item, scores->answers.count, confusion);
    if (scores->classes <= CLASSES_SHOWN)
        report_matrix(answers, report, confusion, count);
    else
        report_most_confused(answers, report, confusion, count);
    free(confusion);
}
