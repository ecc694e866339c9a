#include "runtime/divergence.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/scan.h"

enum { SAMPLES_SHOWN = 16 };

/* ---- The copy to go back to ---- */

static uint64_t state_bytes(const CnnImage *image)
{
    uint64_t bytes = 0;
    for (int i = 0; i < image->tensor_count; i++)
        bytes += cnn_tensor_bytes(&image->tensors[i]);
    return bytes;
}

/* Copies all state out of the device, or back into it. */
static void copy_state(Divergence *divergence, CnnDevice *device, bool back)
{
    char *copy = divergence->copy;
    for (int i = 0; i < divergence->image->tensor_count; i++) {
        const CnnTensor *tensor = &divergence->image->tensors[i];
        size_t bytes = cnn_tensor_bytes(tensor);
        if (back)
            memcpy(cnn_device_tensor(device, tensor), copy, bytes);
        else
            memcpy(copy, cnn_device_read(device, tensor), bytes);
        copy += bytes;
    }
}

CnnStatus divergence_open(const CnnImage *image, Divergence *out, CnnError *error)
{
    *out = (Divergence){.image = image, .factor = 1, .copied = -1};
    out->args = *(const NanArgs *)recipe_args(image->recipe.train, &nan_schema, &out->args);
    if (out->args.action == NAN_BACK && !(out->copy = cnn_memory_take(state_bytes(image))))
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "no memory for the copy of the weights that 'nan back' goes back to");
    return CNN_OK;
}

void divergence_close(Divergence *divergence)
{
    free(divergence->copy);
    divergence->copy = NULL;
}

void divergence_keep(Divergence *divergence, CnnDevice *device, bool epoch_begins, int64_t step)
{
    bool due = divergence->copied < 0 || epoch_begins || step - divergence->copied >= DIVERGENCE_COPY_STEPS;
    if (!divergence->copy || !due || divergence->copied == step || scan_state(device, divergence->image))
        return;
    copy_state(divergence, device, false);
    divergence->copied = step;
}

/* ---- What is told ---- */

bool divergence_is_finite(const Divergence *divergence, CnnDevice *device)
{
    const CnnProgram *program = &divergence->image->train;
    const float *loss = cnn_device_buffer(device, program, program->loss);
    if (!isfinite(*loss) || program->finite < 0 || program->scaled)
        return isfinite(*loss);
    return *(const float *)cnn_device_buffer(device, program, program->finite) == 1;
}

static const char *trouble_of(const Divergence *divergence, CnnDevice *device)
{
    const CnnProgram *program = &divergence->image->train;
    float loss = *(const float *)cnn_device_buffer(device, program, program->loss);
    return isnan(loss)   ? "the loss is not a number"
           : isinf(loss) ? "the loss is infinite"
                         : "the gradient is not finite";
}

static const char *sample_name(const TrainedBatch *trained, int64_t i, char *buffer)
{
    char name[NAME_BYTES];
    cnn_data_name(trained->data, PART_TRAIN, cnn_loader_sample(trained->loader, i), name, sizeof name);
    return name_printable(name, buffer);
}

/* A part of a sentence. */
static void finding_text(const TrainedBatch *trained, const NotFinite *found, char *out, size_t bytes)
{
    char sample[NAME_BYTES] = "", where[512] = "";
    if (found->sample >= 0)
        sample_name(trained, found->sample, sample);
    if (*found->where)
        snprintf(where, sizeof where, " (%s)", found->where);
    switch (found->place) {
    case NOT_FINITE_INPUT:
        snprintf(out, bytes, "%.512s has a value that is not finite", sample);
        break;
    case NOT_FINITE_LABEL:
        snprintf(out, bytes, "the label of %.512s is not finite", sample);
        break;
    case NOT_FINITE_STATE:
        snprintf(out, bytes, "%.128s%s is not finite since the update before", found->name, where);
        break;
    case NOT_FINITE_COMPUTED:
        snprintf(out, bytes, "the first value that is not finite is one of %.128s%s in the %s%s%s%.512s",
                 found->name, where, step_part_names[found->part], found->part == STEP_UPDATE ? "" : " pass",
                 *sample ? ", for " : "", sample);
        break;
    case NOT_FINITE_NOWHERE:
        snprintf(out, bytes, "all that the step stores is finite when it is run again");
        break;
    }
}

static void report_samples(const TrainedBatch *trained, Report *report)
{
    char name[NAME_BYTES];
    int64_t count = trained->batch->samples;
    report_line(report, "step %" PRId64 " trained on %" PRId64 " samples:", trained->step, count);
    for (int64_t i = 0; i < count && i < SAMPLES_SHOWN; i++)
        report_line(report, "  %s", sample_name(trained, i, name));
    if (count > SAMPLES_SHOWN)
        report_line(report, "  and %" PRId64 " more", count - SAMPLES_SHOWN);
}

/* ---- What is done ---- */

static CnnStatus end_training(const Divergence *divergence, const TrainedBatch *trained, const char *trouble,
                              const NotFinite *found, const char *finding, Report *report, CnnError *error)
{
    char before[96] = "", help[128] = "";
    report_samples(trained, report);
    if (divergence->args.action == NAN_SKIP)
        snprintf(before, sizeof before, ", after leaving out %" PRId64 " in a row", divergence->args.most);
    if (divergence->args.action == NAN_BACK)
        snprintf(before, sizeof before, ", after going back %" PRId64 " time%s", divergence->args.most,
                 divergence->args.most == 1 ? "" : "s");
    if (found->place != NOT_FINITE_INPUT && found->place != NOT_FINITE_LABEL)
        snprintf(help, sizeof help, ". A lower learning rate (now %g) or clip norm=1 may help",
                 (double)trained->scalars->rate);
    return cnn_fail(error, CNN_DIVERGED,
                    "%s at step %" PRId64 " (epoch %" PRId64 ")%s: %s; no weights were written%s", trouble,
                    trained->step, trained->epoch, before, finding, help);
}

static bool is_over(Divergence *divergence)
{
    switch ((NanAction)divergence->args.action) {
    case NAN_SKIP:
        return ++divergence->row > divergence->args.most;
    case NAN_BACK:
        return ++divergence->returned > divergence->args.most;
    case NAN_STOP:
        break;
    }
    return true;
}

CnnStatus divergence_handle(Divergence *divergence, const TrainedBatch *trained, Report *report,
                            CnnError *error)
{
    const char *trouble = trouble_of(divergence, trained->device); /* before it is looked for */
    bool over = is_over(divergence), back = divergence->args.action == NAN_BACK;
    *divergence->note = '\0';
    divergence->left_out += !over && !back;
    /* Looking for it takes as long as many steps: of a row of updates only the first is told. */
    if (!over && !back && divergence->row > 1)
        return CNN_OK;
    char finding[1536];
    NotFinite found = scan_not_finite(trained->device, divergence->image, trained->batch, trained->scalars);
    finding_text(trained, &found, finding, sizeof finding);
    if (over)
        return end_training(divergence, trained, trouble, &found, finding, report, error);
    int used = snprintf(divergence->note, sizeof divergence->note, "warning: %s at step %" PRId64 ": %.700s",
                        trouble, trained->step, finding);
    if (!back) {
        snprintf(divergence->note + used, sizeof divergence->note - (size_t)used,
                 "; this update is left out");
        return CNN_OK;
    }
    copy_state(divergence, trained->device, true);
    divergence->factor *= divergence->args.factor;
    snprintf(divergence->note + used, sizeof divergence->note - (size_t)used,
             "; back to the weights of step %" PRId64 ", with %.3g of the rate", divergence->copied,
             divergence->factor);
    return CNN_OK;
}

void divergence_passed(Divergence *divergence)
{
    divergence->row = 0;
}

bool divergence_left_out(Divergence *divergence)
{
    int64_t count = divergence->left_out;
    divergence->left_out = 0;
    snprintf(divergence->note, sizeof divergence->note,
             "%" PRId64 " update%s of this epoch %s left out, as the numbers were not finite", count,
             count == 1 ? "" : "s", count == 1 ? "was" : "were");
    return count > 0;
}

CnnStatus divergence_of_validation(const Divergence *divergence, CnnDevice *device, int64_t epoch,
                                   CnnError *error)
{
    const CnnTensor *tensor = scan_state(device, divergence->image);
    return cnn_fail(
        error, CNN_DIVERGED,
        "the validation loss is not finite after epoch %" PRId64 "%s%s; no weights were written", epoch,
        tensor ? ", since the last update made values of this tensor infinite or no number: " : "",
        tensor ? tensor->name : "");
}
