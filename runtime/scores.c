/* As scikit-learn computes them: precision_score, recall_score and f1_score with average="macro" and
 * zero_division=0; roc_auc_score, of more than two classes with multi_class="ovr". */
#include "runtime/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/memory.h"

/* ---- Answers ---- */

CnnStatus answers_list_open(int64_t samples, AnswerList *out, CnnError *error)
{
    *out = (AnswerList){.item = calloc((size_t)samples, sizeof *out->item)};
    return out->item ? CNN_OK
                     : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the answers to %lld samples",
                                (long long)samples);
}

void answers_list_close(AnswerList *list)
{
    free(list->item);
    *list = (AnswerList){0};
}

void answers_copy(const AnswerList *from, AnswerList *to)
{
    to->count = from->count;
    memcpy(to->item, from->item, (size_t)from->count * sizeof *from->item);
}

int answers_compare(const void *a, const void *b)
{
    const Answer *x = a, *y = b;
    if (x->class_index != y->class_index)
        return x->class_index < y->class_index ? -1 : 1;
    return (x->answer > y->answer) - (x->answer < y->answer);
}

/* ---- Counts ---- */

static double class_precision(const Tally *tally)
{
    return tally->answers ? (double)tally->right / (double)tally->answers : 0;
}

static double class_recall(const Tally *tally)
{
    return tally->samples ? (double)tally->right / (double)tally->samples : 0;
}

static double class_f1(const Tally *tally)
{
    return 2 * (double)tally->right / (double)(tally->samples + tally->answers);
}

void scores_tally(Scores *scores)
{
    memset(scores->tally, 0, (size_t)scores->classes * sizeof *scores->tally);
    for (int64_t i = 0; i < scores->answers.count; i++) {
        Answer answer = scores->answers.item[i];
        scores->tally[answer.class_index].samples++;
        scores->tally[answer.answer].answers++;
        scores->tally[answer.class_index].right += answer.class_index == answer.answer;
    }
}

static double mean_of_classes(Scores *scores, double (*of_class)(const Tally *))
{
    double sum = 0;
    int64_t classes = 0;
    scores_tally(scores);
    for (int64_t c = 0; c < scores->classes; c++) {
        const Tally *tally = &scores->tally[c];
        if (tally->samples + tally->answers == 0)
            continue;
        sum += of_class(tally);
        classes++;
    }
    return classes ? sum / (double)classes : NAN;
}

static double precision(Scores *scores)
{
    return mean_of_classes(scores, class_precision);
}

static double recall(Scores *scores)
{
    return mean_of_classes(scores, class_recall);
}

static double f1(Scores *scores)
{
    return mean_of_classes(scores, class_f1);
}

/* ---- The area under the curve ---- */

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Of `count` sorted values, those below `value`, or with `equal` those that are not above it. */
static int64_t count_below(const float *sorted, int64_t count, float value, bool equal)
{
    int64_t low = 0;
    while (low < count) {
        int64_t middle = low + (count - low) / 2;
        if (sorted[middle] < value || (equal && sorted[middle] == value))
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* The share of the pairs of a sample of the class and another one in which the first has the larger output;
 * equal ones count a half. That is the area, without the curve (Hanley and McNeil, The meaning and use of the
 * area under a receiver operating characteristic curve, Radiology 143, 1982). NaN: no such pair. */
static double class_auc(const Scores *scores, int64_t class_index, int64_t column)
{
    int64_t positives = 0, halves = 0;
    for (int64_t i = 0; i < scores->answers.count; i++) {
        float output = scores->output[i * scores->columns + column];
        if (scores->answers.item[i].class_index == class_index)
            scores->positive[positives++] = output;
    }
    int64_t negatives = scores->answers.count - positives;
    if (positives == 0 || negatives == 0)
        return NAN;
    qsort(scores->positive, (size_t)positives, sizeof *scores->positive, compare_floats);
    for (int64_t i = 0; i < scores->answers.count; i++) {
        if (scores->answers.item[i].class_index == class_index)
            continue;
        float output = scores->output[i * scores->columns + column];
        halves += 2 * positives - count_below(scores->positive, positives, output, false) -
                  count_below(scores->positive, positives, output, true);
    }
    return (double)halves / (2 * (double)positives * (double)negatives);
}

static bool has_no_number(const Scores *scores)
{
    for (int64_t i = 0; i < scores->answers.count * scores->columns; i++)
        if (isnan(scores->output[i]))
            return true;
    return false;
}

static double auc(Scores *scores)
{
    double sum = 0;
    int64_t classes = 0;
    if (has_no_number(scores))
        return NAN;
    if (scores->classes == 2)
        return class_auc(scores, 1, scores->columns - 1);
    for (int64_t c = 0; c < scores->classes; c++) {
        double area = class_auc(scores, c, c);
        if (isnan(area))
            continue;
        sum += area;
        classes++;
    }
    return classes ? sum / (double)classes : NAN;
}

/* ---- All of them ---- */

static const struct {
    const char *name;
    double (*value)(Scores *scores);
    bool outputs; /* it needs them */
} metrics[] = {
    {"precision", precision, false}, {"recall", recall, false}, {"f1", f1, false}, {"auc", auc, true}};
enum { METRICS = sizeof metrics / sizeof *metrics };

static int find(const char *name)
{
    for (int i = 0; i < METRICS; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return i;
    return -1;
}

bool scores_know(const char *name)
{
    return find(name) >= 0;
}

double scores_value(Scores *scores, const char *name)
{
    return metrics[find(name)].value(scores);
}

CnnStatus scores_open(const CnnProgram *program, int64_t columns, int64_t samples, Scores *out,
                      CnnError *error)
{
    bool outputs = false;
    samples += samples == 0; /* never a block of no bytes */
    *out = (Scores){.columns = columns, .classes = columns == 1 ? 2 : columns};
    for (int i = 0; i < program->metric_count; i++)
        outputs |= program->metrics[i].buffer < 0 && metrics[find(program->metrics[i].name)].outputs;
    uint64_t of_answers = (uint64_t)samples * sizeof(Answer),
             of_tally = (uint64_t)out->classes * sizeof(Tally), of_outputs = 0;
    bool counted = cnn_multiply((uint64_t)samples, (uint64_t)columns * sizeof(float), &of_outputs);
    uint64_t needed = of_answers + of_tally + (outputs ? of_outputs : 0);
    if (counted && needed <= cnn_memory_available()) {
        out->answers.item = cnn_memory_take(of_answers);
        out->tally = cnn_memory_take(of_tally);
        out->output = outputs ? cnn_memory_take(of_outputs) : NULL;
        out->positive = outputs ? cnn_memory_take((uint64_t)samples * sizeof(float)) : NULL;
    }
    if (out->answers.item && out->tally && (!outputs || (out->output && out->positive)))
        return CNN_OK;
    scores_close(out);
    return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the answers to %lld samples%s",
                    (long long)samples, outputs ? ", whose outputs 'auc' needs all at once" : "");
}

void scores_close(Scores *scores)
{
    answers_list_close(&scores->answers);
    free(scores->tally);
    free(scores->output);
    free(scores->positive);
    *scores = (Scores){0};
}

static int32_t answer_of(const float *outputs, int64_t columns)
{
    if (columns == 1)
        return outputs[0] > 0.5f;
    int64_t largest = 0;
    for (int64_t i = 1; i < columns; i++)
        if (outputs[i] > outputs[largest])
            largest = i;
    return (int32_t)largest;
}

int32_t scores_add(Scores *scores, int64_t sample, int32_t class_index, const float *outputs)
{
    AnswerList *answers = &scores->answers;
    int32_t answer = answer_of(outputs, scores->columns);
    float sure = scores->columns > 1 ? outputs[answer] : answer ? *outputs : 1 - *outputs;
    if (scores->output)
        memcpy(scores->output + answers->count * scores->columns, outputs,
               (size_t)scores->columns * sizeof *outputs);
    answers->item[answers->count++] = (Answer){sample, class_index, answer, sure};
    return answer;
}
