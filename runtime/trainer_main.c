/* `main` of a standalone trainer: the image and the code that `cnnc build` linked with it, and the flags of
 * `cnnc run`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/cpu_features.h"
#include "runtime/data/loose.h"
#include "runtime/file.h"
#include "runtime/image_io.h"
#include "runtime/init.h"
#include "runtime/options.h"
#include "runtime/predict.h"
#include "runtime/training.h"

/* Made by `cnnc build` (compiler/cpu/data_object.h). */
extern const unsigned char cnn_image_bytes[];
extern const uint64_t cnn_image_length;
extern CnnCode *const cnn_image_code[];
extern const int cnn_image_code_count;

typedef struct {
    const char *data_root;
    bool help;
} TrainerOptions;

static const Flag trainer_flags[] = {
    {"--data-root", FLAG_TEXT, offsetof(TrainerOptions, data_root), "DIR",
     "look for data with a relative path there (default: where the model was)", 0, 0, 0},
    {"--help", FLAG_SWITCH, offsetof(TrainerOptions, help), NULL, "this text", 0, 0, 0},
    FLAGS_END,
};

static void print_help(const char *program, const CnnImage *image)
{
    printf("%s trains the network %s, by code compiled for it (%s).\n\n", program, image->recipe.model_name,
           image->target);
    printf("usage:\n  %s [flags]\n  %s eval --weights FILE [flags]\n  %s predict --weights FILE [flags] "
           "FILE|FOLDER|-...\n  %s info\n\n",
           program, program, program, program);
    printf("to train:\n");
    cnn_flags_print(training_flags, stdout);
    printf(
        "\nto evaluate (loss and metrics on the test part, or the validation part where there is none):\n");
    cnn_flags_print(evaluation_flags, stdout);
    printf("\nto predict (what the network says to files; -: the standard input names them, one a line):\n");
    cnn_flags_print(prediction_flags, stdout);
    printf("\nalways:\n");
    cnn_flags_print(trainer_flags, stdout);
}

static void print_info(const CnnImage *image)
{
    int64_t parameters = 0;
    for (int i = 0; i < image->tensor_count; i++)
        if (image->tensors[i].trainable)
            parameters += cnn_tensor_elements(&image->tensors[i]);
    fputs(image->summary, stdout);
    printf("model       %s, from %s\n", image->recipe.model_name, image->recipe.model_path);
    printf("parameters  %" PRId64 "\n", parameters);
    printf("batch       at most %" PRId64 "\n", image->train.batch);
    printf("target      %s\n", image->target);
    printf("code        %d kernels, %d steps in training, %d in evaluation\n", image->code_count,
           image->train.step_count, image->eval.step_count);
}

/* Data with a relative path are looked for beside the model: moves it. */
static CnnStatus move_model(CnnImage *image, const char *root, char **path, CnnError *error)
{
    struct stat info;
    if (stat(root, &info) != 0 || !S_ISDIR(info.st_mode))
        return cnn_fail(error, CNN_BAD_INPUT, "--data-root: there is no folder '%s'", root);
    const char *slash = strrchr(image->recipe.model_path, '/');
    const char *name = slash ? slash + 1 : image->recipe.model_path;
    if (asprintf(path, "%s/%s", root, name) < 0) {
        *path = NULL;
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for a path");
    }
    image->recipe.model_path = *path;
    return CNN_OK;
}

/* What one call of the program is to do. */
typedef enum { DO_TRAIN, DO_EVALUATE, DO_PREDICT, DO_INFO } Action;

typedef struct {
    Action action;
    TrainerOptions trainer;
    TrainingOptions training;
    EvaluationOptions evaluation;
    PredictionOptions prediction;
    const char **files; /* to predict */
    int file_count;
} Command;

static CnnStatus read_command(int argc, char **argv, const char **words, Command *command, CnnError *error)
{
    static const char *const names[] = {"train", "eval", "predict", "info"};
    *command = (Command){
        .training.report = stdout, .evaluation.report = stdout, .prediction.report = stderr, .files = words};
    int first = 1;
    for (int i = 0; argc > 1 && i < 4; i++)
        if (strcmp(argv[1], names[i]) == 0) {
            command->action = (Action)i;
            first = 2;
        }
    FlagTable tables[] = {{trainer_flags, &command->trainer}, {NULL, NULL}, {NULL, NULL}};
    if (command->action == DO_TRAIN)
        tables[1] = (FlagTable){training_flags, &command->training};
    if (command->action == DO_EVALUATE)
        tables[1] = (FlagTable){evaluation_flags, &command->evaluation};
    if (command->action == DO_PREDICT)
        tables[1] = (FlagTable){prediction_flags, &command->prediction};
    int *count = &command->file_count;
    TRY(cnn_flags_read(tables, argc - first, argv + first, NULL, words, count, error));
    if (*count > 0 && command->action != DO_PREDICT)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "'%s' is not known here: train, eval, predict, info, or flags (--help)", words[0]);
    return CNN_OK;
}

static CnnStatus run_on_data(const CnnImage *image, const Command *command, CnnError *error)
{
    CnnData *data;
    TRY(cnn_data_open(&image->recipe, &data, error));
    CnnStatus status = command->action == DO_TRAIN ? cnn_train(image, data, &command->training, error)
                                                   : cnn_evaluate(image, data, &command->evaluation, error);
    cnn_data_close(data);
    return status;
}

static CnnStatus run_on_files(const CnnImage *image, const Command *command, CnnError *error)
{
    const PredictionOptions *options = &command->prediction;
    WeightFile *weights;
    CnnData *data = NULL;
    TRY(cnn_prediction_check(options, error));
    TRY(cnn_weights_open(options->weights, &weights, error));
    LooseRequest request = {command->files, command->file_count, weights, options->weights};
    CnnStatus status = cnn_data_open_loose(&image->recipe, &request, &data, error);
    if (status == CNN_OK)
        status = cnn_predict(image, data, weights, options, error);
    cnn_data_close(data);
    cnn_weights_close(weights);
    return status;
}

static CnnStatus run_network(CnnImage *image, const Command *command, CnnError *error)
{
    char *path = NULL;
    CnnStatus status = cnn_cpu_check(image->needs, error);
    if (status == CNN_OK && command->trainer.data_root)
        status = move_model(image, command->trainer.data_root, &path, error);
    image->recipe.weights = command->action == DO_EVALUATE ? command->evaluation.weights : NULL;
    if (status == CNN_OK)
        status = (command->action == DO_PREDICT ? run_on_files : run_on_data)(image, command, error);
    free(path);
    return status;
}

static CnnStatus run(int argc, char **argv, CnnImage *image, const char **words, CnnError *error)
{
    Command command;
    TRY(read_command(argc, argv, words, &command, error));
    if (command.trainer.help)
        print_help(argv[0], image);
    else if (command.action == DO_INFO)
        print_info(image);
    else
        return run_network(image, &command, error);
    return CNN_OK;
}

int main(int argc, char **argv)
{
    CnnError error = {0};
    CnnImage *image = NULL;
    cnn_file_hold_standard();
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    CnnStatus status = words ? CNN_OK : cnn_fail(&error, CNN_NO_RESOURCE, "no memory for the command line");
    if (status == CNN_OK)
        status = cnn_image_read(cnn_image_bytes, cnn_image_length, cnn_image_code, cnn_image_code_count,
                                &image, &error);
    if (status == CNN_OK)
        status = run(argc, argv, image, words, &error);
    cnn_image_free(image);
    free(words);
    if (status != CNN_OK)
        fprintf(stderr, "%s%s\n", status == CNN_INTERRUPTED ? "" : "error: ", error.text);
    else if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "error: what was to be said could not be written\n");
        status = CNN_NO_RESOURCE;
    }
    return (int)status;
}
