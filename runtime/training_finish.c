/* What a training ends with: the weights, the answers, the evaluation of the test part. */
#include <inttypes.h>
#include <stdio.h>

#include "runtime/clock.h"
#include "runtime/evaluate.h"
#include "runtime/interrupt.h"
#include "runtime/run/answers_record.h"
#include "runtime/state_file.h"
#include "runtime/training_parts.h"

static CnnStatus save_weights(Training *t, CnnError *error)
{
    const char *path = t->options->save;
    if (!path)
        return CNN_OK;
    cnn_average_use(&t->average, t->device, true);
    TRY(cnn_state_save(t->device, t->image, t->data, path, t->step / t->steps_per_epoch, t->step, error));
    report_line(&t->report, "weights written to %s", path);
    return CNN_OK;
}

static void report_left_out(Training *t)
{
    report_skipped(&t->report, t->loader, "training");
    if (t->validation)
        report_skipped(&t->report, t->validation, "validation");
}

/* Where they cannot be written, the training is as good. */
static void keep_answers(Training *t, Part part, const AnswerList *answers)
{
    CnnError trouble = {0};
    if (t->folder.path && cnn_answers_record(&t->folder, t->data, part, answers, &trouble) != CNN_OK)
        training_note(t, "warning: %s", trouble.text);
}

CnnStatus training_interrupted(Training *t, CnnError *error)
{
    int by = cnn_interrupted();
    const char *what = by == SIGINT ? "Ctrl-C" : by == INTERRUPT_ASKED ? "its page" : "a signal";
    char stopped[64];
    snprintf(stopped, sizeof stopped, "stopped by %s", what);
    report_left_out(t);
    if (t->step > 0) {
        keep_answers(t, PART_VALIDATION, &t->best_answers);
        training_heed_writer(t, true);
        TRY(training_keep_last(t, training_part_left(t) | CHECKPOINT_LAST, error));
        TRY(save_weights(t, error));
    }
    if (t->unkept.status != CNN_OK)
        return training_unkept(t, stopped, error);
    if (t->step > 0 && t->folder.path)
        return cnn_fail(error, CNN_INTERRUPTED, "%s after step %" PRId64 "; --resume=%s goes on from there",
                        stopped, t->step, t->folder.path);
    const char *saved = t->step > 0 ? t->options->save : NULL;
    return cnn_fail(error, CNN_INTERRUPTED, "%s after step %" PRId64 "%s%s", stopped, t->step,
                    saved ? "; the weights are in " : "; no weights were written", saved ? saved : "");
}

/* Evaluates what the training ends with. */
static CnnStatus training_evaluate(Training *t, CnnError *error)
{
    if (!t->test)
        keep_answers(t, PART_VALIDATION, &t->best_answers);
    if (t->test) {
        double start = cnn_clock();
        Totals totals;
        TRY(cnn_part_evaluate(t->device, t->image, t->test, t->seed, &t->answers, &totals, error));
        if (cnn_interrupted())
            return CNN_OK;
        report_evaluation(&t->report, "test", &t->image->eval, &totals, cnn_clock() - start);
        keep_answers(t, PART_TEST, &t->answers.scores.answers);
        answers_report_confusion(&t->answers, &t->report);
        report_skipped(&t->report, t->test, "test");
        RunEvent event = {.kind = EVENT_TEST,
                          .seconds = training_seconds(t),
                          .epoch = t->position.epoch,
                          .step = t->step,
                          .other = &totals,
                          .evaluated = &t->image->eval};
        cnn_listeners_tell(&t->listeners, &event);
        if (t->options->outcome)
            t->options->outcome->test = totals;
    }
    bool confusion = t->validation && !t->test && answers_confusion_wanted(t->image);
    if (confusion || (t->options->outcome && t->validation)) {
        double start = cnn_clock();
        Totals totals;
        TRY(cnn_part_evaluate(t->device, t->image, t->validation, t->seed, &t->answers, &totals, error));
        if (cnn_interrupted())
            return CNN_OK;
        if (t->options->outcome)
            t->options->outcome->validation = totals;
        if (confusion) {
            report_evaluation(&t->report, "validation", &t->image->eval, &totals, cnn_clock() - start);
            answers_report_confusion(&t->answers, &t->report);
        }
    }
    return CNN_OK;
}

CnnStatus training_finish(Training *t, CnnError *error)
{
    bool stopped = cnn_best_is_over(&t->best);
    /* Before the best weights are put back: with more epochs, the training may go on from here. */
    training_heed_writer(t, true);
    TRY(training_keep_last(t, training_part_left(t), error));
    cnn_average_use(&t->average, t->device, true);
    if (t->best.args) {
        cnn_best_restore(&t->best, t->device, t->image);
        report_line(&t->report, "%s the weights of epoch %" PRId64 " are kept: %s %.4f",
                    stopped ? "stopped, as nothing became better;" : "finished;", t->best.epoch,
                    t->best.watched.name, t->best.value);
    }
    TRY(training_keep_last(t, CHECKPOINT_LAST, error));
    TRY(save_weights(t, error));
    if (t->checkpoints.best_owed)
        cnn_fail(&t->unkept, CNN_NO_RESOURCE,
                 "'%s/" RUN_BEST "' could not be written after epoch %" PRId64 ", the best", t->folder.path,
                 t->best.epoch);
    TRY(training_evaluate(t, error));
    if (cnn_interrupted())
        return training_interrupted(t, error);
    report_cache_trouble(&t->report, t->data);
    report_left_out(t);
    return t->unkept.status == CNN_OK ? CNN_OK : training_unkept(t, "the training ended", error);
}
