/* The tables of the flags of a run, of an evaluation and of predictions. */
#include "runtime/options.h"

#include "runtime/predict.h"
#include "runtime/training.h"

const Flag training_flags[] = {
    {"--epochs", FLAG_INTEGER, offsetof(TrainingOptions, epochs), "N",
     "go through the training part N times, whatever the model says", 1, 1e9, 0},
    {"--steps", FLAG_INTEGER, offsetof(TrainingOptions, steps), "N", "end after N updates of the weights", 1,
     1e15, 0},
    {"--batch", FLAG_INTEGER, offsetof(TrainingOptions, batch), "N", "samples of a batch", 1, 1 << 20, 0},
    {"--threads", FLAG_COUNT, offsetof(TrainingOptions, threads), "N",
     "use N cores; the numbers do not depend on it (default: all)", 1, 1024, 0},
    {"--loader-threads", FLAG_COUNT, offsetof(TrainingOptions, loader_threads), "N",
     "read and decode samples on N threads of their own; the numbers do not depend on it (default: as many "
     "as cores are used)",
     1, 1024, 0},
    {"--seed", FLAG_INTEGER, offsetof(TrainingOptions, seed), "N", "the key of all random numbers", 0,
     9007199254740992.0, offsetof(TrainingOptions, seed_given)},
    {"--start", FLAG_TEXT, offsetof(TrainingOptions, start), "FILE",
     "start from the weights of a .safetensors file", 0, 0, 0},
    {"--out", FLAG_TEXT, offsetof(TrainingOptions, out), "FOLDER",
     "the run folder, which is to have weights, checkpoints and records of the training (default: "
     "runs/NAME-1, -2, ...)",
     0, 0, 0},
    {"--no-out", FLAG_SWITCH, offsetof(TrainingOptions, no_out), NULL,
     "no run folder: nothing but what other flags name is written", 0, 0, 0},
    {"--resume", FLAG_OPTIONAL, offsetof(TrainingOptions, resume), "FOLDER",
     "go on with the training of this run folder, or the newest of the model", 0, 0, 0},
    {"--anyway", FLAG_SWITCH, offsetof(TrainingOptions, anyway), NULL,
     "with --resume: go on though the model or the data have changed, with all that fits", 0, 0, 0},
    {"--save", FLAG_TEXT, offsetof(TrainingOptions, save), "FILE",
     "write the weights to a .safetensors file at the end", 0, 0, 0},
    {"--log", FLAG_TEXT, offsetof(TrainingOptions, log), "FILE", "write one JSON object a step", 0, 0, 0},
    {"--quiet", FLAG_SWITCH, offsetof(TrainingOptions, quiet), NULL, "say nothing but what goes wrong", 0, 0,
     0},
    {"--json", FLAG_SWITCH, offsetof(TrainingOptions, json), NULL,
     "on the standard output one JSON object for each event, instead of lines", 0, 0, 0},
    FLAGS_END,
};

const Flag evaluation_flags[] = {
    {"--weights", FLAG_TEXT, offsetof(EvaluationOptions, weights), "FILE", "the weights, a .safetensors file",
     0, 0, 0},
    {"--outputs", FLAG_TEXT, offsetof(EvaluationOptions, outputs), "FILE",
     "write the network's answers to a table, FILE.csv, or its outputs alone to an array, FILE.npy", 0, 0, 0},
    {"--all", FLAG_SWITCH, offsetof(EvaluationOptions, all), NULL,
     "on all samples, whichever part they are in: of data that the training has not seen", 0, 0, 0},
    {"--validation", FLAG_SWITCH, offsetof(EvaluationOptions, validation), NULL,
     "on the validation part, even where there is a test part", 0, 0, 0},
    {"--threads", FLAG_COUNT, offsetof(EvaluationOptions, threads), "N", "use N cores (default: all)", 1,
     1024, 0},
    FLAGS_END,
};

const Flag prediction_flags[] = {
    {"--weights", FLAG_TEXT, offsetof(PredictionOptions, weights), "FILE", "the weights, a .safetensors file",
     0, 0, 0},
    {"--top", FLAG_INTEGER, offsetof(PredictionOptions, top), "N",
     "tell the N most probable classes of each file (default: 1)", 1, 1 << 20, 0},
    {"--json", FLAG_SWITCH, offsetof(PredictionOptions, json), NULL, "one JSON object a file, each on a line",
     0, 0, 0},
    {"--csv", FLAG_SWITCH, offsetof(PredictionOptions, csv), NULL,
     "a table, with the names of its columns first", 0, 0, 0},
    {"--batch", FLAG_INTEGER, offsetof(PredictionOptions, batch), "N", "samples of a batch", 1, 1 << 20, 0},
    {"--threads", FLAG_COUNT, offsetof(PredictionOptions, threads), "N", "use N cores (default: all)", 1,
     1024, 0},
    FLAGS_END,
};
