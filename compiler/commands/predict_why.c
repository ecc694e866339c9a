#include "compiler/commands/predict_why.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/commands/data_cell.h"
#include "compiler/commands/heat.h"
#include "runtime/data/loose.h"
#include "runtime/data/look.h"
#include "runtime/evaluate.h"
#include "runtime/output.h"
#include "runtime/predict.h"

typedef struct {
    Arena *arena;
    const Options *options;
    const Linked *linked;
    CnnData *data;
    CnnDevice *device;
    Prediction prediction;
    Picture stored;
    float *seen;         /* what the network sees */
    int64_t class_index; /* that is asked about; not read where labels are numbers */
    const float *map;    /* [rows, columns], of the last step */
    int64_t rows, columns;
} Why;

static bool ends_as_png(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".png") == 0;
}

CnnStatus predict_why_check(const Options *options)
{
    if (!options->why && options->class_name)
        return command_fail(CNN_BAD_USAGE, "predict: --class is for --why, which draws what speaks for it");
    if (options->why && !ends_as_png(options->why))
        return command_fail(CNN_BAD_USAGE, "predict: --why writes a PNG: '%s' should end in .png",
                            options->why);
    return CNN_OK;
}

/* The file is given by name only, so that a folder that comes to hold a second one is no surprise. */
static CnnStatus why_fits(Why *why, const Model *model, CnnError *error)
{
    const CnnImage *image = why->linked->image;
    int64_t files = cnn_data_count(why->data, PART_TEST);
    if (files != 1)
        return cnn_fail(error, CNN_BAD_USAGE, "--why explains one file, and %" PRId64 " are named", files);
    TRY(cnn_output_check(&model->checked->recipe, why->options->why, OUTPUT_PNG, error));
    if (image->input_shape.value[0] == 1)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "--why draws over a picture, and this network sees a row of %" PRId64 " values",
                        image->input_shape.value[1]);
    return CNN_OK;
}

/* One step, which explains the class that is asked about. */
static void why_step(Why *why)
{
    const CnnProgram *program = &why->linked->image->eval;
    const Plan *plan = why->linked->eval;
    NodeId node = graph_find_result(plan->graph, RESULT_VALUE);
    MixedLabel label = {.label = (int32_t)why->class_index}; /* the largest kind; 0 is the number 0, too */
    CnnScalars scalars = {.inverse_count = 1, .count = 1, .first_micro = 1, .last_micro = 1};
    cnn_device_step(why->device, program, why->seen, &label, &scalars, 1);
    why->map = cnn_device_buffer(why->device, program, plan->buffer_of[node]);
    why->rows = graph_type(plan->graph, node)->dim[1];
    why->columns = graph_type(plan->graph, node)->dim[2];
}

static const float *why_outputs(const Why *why)
{
    const CnnProgram *program = &why->linked->image->eval;
    return cnn_device_buffer(why->device, program, program->logits);
}

static CnnStatus find_class(Why *why, CnnError *error)
{
    const char *name = why->options->class_name;
    char shown[NAME_BYTES], names[NAMES_BYTES] = "";
    int64_t classes = cnn_data_classes(why->data);
    if (!name) {
        why->class_index = why->prediction.ranked[0].class_index;
        return CNN_OK;
    }
    if (why->prediction.classes == 0)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "--class: this network was trained on numbers, and has no classes");
    for (int64_t c = 0; c < classes; c++) {
        if (strcmp(cnn_data_class_name(why->data, c), name) == 0) {
            why->class_index = c;
            return CNN_OK;
        }
        names_add(names, cnn_data_class_name(why->data, c));
    }
    return cnn_fail(error, CNN_BAD_USAGE, "--class: there is no class '%s'; there are %s",
                    name_printable(name, shown), names);
}

/* What was drawn, to the standard error: the standard output has the prediction. */
static void tell(const Why *why)
{
    char shown[NAME_BYTES];
    float most = 0;
    for (int64_t i = 0; i < why->rows * why->columns; i++)
        most = fmaxf(most, why->map[i]);
    const char *path = cnn_data_loose_path(why->data, 0),
               *what =
                   why->prediction.classes ? cnn_data_class_name(why->data, why->class_index) : "its output";
    fflush(stdout);
    fprintf(stderr, "%s: %s for %s in ", why->options->why, most > 0 ? "what speaks" : "nothing speaks",
            name_printable(what, shown));
    fprintf(stderr, "%s\n", name_printable(path, shown));
}

/* The network's view, at the right, with the map; at the left what the file holds, or where that is no
 * picture, the view again. */
static CnnStatus draw(Why *why, CnnError *error)
{
    Dims shape = cnn_data_shape(why->data);
    Picture seen = {.height = shape.value[0],
                    .width = shape.value[1],
                    .channels = shape.value[2],
                    .dtype = DTYPE_F32,
                    .data = why->seen};
    const float *black, *white;
    bool sound = cnn_data_is_sound(why->data), ranged = cnn_data_seen_range(why->data, &black, &white);
    SheetCell right = data_cell(why->arena, &seen, ranged ? black : NULL, white, sound), left = right;
    if (why->stored.height > 1) {
        ranged = cnn_data_stored_range(why->data, &black, &white);
        left = data_cell(why->arena, &why->stored, ranged ? black : NULL, white, false);
    }
    float *map = NEW_ARRAY(why->arena, float, why->rows * why->columns);
    for (int64_t row = 0; row < why->rows; row++)
        memcpy(map + row * why->columns, why->map + (sound ? why->rows - 1 - row : row) * why->columns,
               (size_t)why->columns * sizeof *map);
    Heat heat = {.original = &left, .seen = &right, .map = map, .rows = why->rows, .columns = why->columns};
    return heat_write(&heat, why->options->why, error);
}

static CnnStatus why_run(Why *why, const Model *model, const WeightFile *weights, CnnError *error)
{
    const CnnImage *image = why->linked->image;
    const PredictionOptions *options = &why->options->prediction;
    DataScratch *scratch = NULL;
    MixedLabel label; /* the largest kind; there is none */
    bool unreadable;
    Dims shape = cnn_data_shape(why->data);
    TRY(why_fits(why, model, error));
    TRY(cnn_data_fits(image, why->data, error));
    TRY(cnn_prediction_open(image, why->data, options, &why->prediction, error));
    TRY(cnn_device_open(image, model->session->threads, 1, &why->device, error));
    TRY(cnn_prediction_load(image, why->data, weights, options->weights, why->device, error));
    why->seen = NEW_ARRAY(why->arena, float, shape.value[0] * shape.value[1] * shape.value[2]);
    CnnStatus status =
        cnn_data_sample(why->data, PART_TEST, 0, EPOCH_NONE, &scratch, why->seen, &label, error);
    cnn_data_scratch_free(scratch);
    TRY(status);
    TRY(cnn_data_stored(why->data, (PartSample){PART_TEST, 0}, &why->stored, &unreadable, error));
    why_step(why);
    prediction_rank(&why->prediction, why_outputs(why));
    TRY(find_class(why, error));
    why_step(why);
    prediction_begin(&why->prediction, stdout);
    prediction_line(&why->prediction, cnn_data_loose_path(why->data, 0), why_outputs(why), stdout);
    TRY(draw(why, error));
    tell(why);
    return CNN_OK;
}

CnnStatus predict_why_draw(Model *model, const Options *options, const WeightFile *weights)
{
    Linked linked;
    CnnError error = {0};
    model->session->purpose = PURPOSE_EXPLANATION;
    TRY(model_link(model, true, &linked));
    Why why = {
        .arena = model->session->arena, .options = options, .linked = &linked, .data = model->program->data};
    CnnStatus status = why_run(&why, model, weights, &error);
    cnn_device_close(why.device);
    prediction_close(&why.prediction);
    picture_free(&why.stored);
    driver_unlink(&linked);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}
