/* What a training keeps of itself in its run folder, and what it says where it cannot. */
#include <inttypes.h>
#include <stdlib.h>

#include "runtime/training_parts.h"

/* Hears what the writer has done, and announces a checkpoint: it is safe now. */
static bool checkpoints_ended(Training *t, bool wait, CheckpointsEnd *end)
{
    if (!t->folder.path || !cnn_checkpoints_ended(&t->checkpoints, wait, end))
        return false;
    if (end->written & CHECKPOINT_ALL) {
        char *path = cnn_run_folder_checkpoint(&t->folder, end->step);
        RunEvent event = {.kind = EVENT_CHECKPOINT,
                          .seconds = training_seconds(t),
                          .epoch = end->epoch + 1,
                          .step = end->step,
                          .text = path ? path : ""};
        cnn_listeners_tell(&t->listeners, &event);
        free(path);
    }
    return true;
}

void training_heed_writer(Training *t, bool wait)
{
    CheckpointsEnd end;
    if (!checkpoints_ended(t, wait, &end) || !end.failed)
        return;
    char newest[64] = "it has no checkpoint yet";
    if (t->checkpoints.safe_step >= 0)
        snprintf(newest, sizeof newest, "its newest checkpoint is of step %" PRId64,
                 t->checkpoints.safe_step);
    training_warn(t, "%s; the training goes on, %s", end.error.text, newest);
}

void training_name_unreadable(Training *t)
{
    const CnnLoader *loaders[PART_COUNT] = {
        [PART_TRAIN] = t->loader, [PART_VALIDATION] = t->validation, [PART_TEST] = t->test};
    CnnError trouble = {0};
    for (int part = 0; part < PART_COUNT && t->folder.path; part++)
        if (loaders[part] && cnn_unreadable_record(&t->unreadable, &t->folder, t->data, (Part)part,
                                                   loaders[part], &trouble) != CNN_OK)
            training_warn(t, "%s; the training goes on", trouble.text);
}

void training_close_unreadable(Training *t)
{
    CnnError trouble = {0};
    training_name_unreadable(t);
    bool any = t->unreadable.open && !t->unreadable.failed;
    if (cnn_unreadable_close(&t->unreadable, &trouble) != CNN_OK)
        training_warn(t, "%s", trouble.text);
    else if (any)
        report_line(&t->report, "what could not be read is named in %s/" RUN_UNREADABLE, t->folder.path);
}

static CnnStatus write_checkpoint(Training *t, int parts, CnnError *error)
{
    training_heed_writer(t, true);
    if (parts & CHECKPOINT_ALL)
        cnn_average_use(&t->average, t->device, false);
    t->position.step = t->step;
    t->position.seconds = training_seconds(t);
    t->position.best_epoch = t->best.epoch;
    t->position.best_since = t->best.since;
    t->position.best_value = t->best.value;
    t->position.rate = t->rates.state;
    t->position.advice = t->advice;
    t->position.batch = t->batch.size;
    t->position.accumulate = t->batch.accumulate;
    t->position.steps_per_epoch = t->steps_per_epoch;
    t->position.total = t->total;
    t->position.seed = t->seed;
    t->position.rate_factor = t->divergence.factor;
    t->position.returned = t->divergence.returned;
    return cnn_checkpoint_write(&t->checkpoints, &t->position, parts, error);
}

CnnStatus training_keep(Training *t, int parts, CnnError *error)
{
    CnnError trouble = {0};
    CnnStatus status = write_checkpoint(t, parts, &trouble);
    if (status == CNN_DIVERGED)
        return cnn_fail(error, status, "%s", trouble.text);
    if (status != CNN_OK)
        training_warn(t, "%s; the training goes on", trouble.text);
    return CNN_OK;
}

CnnStatus training_keep_last(Training *t, int parts, CnnError *error)
{
    CheckpointsEnd end;
    CnnError trouble = {0};
    if (!t->folder.path || !parts)
        return CNN_OK;
    CnnStatus status = write_checkpoint(t, parts, &trouble);
    if (status == CNN_DIVERGED)
        return cnn_fail(error, status, "%s", trouble.text);
    if (status != CNN_OK)
        cnn_fail(&t->unkept, status, "%s", trouble.text);
    else if (checkpoints_ended(t, true, &end) && end.failed)
        cnn_fail(&t->unkept, CNN_NO_RESOURCE, "%s", end.error.text);
    return CNN_OK;
}

int training_part_left(const Training *t)
{
    bool kept = t->checkpoints.safe_step == t->step && !t->resume.changed;
    return kept || t->unkept.status != CNN_OK ? 0 : CHECKPOINT_ALL;
}

CnnStatus training_unkept(const Training *t, const char *what, CnnError *error)
{
    if (t->checkpoints.safe_step >= 0)
        return cnn_fail(error, t->unkept.status,
                        "%s after step %" PRId64 ", but %s; the newest checkpoint is of step %" PRId64, what,
                        t->step, t->unkept.text, t->checkpoints.safe_step);
    return cnn_fail(error, t->unkept.status, "%s after step %" PRId64 ", but %s; there is no checkpoint",
                    what, t->step, t->unkept.text);
}
