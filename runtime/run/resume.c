#include "runtime/run/resume.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/init.h"
#include "runtime/run/checkpoint.h"
#include "runtime/run/difference.h"
#include "runtime/state_file.h"

/* Adds a sentence to the note. */
static void note(Resume *resume, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(Resume *resume, const char *format, ...)
{
    size_t at = strlen(resume->note), room = sizeof resume->note - at;
    va_list arguments;
    va_start(arguments, format);
    int length = at ? snprintf(resume->note + at, room, "; ") : 0;
    if (length >= 0 && (size_t)length < room)
        vsnprintf(resume->note + at + length, room - (size_t)length, format, arguments);
    va_end(arguments);
}

/* Reads one checkpoint: the file, and the training's numbers. */
static CnnStatus read_checkpoint(const char *path, Resume *resume, CnnError *error)
{
    CnnError cause = {0};
    TRY(cnn_weights_open(path, &resume->file, error));
    TRY(cnn_weights_check_header(resume->file, path, error));
    const char *text = cnn_weights_metadata(resume->file, CHECKPOINT_STATE);
    if (!text)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' is no checkpoint: it has weights alone", path);
    CnnStatus status = cnn_training_state_read(text, &resume->state, &cause);
    return status == CNN_OK ? CNN_OK : cnn_fail(error, status, "'%s' is damaged: %s", path, cause.text);
}

/* The newest one that can be read; those that cannot are noted. That there is no memory says nothing about
 * a file. */
static CnnStatus find_checkpoint(const RunFolder *folder, Resume *resume, CnnError *error)
{
    CheckpointList list;
    TRY(cnn_run_folder_checkpoints(folder, &list, error));
    CnnStatus status = CNN_BAD_INPUT;
    for (int i = 0; i < list.count && status == CNN_BAD_INPUT; i++) {
        CnnError cause = {0};
        cnn_weights_close(resume->file);
        resume->file = NULL;
        free(resume->path);
        resume->path = cnn_run_folder_checkpoint(folder, list.steps[i]);
        status = resume->path ? read_checkpoint(resume->path, resume, &cause)
                              : cnn_fail(&cause, CNN_NO_RESOURCE, "no memory for a path");
        if (status == CNN_BAD_INPUT)
            note(resume, "%s", cause.text);
        else if (status != CNN_OK)
            cnn_fail(error, status, "%s", cause.text);
    }
    free(list.steps);
    if (status != CNN_BAD_INPUT)
        return status;
    return list.count
               ? cnn_fail(error, CNN_BAD_INPUT, "no checkpoint in '%s' can be read: %s", folder->path,
                          resume->note)
               : cnn_fail(error, CNN_BAD_INPUT,
                          "there is no checkpoint in '%s': the training ended before the first was written",
                          folder->path);
}

/* What has changed since the checkpoint was written, in `out`; "" where nothing has. */
static CnnStatus find_changes(const CnnImage *image, const CnnData *data, const WeightFile *file, char *out,
                              size_t bytes, CnnError *error)
{
    const char *recipe = cnn_weights_metadata(file, CHECKPOINT_RECIPE),
               *identity = cnn_weights_metadata(file, CHECKPOINT_DATA);
    size_t at = 0;
    *out = '\0';
    if (!recipe || strcmp(recipe, image->recipe_text) != 0) {
        at = (size_t)snprintf(out, bytes, "the model has changed:");
        cnn_difference(recipe ? recipe : "", image->recipe_text, out + at, bytes - at);
        at = strlen(out);
    }
    char *now = cnn_data_identity(data);
    if (!now)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory to compare the data");
    if (!identity || strcmp(identity, now) != 0) {
        size_t begun = (size_t)snprintf(out + at, bytes - at, "%sthe data have changed:", at ? "\n" : "");
        at = at + begun < bytes ? at + begun : bytes - 1;
        cnn_difference(identity ? identity : "", now, out + at, bytes - at);
    }
    free(now);
    return CNN_OK;
}

CnnStatus cnn_resume_open(const CnnImage *image, CnnData *data, const RunFolder *folder, bool anyway,
                          Resume *resume, CnnError *error)
{
    char changes[1600];
    StateMatch match;
    *resume = (Resume){0};
    TRY(find_checkpoint(folder, resume, error));
    TRY(find_changes(image, data, resume->file, changes, sizeof changes, error));
    resume->changed = *changes != '\0';
    if (resume->changed && !anyway)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'%s' cannot be gone on with, %s\n--anyway takes over what fits, and goes on",
                        folder->path, changes);
    TRY(cnn_state_match(image, data, resume->file, resume->path, &match, error));
    int64_t missing = cnn_state_missing(image, resume->file);
    if (missing && !anyway)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' lacks %" PRId64 " tensors of this network", resume->path,
                        missing);
    if (missing)
        note(resume, "%" PRId64 " tensors are not in the checkpoint, and so initialised", missing);
    if (match.measured)
        cnn_state_load_measured(data, resume->file);
    return CNN_OK;
}

void cnn_resume_close(Resume *resume)
{
    cnn_weights_close(resume->file);
    free(resume->path);
    *resume = (Resume){0};
}

bool cnn_resume_best_kept(const Resume *resume, const RunFolder *folder)
{
    CnnError unused = {0};
    WeightFile *file = NULL;
    char *path = cnn_run_folder_file(folder, RUN_BEST);
    if (path)
        cnn_weights_open(path, &file, &unused);
    const char *epoch = file ? cnn_weights_metadata(file, "epoch") : NULL;
    /* Of a later epoch: it was written before the training stopped, and will be again. */
    bool kept = epoch && strtoll(epoch, NULL, 10) >= resume->state.best_epoch;
    cnn_weights_close(file);
    free(path);
    return kept || resume->state.best_epoch == 0;
}

void cnn_resume_load(const Resume *resume, const CnnImage *image, CnnDevice *device, Best *best)
{
    cnn_state_load(device, image, resume->file, true);
    best->epoch = resume->state.best_epoch;
    best->since = resume->state.best_since;
    best->value = resume->state.best_value;
    char *at = best->copy;
    for (int i = 0; i < image->tensor_count && at && best->epoch; i++) {
        if (!image->tensors[i].in_weights)
            continue;
        const NamedTensor *found = cnn_weights_find(resume->file, best->names[i]);
        size_t bytes = cnn_tensor_bytes(&image->tensors[i]);
        memcpy(at, found ? found->data : cnn_device_read(device, &image->tensors[i]), bytes);
        at += bytes;
    }
}
