/* `main` of a standalone trainer: the network that `cnnc build` linked with it, and the flags of
 * `cnnc run`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/built.h"
#include "runtime/data/loose.h"
#include "runtime/file.h"
#include "runtime/image_io.h"
#include "runtime/options.h"
#include "runtime/predict.h"
#include "runtime/trainer_info.h"
#include "runtime/training.h"

static const char INSIDE[] = "the weights inside";

typedef struct {
    const char *data_root;
    bool not_inside, help;
} TrainerOptions;

static const Flag trainer_flags[] = {
    {"--data-root", FLAG_TEXT, offsetof(TrainerOptions, data_root), "DIR",
     "look for data with a relative path there (default: where the model was)", 0, 0, 0},
    {"--no-embedded-weights", FLAG_SWITCH, offsetof(TrainerOptions, not_inside), NULL,
     "do as if no weights were inside the program", 0, 0, 0},
    {"--help", FLAG_SWITCH, offsetof(TrainerOptions, help), NULL, "this text", 0, 0, 0},
    FLAGS_END,
};

static void print_help(const char *program, const CnnImage *image)
{
    const char *weights = cnn_built.weights ? "[--weights FILE]" : "--weights FILE";
    printf("%s trains the network %s, by code compiled for it (%s).\n\n", program, image->recipe.model_name,
           image->target);
    printf("usage:\n  %s [flags]\n  %s eval %s [flags]\n  %s predict %s [flags] "
           "FILE|FOLDER|-...\n  %s info [flags]\n\n",
           program, program, weights, program, weights, program);
    if (cnn_built.weights)
        printf("Weights are inside (%s): a training starts from them, unless it has --start or --resume.\n\n",
               cnn_built.weights_name);
    printf("to train:\n");
    cnn_flags_print(training_flags, stdout);
    printf(
        "\nto evaluate (loss and metrics on the test part, or the validation part where there is none):\n");
    cnn_flags_print(evaluation_flags, stdout);
    printf("\nto predict (what the network says to files; -: the standard input names them, one a line):\n");
    cnn_flags_print(prediction_flags, stdout);
    printf("\nto be told what is inside:\n");
    cnn_flags_print(trainer_info_flags, stdout);
    printf("\nalways:\n");
    cnn_flags_print(trainer_flags, stdout);
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
    TrainerInfoOptions info;
    const char **files; /* to predict */
    int file_count;
} Command;

/* Weights that the command line does not name are those inside. */
static void take_weights_inside(Command *command)
{
    TrainingOptions *training = &command->training;
    if (!cnn_built.weights || command->trainer.not_inside)
        return;
    cnn_weights_lend(INSIDE, cnn_built.weights, cnn_built.weights_bytes);
    if (!training->start && !training->resume)
        training->start = INSIDE;
    if (!command->evaluation.weights)
        command->evaluation.weights = INSIDE;
    if (!command->prediction.weights)
        command->prediction.weights = INSIDE;
}

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
    const FlagTable own[] = {{training_flags, &command->training},
                             {evaluation_flags, &command->evaluation},
                             {prediction_flags, &command->prediction},
                             {trainer_info_flags, &command->info}};
    const FlagTable tables[] = {{trainer_flags, &command->trainer}, own[command->action], {NULL, NULL}};
    int *count = &command->file_count;
    TRY(cnn_flags_read(tables, argc - first, argv + first, NULL, words, count, error));
    if (*count > 0 && command->action != DO_PREDICT)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "'%s' is not known here: train, eval, predict, info, or flags (--help)", words[0]);
    take_weights_inside(command);
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
    LooseRequest request = {command->files, command->file_count, weights, options->weights, NULL};
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
    CnnStatus status = CNN_OK;
    if (command->trainer.data_root)
        status = move_model(image, command->trainer.data_root, &path, error);
    image->recipe.weights = command->action == DO_EVALUATE ? command->evaluation.weights : NULL;
    if (status == CNN_OK)
        status = (command->action == DO_PREDICT ? run_on_files : run_on_data)(image, command, error);
    free(path);
    return status;
}

/* The network in a version that runs here; to be told about, in any. */
static CnnStatus run_version(const char *program, const Command *command, CnnError *error)
{
    const CnnVersion *version;
    CnnImage *image;
    CnnError unfit = {0};
    bool told = command->trainer.help || command->action == DO_INFO;
    CnnStatus status = cnn_built_choose(&cnn_built, &version, told ? &unfit : error);
    if (status != CNN_OK && !told)
        return status;
    TRY(cnn_image_read(version->image, version->image_bytes, version->code, (int)version->code_count, &image,
                       error));
    status = CNN_OK;
    if (command->trainer.help)
        print_help(program, image);
    else if (command->action == DO_INFO)
        trainer_info_print(image, unfit.status == CNN_OK ? version : NULL, &command->info);
    else
        status = run_network(image, command, error);
    cnn_image_free(image);
    return status;
}

int main(int argc, char **argv)
{
    Command command;
    CnnError error = {0};
    cnn_file_hold_standard();
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    CnnStatus status = words ? CNN_OK : cnn_fail(&error, CNN_NO_RESOURCE, "no memory for the command line");
    if (status == CNN_OK)
        status = read_command(argc, argv, words, &command, &error);
    if (status == CNN_OK)
        status = run_version(argv[0], &command, &error);
    free(words);
    if (status != CNN_OK)
        fprintf(stderr, "%s%s\n", status == CNN_INTERRUPTED ? "" : "error: ", error.text);
    else if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "error: what was to be said could not be written\n");
        status = CNN_NO_RESOURCE;
    }
    return (int)status;
}
