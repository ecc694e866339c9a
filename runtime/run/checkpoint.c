#include "runtime/run/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/init.h"
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

/* The bytes of all tensors, each of which begins at a multiple of 8. */
static uint64_t copy_bytes(const CnnImage *image)
{
    uint64_t bytes = 0;
    for (int i = 0; i < image->tensor_count; i++)
        bytes += (cnn_tensor_bytes(&image->tensors[i]) + 7) / 8 * 8;
    return bytes;
}

/* The newest files that are there already, the oldest of them first. */
static CnnStatus find_kept(Checkpoints *c, CnnError *error)
{
    CheckpointList list;
    TRY(cnn_run_folder_checkpoints(c->folder, &list, error));
    int64_t count = list.count < c->keep ? list.count : c->keep;
    for (int64_t i = 0; i < count; i++)
        c->kept[c->written++] = list.steps[count - 1 - i];
    free(list.steps);
    return CNN_OK;
}

CnnStatus cnn_checkpoints_open(const CnnImage *image, CnnDevice *device, CnnData *data, const Best *best,
                               const RunFolder *folder, int64_t steps_per_epoch, Checkpoints *out,
                               CnnError *error)
{
    const CnnStatement *statement = recipe_find(image->recipe.train, &checkpoint_schema);
    *out = (Checkpoints){.image = image,
                         .device = device,
                         .data = data,
                         .best = best,
                         .folder = folder,
                         .args = statement ? statement->args : NULL,
                         .steps_per_epoch = steps_per_epoch,
                         .last_step = -1,
                         .last = cnn_clock()};
    out->keep = out->args ? out->args->keep : KEEP;
    out->kept = malloc((size_t)out->keep * sizeof *out->kept);
    out->copy = cnn_memory_take(copy_bytes(image));
    if (!out->kept || !out->copy)
        return no_memory(error);
    for (int64_t i = 0; i < out->keep; i++)
        out->kept[i] = -1;
    TRY(find_kept(out, error));
    return cnn_writer_open(&out->writer, error);
}

void cnn_checkpoints_close(Checkpoints *c)
{
    cnn_writer_close(c->writer);
    free(c->copy);
    free(c->kept);
    *c = (Checkpoints){.last_step = -1};
}

bool cnn_checkpoint_due(const Checkpoints *c, int64_t step, int64_t ended_epoch)
{
    double since = cnn_clock() - c->last;
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

/* Copies the device's tensors; `everything`: the optimizer's state too, else the weights alone. */
static CnnStatus take_copy(Checkpoints *c, bool everything, CnnError *error)
{
    char *at = c->copy;
    for (int i = 0; i < c->image->tensor_count; i++) {
        const CnnTensor *tensor = &c->image->tensors[i];
        if (!tensor->in_weights && !everything)
            continue;
        TRY(cnn_state_check(tensor, cnn_device_tensor(c->device, tensor), error));
        memcpy(at, cnn_device_tensor(c->device, tensor), cnn_tensor_bytes(tensor));
        at += (cnn_tensor_bytes(tensor) + 7) / 8 * 8;
    }
    return CNN_OK;
}

/* The tensors of a file, in the copy that was taken with `copied_everything`. */
static CnnStatus list_copy(const Checkpoints *c, bool copied_everything, bool everything, WriterFile *file,
                           CnnError *error)
{
    const CnnImage *image = c->image;
    int measured = cnn_data_measured_count(c->data);
    const char *at = c->copy, *best = everything ? c->best->copy : NULL;
    file->tensors = calloc(2 * (size_t)image->tensor_count + (size_t)measured + 1, sizeof *file->tensors);
    if (!file->tensors)
        return no_memory(error);
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!tensor->in_weights && !copied_everything)
            continue;
        if (tensor->in_weights || everything)
            file->tensors[file->count++] = cnn_state_named(tensor, (void *)(uintptr_t)at);
        at += (cnn_tensor_bytes(tensor) + 7) / 8 * 8;
    }
    for (int i = 0; i < image->tensor_count && best && c->best->epoch; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        if (!tensor->in_weights)
            continue;
        file->tensors[file->count] = cnn_state_named(tensor, (void *)(uintptr_t)best);
        file->tensors[file->count++].name = c->best->names[i];
        best += cnn_tensor_bytes(tensor);
    }
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

/* What every file says. */
static CnnStatus describe(const Checkpoints *c, const TrainingState *state, WriterFile *file, CnnError *error)
{
    return cnn_state_metadata(c->image, c->data, state->epoch, state->step, file->metadata, WRITER_METADATA,
                              error);
}

static CnnStatus weights_file(const Checkpoints *c, const TrainingState *state, const char *name,
                              bool copied_everything, WriterFile *file, CnnError *error)
{
    file->path = cnn_run_folder_file(c->folder, name);
    if (!file->path)
        return no_memory(error);
    TRY(list_copy(c, copied_everything, false, file, error));
    return describe(c, state, file, error);
}

static CnnStatus checkpoint_file(Checkpoints *c, const TrainingState *state, WriterFile *file,
                                 CnnError *error)
{
    int64_t *slot = &c->kept[c->written % c->keep];
    file->path = cnn_run_folder_checkpoint(c->folder, state->step);
    file->replaces = *slot >= 0 ? cnn_run_folder_checkpoint(c->folder, *slot) : NULL;
    if (!file->path || (*slot >= 0 && !file->replaces))
        return no_memory(error);
    TRY(list_copy(c, true, true, file, error));
    TRY(describe(c, state, file, error));
    TRY(add_metadata(file, CHECKPOINT_STATE, cnn_training_state_text(state), error));
    TRY(add_metadata(file, CHECKPOINT_RECIPE, strdup(c->image->recipe_text), error));
    TRY(add_metadata(file, CHECKPOINT_DATA, cnn_data_identity(c->data), error));
    /* One that is written again, since a training went on from an older one, keeps its place. */
    for (int64_t i = 0; i < c->keep; i++)
        if (c->kept[i] == state->step) {
            free(file->replaces);
            file->replaces = NULL;
            c->last_step = state->step;
            return CNN_OK;
        }
    *slot = c->last_step = state->step;
    c->written++;
    return CNN_OK;
}

CnnStatus cnn_checkpoint_write(Checkpoints *c, const TrainingState *state, int parts, CnnError *error)
{
    WriterFile files[WRITER_FILES] = {0};
    CnnError before = {0};
    bool everything = parts & CHECKPOINT_ALL;
    int count = 0;
    cnn_writer_wait(c->writer, &before);
    CnnStatus status = take_copy(c, everything, error);
    /* The best first: a checkpoint that says which epoch was the best must not be there without it. */
    if (status == CNN_OK && (parts & CHECKPOINT_BEST))
        status = weights_file(c, state, RUN_BEST, everything, &files[count++], error);
    if (status == CNN_OK && everything)
        status = checkpoint_file(c, state, &files[count++], error);
    if (status == CNN_OK && (parts & CHECKPOINT_LAST))
        status = weights_file(c, state, RUN_LAST, everything, &files[count++], error);
    if (status != CNN_OK) {
        for (int i = 0; i < count; i++)
            cnn_writer_file_free(&files[i]);
        return status;
    }
    if (everything)
        c->last = cnn_clock();
    cnn_writer_start(c->writer, files, count);
    return before.status == CNN_OK ? CNN_OK : cnn_fail(error, before.status, "%s", before.text);
}

CnnStatus cnn_checkpoints_wait(Checkpoints *c, CnnError *error)
{
    return c->writer ? cnn_writer_wait(c->writer, error) : CNN_OK;
}
