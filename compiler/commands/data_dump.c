/* `cnnc data dump`: the values that the network sees of one sample. */
#include <inttypes.h>
#include <stdlib.h>

#include "compiler/commands/data.h"
#include "runtime/data/files.h"
#include "runtime/data/look.h"
#include "runtime/npy_write.h"
#include "runtime/output.h"

static CnnStatus dump_write(const char *path, const float *values, Dims shape, CnnError *error)
{
    NpyFile file;
    Dims row = {2, {shape.value[1], shape.value[2]}};
    TRY(cnn_npy_create(path, row, &file, error));
    CnnStatus status = cnn_npy_write(&file, values, shape.value[0], error);
    if (status == CNN_OK)
        return cnn_npy_commit(&file, error);
    cnn_npy_abandon(&file);
    return status;
}

static void print_dumped(const char *path, const CnnData *data, PartSample sample, int64_t epoch)
{
    Dims shape = cnn_data_shape(data);
    char name[NAME_BYTES];
    double label = cnn_data_label(data, sample);
    cnn_data_name(data, sample.part, sample.index, name, sizeof name);
    printf("%s: %" PRId64 "x%" PRId64 "x%" PRId64 " of %s (%s, ", path, shape.value[0], shape.value[1],
           shape.value[2], name, data_part_names[sample.part]);
    if (cnn_data_classes(data) > 0)
        printf("class %" PRId64 ": %s)", (int64_t)label, cnn_data_class_name(data, (int64_t)label));
    else
        printf("label %.9g)", label);
    if (epoch == EPOCH_NONE)
        printf(" as it is evaluated\n");
    else
        printf(" as epoch %" PRId64 " trains on it\n", epoch + 1);
}

static CnnStatus dump_sample(const Options *options, CnnData *data, PartSample sample, int64_t epoch,
                             float *values, CnnError *error)
{
    DataScratch *scratch = NULL;
    MixedLabel label; /* the largest kind; not used */
    CnnStatus status =
        cnn_data_sample(data, sample.part, sample.index, epoch, &scratch, values, &label, error);
    cnn_data_scratch_free(scratch);
    TRY(status);
    TRY(dump_write(options->output, values, cnn_data_shape(data), error));
    print_dumped(options->output, data, sample, epoch);
    return CNN_OK;
}

static CnnStatus dump_model(const Options *options, const Model *model)
{
    CnnError error = {0};
    CnnData *data;
    PartSample sample;
    int64_t epoch = options->augment ? options->epoch ? options->epoch - 1 : 0 : EPOCH_NONE;
    const CnnRecipe *recipe = &model->checked->recipe;
    if (cnn_output_check(recipe, options->output, OUTPUT_ARRAY, &error) != CNN_OK)
        return command_fail(error.status, "-o: %s", error.text);
    TRY(data_of(model, &data));
    if (cnn_data_find(data, options->sample, &sample, &error) != CNN_OK)
        return command_fail(error.status, "--sample: %s", error.text);
    if (options->augment && sample.part != PART_TRAIN)
        return command_fail(CNN_BAD_USAGE,
                            "--augment: the sample is one of the %s part, which is never augmented",
                            data_part_names[sample.part]);
    cnn_data_set_seed(data, cnn_training_seed(&options->training, recipe));
    CnnStatus status = cnn_data_prepare(data, model->session->threads, &error);
    if (status == CNN_OK) {
        Dims shape = cnn_data_shape(data);
        float *values =
            NEW_ARRAY(model->session->arena, float, shape.value[0] * shape.value[1] * shape.value[2]);
        status = dump_sample(options, data, sample, epoch, values, &error);
    }
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

CnnStatus data_dump(const Options *options)
{
    Model model;
    if (!options->output)
        return command_fail(CNN_BAD_USAGE, "data dump: -o must say which file to write: -o x.npy");
    if (!options->sample)
        return command_fail(CNN_BAD_USAGE, "data dump: --sample must say which: its file or its number");
    if (options->epoch && !options->augment)
        return command_fail(CNN_BAD_USAGE,
                            "data dump: --epoch is for --augment: an evaluation has no epochs");
    TRY(model_open(options, &model));
    CnnStatus status = dump_model(options, &model);
    model_close(&model);
    return status;
}
