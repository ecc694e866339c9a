#include "runtime/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/file.h"
#include "runtime/rate.h"
#include "runtime/state_file.h"

CnnStatus cnn_checkpoints_open(const CnnImage *image, const char *save, int64_t steps_per_epoch,
                               Checkpoints *out, CnnError *error)
{
    const CnnStatement *statement = recipe_find(image->recipe.train, &checkpoint_schema);
    *out = (Checkpoints){.image = image, .steps_per_epoch = steps_per_epoch, .last = cnn_clock()};
    if (!statement)
        return CNN_OK;
    out->args = statement->args;
    if (!save)
        TRY(cnn_folder_make("checkpoints", error));
    out->folder = save ? strndup(save, cnn_path_folder(save)) : strdup("checkpoints/");
    out->kept = calloc((size_t)out->args->keep, sizeof *out->kept);
    if (!out->folder || !out->kept)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the names of %" PRId64 " checkpoints",
                        out->args->keep);
    return CNN_OK;
}

void cnn_checkpoints_close(Checkpoints *checkpoints)
{
    for (int64_t i = 0; checkpoints->kept && i < checkpoints->args->keep; i++)
        free(checkpoints->kept[i]);
    free(checkpoints->kept);
    free(checkpoints->folder);
}

bool cnn_checkpoint_due(const Checkpoints *checkpoints, int64_t step)
{
    if (!checkpoints->args)
        return false;
    Duration every = checkpoints->args->every;
    if (every.unit == UNIT_SECONDS)
        return cnn_clock() - checkpoints->last >= every.value;
    return step % cnn_duration_steps(every, checkpoints->steps_per_epoch) == 0;
}

const char *cnn_checkpoint_newest(const Checkpoints *checkpoints)
{
    return checkpoints->written ? checkpoints->kept[(checkpoints->written - 1) % checkpoints->args->keep]
                                : NULL;
}

CnnStatus cnn_checkpoint_write(Checkpoints *checkpoints, CnnDevice *device, CnnData *data, int64_t step,
                               CnnError *error)
{
    const CnnImage *image = checkpoints->image;
    bool whole = step % checkpoints->steps_per_epoch == 0;
    int64_t epoch = step / checkpoints->steps_per_epoch;
    char *path;
    if (asprintf(&path, "%s%s-%s-%" PRId64 ".safetensors", checkpoints->folder, image->recipe.model_name,
                 whole ? "epoch" : "step", whole ? epoch : step) < 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the name of a checkpoint");
    CnnStatus status = cnn_state_save(device, image, data, path, true, epoch, step, error);
    if (status != CNN_OK) {
        free(path);
        return status;
    }
    char **slot = &checkpoints->kept[checkpoints->written++ % checkpoints->args->keep];
    if (*slot && strcmp(*slot, path) != 0)
        unlink(*slot); /* only now that the newer one is safe */
    free(*slot);
    *slot = path;
    checkpoints->last = cnn_clock();
    checkpoints->last_step = step;
    return CNN_OK;
}
