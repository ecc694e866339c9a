#include "runtime/run/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/init.h"
#include "runtime/interrupt.h"
#include "runtime/memory.h"
#include "runtime/rate.h"
#include "runtime/state_file.h"

/* Without a `checkpoint` statement: at the end of an epoch, unless epochs are so short that writing would
 * take more than a hundredth of the time; and within an epoch so often. */
static const double COST_MOST = 0.01, SECONDS_MOST = 600;
enum { KEEP = 3 };

static CnnStatus no_memory(CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "no memory for checkpoints");
}

/* The bytes that a tensor has in the copy, where each begins at a multiple of 8. */
static uint64_t room_of(const CnnTensor *tensor)
{
    return (cnn_tensor_bytes(tensor) + 7) / 8 * 8;
}

/* The bytes of the copies of all tensors; behind them are those of the best weights. */
static uint64_t tensors_bytes(const CnnImage *image)
{
    uint64_t bytes = 0;
    for (int i = 0; i < image->tensor_count; i++)
        bytes += room_of(&image->tensors[i]);
    return bytes;
}

CnnStatus cnn_checkpoints_open(const CnnImage *image, CnnDevice *device, CnnData *data, const Best *best,
                               const Average *average, const RunFolder *folder, int64_t steps_per_epoch,
                               Checkpoints *out, CnnError *error)
{
    const CnnStatement *statement = recipe_find(image->recipe.train, &checkpoint_schema);
    *out = (Checkpoints){.image = image,
                         .device = device,
                         .data = data,
                         .best = best,
                         .average = average,
                         .folder = folder,
                         .args = statement ? statement->args : NULL,
                         .steps_per_epoch = steps_per_epoch,
                         .last_step = -1,
                         .safe_step = -1,
                         .last = cnn_clock()};
    out->keep = out->args ? out->args->keep : KEEP;
    out->copy = cnn_memory_take(tensors_bytes(image) + cnn_best_bytes(best, image));
    return out->copy ? cnn_writer_open(&out->writer, error) : no_memory(error);
}

void cnn_checkpoints_close(Checkpoints *c)
{
    cnn_writer_close(c->writer);
    free(c->copy);
    *c = (Checkpoints){0};
}

bool cnn_checkpoint_due(const Checkpoints *c, int64_t step, int64_t ended_epoch)
{
    double since = cnn_clock() - c->last;
    if (cnn_checkpoint_asked())
        return true;
    if (!c->args)
        return since >= SECONDS_MOST || (ended_epoch && !cnn_writer_busy(c->writer) &&
                                         cnn_writer_seconds(c->writer) <= COST_MOST * since);
    Duration every = c->args->every;
    if (every.unit == UNIT_SECONDS)
        return since >= every.value;
    /* Whole epochs are counted as such: one in which samples were skipped may have fewer steps than others.
     */
    if (every.unit == UNIT_EPOCHS && every.value == floor(every.value))
        return ended_epoch && ended_epoch % (int64_t)every.value == 0;
    return step % cnn_duration_steps(every, c->steps_per_epoch) == 0;
}

/* ---- Writing ---- */

/* Where a tensor lies in the copy. */
static char *place_of(const Checkpoints *c, const CnnTensor *wanted)
{
    char *at = c->copy;
    for (const CnnTensor *tensor = c->image->tensors; tensor != wanted; tensor++)
        at += room_of(tensor);
    return at;
}

/* Copies the device's tensors, each to its place: with `everything` all of them, else what evaluations read
 * of the weights; and the best weights. */
static CnnStatus take_copy(Checkpoints *c, bool everything, CnnError *error)
{
    for (int i = 0; i < c->image->tensor_count; i++) {
        const CnnTensor *tensor = &c->image->tensors[i];
        const CnnTensor *from = everything ? tensor : cnn_average_shown(c->average, tensor);
        if (!tensor->in_weights && !everything)
            continue;
        const void *data = cnn_device_read(c->device, from);
        TRY(cnn_device_wait(c->device, error));
        TRY(cnn_state_check(from, data, error));
        memcpy(place_of(c, from), data, cnn_tensor_bytes(from));
    }
    if (c->best->copy)
        memcpy(c->copy + tensors_bytes(c->image), c->best->copy, cnn_best_bytes(c->best, c->image));
    return CNN_OK;
}

/* Adds the copied tensors to the list of a file: all of them as they are, or the weights alone, as
 * evaluations read them. */
static void list_tensors(const Checkpoints *c, bool everything, WriterFile *file)
{
    for (int i = 0; i < c->image->tensor_count; i++) {
        const CnnTensor *tensor = &c->image->tensors[i];
        const CnnTensor *from = everything ? tensor : cnn_average_shown(c->average, tensor);
        if (tensor->in_weights || everything)
            file->tensors[file->count++] = cnn_state_named(tensor, place_of(c, from));
    }
}

/* The same of the best weights; `renamed`: with the names that they have beside the present ones. */
static void list_best(const Checkpoints *c, bool renamed, WriterFile *file)
{
    char *at = c->copy + tensors_bytes(c->image);
    for (int i = 0; i < c->image->tensor_count; i++) {
        const CnnTensor *tensor = &c->image->tensors[i];
        if (!tensor->in_weights)
            continue;
        file->tensors[file->count] = cnn_state_named(tensor, at);
        if (renamed)
            file->tensors[file->count].name = c->best->names[i];
        file->count++;
        at += cnn_tensor_bytes(tensor);
    }
}

/* The tensors of a file, in the copy. */
static CnnStatus list_copy(const Checkpoints *c, CheckpointParts part, WriterFile *file, CnnError *error)
{
    int measured = cnn_data_measured_count(c->data);
    bool best = c->best->copy && c->best->epoch > 0;
    file->tensors = calloc(2 * (size_t)c->image->tensor_count + (size_t)measured + 1, sizeof *file->tensors);
    if (!file->tensors)
        return no_memory(error);
    if (part == CHECKPOINT_BEST && best)
        list_best(c, false, file);
    else
        list_tensors(c, part == CHECKPOINT_ALL, file);
    if (part == CHECKPOINT_ALL && best)
        list_best(c, true, file);
    for (int i = 0; i < measured; i++)
        file->tensors[file->count++] = cnn_state_measured(cnn_data_measured(c->data, i));
    return CNN_OK;
}

static CnnStatus add_metadata(WriterFile *file, const char *key, char *value, CnnError *error)
{
    int i = 0;
    while (file->metadata[i])
        i++;
    char *name = strdup(key);
    if (!name || !value || i + 2 > WRITER_METADATA) {
        free(name);
        free(value);
        return no_memory(error);
    }
    file->metadata[i] = name;
    file->metadata[i + 1] = value;
    return CNN_OK;
}

/* What a checkpoint says beside what every file does. */
static CnnStatus describe_all(const Checkpoints *c, const TrainingState *state, WriterFile *file,
                              CnnError *error)
{
    TRY(add_metadata(file, CHECKPOINT_STATE, cnn_training_state_text(state), error));
    TRY(add_metadata(file, CHECKPOINT_RECIPE, strdup(c->image->recipe_text), error));
    return add_metadata(file, CHECKPOINT_DATA, cnn_data_identity(c->data), error);
}

static void remove_older(void *context)
{
    const Checkpoints *c = context;
    cnn_run_folder_prune(c->folder, c->step, c->keep);
}

static CnnStatus make_file(Checkpoints *c, const TrainingState *state, CheckpointParts part, WriterFile *file,
                           CnnError *error)
{
    file->path = part == CHECKPOINT_ALL
                     ? cnn_run_folder_checkpoint(c->folder, state->step)
                     : cnn_run_folder_file(c->folder, part == CHECKPOINT_BEST ? RUN_BEST : RUN_LAST);
    if (!file->path)
        return no_memory(error);
    TRY(list_copy(c, part, file, error));
    TRY(cnn_state_metadata(c->image, c->data, state->epoch, state->step, file->metadata, WRITER_METADATA,
                           error));
    if (part != CHECKPOINT_ALL)
        return CNN_OK;
    file->safe = remove_older;
    file->context = c;
    return describe_all(c, state, file, error);
}

CnnStatus cnn_checkpoint_write(Checkpoints *c, const TrainingState *state, int parts, CnnError *error)
{
    WriterFile files[WRITER_FILES] = {0};
    int count = 0;
    if (c->best_owed && c->best->copy)
        parts |= CHECKPOINT_BEST;
    CnnStatus status = take_copy(c, parts & CHECKPOINT_ALL, error);
    for (int part = CHECKPOINT_BEST; part <= CHECKPOINT_LAST && status == CNN_OK; part *= 2)
        if (parts & part)
            status = make_file(c, state, (CheckpointParts)part, &files[count++], error);
    if (status != CNN_OK) {
        for (int i = 0; i < count; i++)
            cnn_writer_file_free(&files[i]);
        c->best_owed = c->best_owed || (parts & CHECKPOINT_BEST);
        return status;
    }
    if (parts & CHECKPOINT_ALL) {
        c->last = cnn_clock();
        c->last_step = state->step;
    }
    c->parts = parts;
    c->step = state->step;
    c->epoch = state->epoch;
    cnn_writer_start(c->writer, files, count);
    return CNN_OK;
}

bool cnn_checkpoints_ended(Checkpoints *c, bool wait, CheckpointsEnd *end)
{
    CnnError failures[WRITER_FILES];
    int i = 0;
    if (!c->writer || !cnn_writer_ended(c->writer, wait, failures))
        return false;
    *end = (CheckpointsEnd){.step = c->step, .epoch = c->epoch};
    for (int part = CHECKPOINT_BEST; part <= CHECKPOINT_LAST; part *= 2) {
        if (!(c->parts & part))
            continue;
        const CnnError *failure = &failures[i++];
        if (failure->status == CNN_OK)
            end->written |= part;
        else
            end->failed |= part;
        if (failure->status != CNN_OK)
            cnn_fail(&end->error, failure->status, "%s", failure->text);
    }
    if (end->written & CHECKPOINT_ALL)
        c->safe_step = end->step;
    if (c->parts & CHECKPOINT_BEST)
        c->best_owed = end->failed & CHECKPOINT_BEST;
    c->parts = 0;
    return true;
}
