/* The table of commands, and the way from a command line to one of them. */
#include "compiler/commands/command.h"

#include <stdarg.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/base/diag.h"
#include "compiler/base/vec.h"
#include "compiler/cpu/cpu.h"
#include "runtime/options.h"

#define OPTION(member) offsetof(Options, member)

static const Flag emit_flags[] = {
    {"--stage", FLAG_TEXT, OPTION(stage), "STAGE", "ast, program, graph, plan, kernel, llvm or asm", 0, 0, 0},
    {"--kernel", FLAG_TEXT, OPTION(kernel), "NAME", "only kernels whose name contains NAME", 0, 0, 0},
    {"--eval", FLAG_SWITCH, OPTION(of_evaluation), NULL, "of the evaluation, not of the training step", 0, 0,
     0},
    FLAGS_END,
};
#define SEEDS_FLAG(doc)                                                                                      \
    {                                                                                                        \
        "--seeds", FLAG_COUNT, OPTION(seeds), "N", doc, 1, 1000, 0                                           \
    }
static const Flag run_flags[] = {
    SEEDS_FLAG(
        "train N times, with the seed and those that follow, and tell mean and deviation of what comes "
        "out; with --resume, go on with such a series"),
    {"--web", FLAG_OPTIONAL, OPTION(web), "PORT",
     "a page of the training while it runs, for a browser on this machine: curves, mistakes, and buttons to "
     "stop and to checkpoint; its address is printed",
     0, 0, 0},
    {"--overfit", FLAG_INTEGER, OPTION(overfit), "N",
     "train on N batches only, again and again, to see whether the network can learn at all", 1, 1e6, 0},
    {"--find-rate", FLAG_SWITCH, OPTION(find_rate), NULL,
     "try learning rates from very small to very large, and suggest one", 0, 0, 0},
    {"--find-batch", FLAG_SWITCH, OPTION(find_batch), NULL,
     "find the largest batch that fits the memory and the fastest one, and suggest one", 0, 0, 0},
    {"--plot", FLAG_TEXT, OPTION(plot), "FILE", "with --find-rate: the loss by rate; FILE.png or FILE.svg", 0,
     0, 0},
    FLAGS_END,
};
static const Flag sweep_flags[] = {
    SEEDS_FLAG("train each point N times, with the seed and those that follow, and tell mean and deviation"),
    {"--random", FLAG_COUNT, OPTION(random), "N",
     "not all points of the grid, but N that are drawn; ranges may then be without a number of values", 1,
     10000, 0},
    {"--again", FLAG_SWITCH, OPTION(again), NULL, "train what earlier sweeps have trained, too", 0, 0, 0},
    {"--plot", FLAG_TEXT, OPTION(plot), "FILE",
     "the metric over each of the values that vary: FILE.png or FILE.svg", 0, 0, 0},
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all figures as JSON", 0, 0, 0},
    FLAGS_END,
};
/* A sweep names its run folders itself, and tells of them in one file. */
static const char *const sweep_lacks[] = {"--out",  "--no-out", "--resume", "--anyway",
                                          "--save", "--log",    "--json",   NULL};
static const Flag show_flags[] = {
    {"--dot", FLAG_SWITCH, OPTION(dot), NULL,
     "the layers as a graph, for Graphviz: cnnc show --dot M | dot -Tsvg", 0, 0, 0},
    FLAGS_END,
};
static const Flag fmt_flags[] = {
    {"--check", FLAG_SWITCH, OPTION(check), NULL, "change nothing; exit code 1 if a file is not in its form",
     0, 0, 0},
    FLAGS_END,
};
static const Flag build_flags[] = {
    {"-o", FLAG_TEXT, OPTION(output), "FILE", "the executable to write", 0, 0, 0},
    {"--library", FLAG_TEXT, OPTION(build.library), "FILE",
     "instead of a program: NAME.so or NAME.a with NAME.h, the network as functions of C", 0, 0, 0},
    {"--bare", FLAG_TEXT, OPTION(build.bare), "FILE",
     "instead of a program: NAME.o with NAME.h, an evaluation of one sample that needs no library and no "
     "heap; weights must be inside",
     0, 0, 0},
    {"--march", FLAG_TEXT, OPTION(build.march), "NAME,...",
     "kernels for these processors, named as for --cpu, all in one file: at its start it takes the best "
     "that run",
     0, 0, 0},
    {"--target", FLAG_TEXT, OPTION(build.target), "TRIPLE",
     "for another kind of machine: aarch64-linux-gnu, x86_64-linux-gnu", 0, 0, 0},
    {"--static", FLAG_SWITCH, OPTION(build.is_static), NULL,
     "with all libraries inside: it runs where there is nothing but a kernel", 0, 0, 0},
    {"--embed-weights", FLAG_TEXT, OPTION(build.weights), "FILE",
     "weights inside, a .safetensors file: it predicts with them, and trains from them on", 0, 0, 0},
    {"--data-root", FLAG_TEXT, OPTION(build.data_root), "DIR",
     "where it looks for data with a relative path (default: where the model is)", 0, 0, 0},
    FLAGS_END,
};
static const Flag import_flags[] = {
    {"-o", FLAG_TEXT, OPTION(output), "NAME.cnn",
     "the model file to write; the weights go to NAME.safetensors beside it", 0, 0, 0},
    {"--data", FLAG_TEXT, OPTION(data), "FOLDER",
     "pictures to train on, in a folder for each class: for the data section", 0, 0, 0},
    {"--classes", FLAG_TEXT, OPTION(classes), "FILE",
     "the names of the network's classes, one a line (default: numbers)", 0, 0, 0},
    FLAGS_END,
};
static const Flag export_flags[] = {
    {"--weights", FLAG_TEXT, OPTION(evaluation.weights), "FILE", "trained weights", 0, 0, 0},
    {"-o", FLAG_TEXT, OPTION(output), "FILE", "the file to write; its ending tells the format", 0, 0, 0},
    {"--format", FLAG_TEXT, OPTION(format), "FORMAT",
     "whatever the ending: onnx, keras, h5, npz, safetensors or h", 0, 0, 0},
    {"--fold", FLAG_SWITCH, OPTION(fold), NULL, "batchnorms become part of the convolutions before them", 0,
     0, 0},
    {"--logits", FLAG_SWITCH, OPTION(logits), NULL, "onnx, keras, h5: leave out a last softmax or sigmoid", 0,
     0, 0},
    {"--bare", FLAG_SWITCH, OPTION(bare), NULL,
     "onnx, keras, h5: the network alone, without scale and standardize of the data section before it", 0, 0,
     0},
    FLAGS_END,
};
static const Flag compare_flags[] = {
    {"--variants", FLAG_TEXT, OPTION(variants), "NAME,...",
     "what is compared (default: unfused,fused): fused, unfused, f32, bf16, f16, untuned, a rewrite, no- "
     "before a "
     "fusion, or several of them joined by +; differences are those from the first",
     0, 0, 0},
    {"--each", FLAG_SWITCH, OPTION(each), NULL, "each fusion left out in turn, too", 0, 0, 0},
    {"--steps", FLAG_INTEGER, OPTION(training.steps), "N",
     "steps of a round (default: 10); more are timed where they are short", 1, 1e6, 0},
    {"--rounds", FLAG_COUNT, OPTION(rounds), "N", "rounds in which the variants take turns (default: 5)", 1,
     1000, 0},
    {"--epochs", FLAG_INTEGER, OPTION(training.epochs), "N",
     "then train the first variant, and those that learn another function, for N epochs each, and report how "
     "good they are",
     1, 1e6, 0},
    {"--plot", FLAG_TEXT, OPTION(plot), "FILE", "a bar chart: FILE.png or FILE.svg", 0, 0, 0},
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all figures as JSON", 0, 0, 0},
    FLAGS_END,
};
static const Flag bench_flags[] = {
    {"--eval", FLAG_SWITCH, OPTION(of_evaluation), NULL, "the evaluation instead of the training step", 0, 0,
     0},
    {"--quiet", FLAG_SWITCH, OPTION(quiet), NULL, "only the whole step, no tables of layers and kernels", 0,
     0, 0},
    {"--windows", FLAG_COUNT, OPTION(windows), "N", "windows of steps that are timed (default: 5)", 1, 1000,
     0},
    {"--seconds", FLAG_INTEGER, OPTION(seconds), "N", "seconds of a window (default: 1)", 1, 3600, 0},
    {"--images", FLAG_INTEGER, OPTION(images), "N", "random pictures to train on, in memory (default: 512)",
     1, 1e6, 0},
    {"--plot", FLAG_TEXT, OPTION(plot), "FILE",
     "a roofline: kernels under the limits of the machine; FILE.png or FILE.svg", 0, 0, 0},
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all figures as JSON", 0, 0, 0},
    FLAGS_END,
};
static const Flag why_flags[] = {
    {"--seconds", FLAG_INTEGER, OPTION(seconds), "N", "seconds for which each idea is tried (default: 3)", 1,
     3600, 0},
    {"--ideas", FLAG_TEXT, OPTION(ideas), "NAME,...", "try only these", 0, 0, 0},
    {"--apply", FLAG_TEXT, OPTION(apply), "NAME,...",
     "measure nothing: write the model with these ideas to the file that -o names", 0, 0, 0},
    {"-o", FLAG_TEXT, OPTION(output), "FILE", "with --apply: the model to write, a new file", 0, 0, 0},
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all figures as JSON", 0, 0, 0},
    FLAGS_END,
};
static const Flag explain_flags[] = {
    {"--eval", FLAG_SWITCH, OPTION(of_evaluation), NULL, "the evaluation instead of the training step", 0, 0,
     0},
    {"--measure", FLAG_SWITCH, OPTION(measure), NULL,
     "time each kernel: its share of the step and of the machine's peak", 0, 0, 0},
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all of it as JSON", 0, 0, 0},
    FLAGS_END,
};
static const Flag tune_flags[] = {
    {"--seconds", FLAG_INTEGER, OPTION(seconds), "N", "look for N seconds at most (default: 60)", 1, 1e6, 0},
    {"--full", FLAG_SWITCH, OPTION(full), NULL, "try more schedules of each kernel", 0, 0, 0},
    {"--again", FLAG_SWITCH, OPTION(again), NULL, "measure anew what an earlier tuning has found", 0, 0, 0},
    FLAGS_END,
};
static const Flag predict_flags[] = {
    {"--why", FLAG_TEXT, OPTION(why), "FILE.png",
     "of one picture: draw what in it speaks for the class that is told", 0, 0, 0},
    {"--class", FLAG_TEXT, OPTION(class_name), "NAME", "with --why: for this class instead", 0, 0, 0},
    FLAGS_END,
};
static const Flag doctor_flags[] = {
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all of it as JSON", 0, 0, 0},
    FLAGS_END,
};
static const Flag help_flags[] = {
    {"--markdown", FLAG_SWITCH, OPTION(markdown), NULL, "everything, as docs/reference.md", 0, 0, 0},
    FLAGS_END,
};

/* Of every command that reads a model. */
static const Flag model_flags[] = {
    {"-D", FLAG_LIST, OPTION(defines), "NAME=VALUE", "replace the value of a `let`", 0, 0, 0},
    {"--set", FLAG_LIST, OPTION(sets), "PATH=VALUE", "replace an argument: --set train.batch=64", 0, 0, 0},
    {"--rewrite", FLAG_TEXT, OPTION(rewrite), "NAME,...",
     "these rewrites and no others, or none: they change what is learnt (`cnnc passes` lists them)", 0, 0, 0},
    FLAGS_END,
};
/* Of those that make kernels of it, beside them. */
static const Flag kernel_flags[] = {
    {"--no-fuse", FLAG_SWITCH, OPTION(no_fuse), NULL, "no fusions: each operation is a kernel of its own", 0,
     0, 0},
    {"--fuse", FLAG_TEXT, OPTION(fuse), "NAME,...",
     "only these fusions, or `all`, or `none` (`cnnc passes` lists them)", 0, 0, 0},
    {"--exact", FLAG_SWITCH, OPTION(exact), NULL,
     "sum convolutions as they are defined: none by Winograd's minimal filtering", 0, 0, 0},
    {"--cpu", FLAG_TEXT, OPTION(cpu), "NAME",
     "make kernels for this processor: native (default), x86-64, x86-64-v2, x86-64-v3, x86-64-v4, aarch64, "
     "or a "
     "name of LLVM's, such as znver4",
     0, 0, 0},
    {"--no-cache", FLAG_SWITCH, OPTION(no_cache), NULL,
     "neither read nor write the cache of compiled kernels", 0, 0, 0},
    FLAGS_END,
};
/* Of commands that can compute on a GPU. */
static const Flag device_flags[] = {
    {"--device", FLAG_TEXT, OPTION(device), "NAME",
     "where to compute: auto (default: an NVIDIA GPU where there is one), cpu, cuda", 0, 0, 0},
    {"--gpu", FLAG_TEXT, OPTION(gpu), "NAME",
     "make kernels for GPUs of this architecture, such as sm_90 (default: that of the GPU here)", 0, 0, 0},
    FLAGS_END,
};
/* The two of them that a training has in its own table, for commands that do not train. */
static const Flag size_flags[] = {
    {"--batch", FLAG_INTEGER, OPTION(training.batch), "N", "samples of a batch", 1, 1 << 20, 0},
    {"--threads", FLAG_COUNT, OPTION(training.threads), "N", "use N cores (default: all)", 1, 1024, 0},
    FLAGS_END,
};

enum { MANY = 1 << 20 };

const Command command_table[] = {
    {"run", "MODEL", 0, 1, "train a network", run_flags, true, true, false, command_run, NULL},
    {"sweep", "MODEL", 1, 1,
     "train a network at each point of a grid: -D width=0.5,1 --set train.optimizer.rate=1e-4..1e-2:log:5",
     sweep_flags, true, true, false, command_sweep, NULL},
    {"check", "MODEL", 1, 1, "all that can be known before training: mistakes, shapes, memory, data", NULL,
     true, false, false, command_check, NULL},
    {"show", "MODEL", 1, 1, "the layers: shapes, parameters, operations, kernels", show_flags, true, false,
     false, command_show, NULL},
    {"eval", "MODEL", 1, 1, "loss and accuracy of trained weights", NULL, true, false, true, command_eval,
     NULL},
    {"predict", "MODEL FILE|FOLDER|-...", 2, MANY,
     "what trained weights say to files, which need not be part of the data (-: standard input names them)",
     predict_flags, true, false, false, command_predict, NULL},
    {"compare", "MODEL", 1, 1,
     "what fusions, rewrites and precisions cost and give: time, memory, kernels, differences", compare_flags,
     true, false, false, command_compare, NULL},
    {"bench", "MODEL", 1, 1, "how fast a step is, where its time goes, and what the machine could do",
     bench_flags, true, false, false, command_bench, NULL},
    {"why", "MODEL", 1, 1,
     "why an epoch takes so long: where its time goes, and what would make it shorter, each idea tried",
     why_flags, true, false, false, command_why, NULL},
    {"explain", "MODEL", 1, 1,
     "the model with the kernels that each line became, what was fused, and why the rest was not",
     explain_flags, true, false, false, command_explain, NULL},
    {"tune", "MODEL", 1, 1, "find the fastest schedule of each kernel on this machine, for all runs to come",
     tune_flags, true, false, false, command_tune, NULL},
    {"build", "MODEL", 1, 1, "an executable that trains the network without cnnc", build_flags, true, false,
     false, command_build, NULL},
    {"import", "FILE...", 1, 2,
     "a network of another program as a model file and its weights: ONNX, Keras, darknet", import_flags,
     false, false, false, command_import, NULL},
    {"export", "MODEL", 1, 1,
     "a trained network, or its weights, for other programs: ONNX, Keras, npz, safetensors, C", export_flags,
     true, false, false, command_export, NULL},
    {.word = "data",
     .words = "VERB",
     .doc = "what can be done with the data of a model (`cnnc help data`)",
     .verbs = data_verbs},
    {"runs", "[VERB]", 0, 0, "the trainings in runs/: how they went, and how they differ", runs_flags, false,
     false, false, command_runs, runs_verbs},
    {"emit", "MODEL", 1, 1, "what a stage of the compiler makes of a model", emit_flags, true, false, false,
     command_emit, NULL},
    {"fmt", "FILE...", 1, MANY, "write files in their one form", fmt_flags, false, false, false, command_fmt,
     NULL},
    {"doctor", "", 0, 0, "what this machine and this build of cnnc have, and what they lack", doctor_flags,
     false, false, false, command_doctor, NULL},
    {"passes", "", 0, 0, "the passes of the compiler, and the fusions", NULL, false, false, false,
     command_passes, NULL},
    {"help", "[WORD]", 0, 1, "what a command, a layer, or any other word of the language means", help_flags,
     false, false, false, command_help, NULL},
    {0},
};

typedef VEC(FlagTable) FlagTables;

static void add_flags(Options *options, FlagTables *tables, const Flag *flags, void *values)
{
    *vec_push(options->arena, tables) = (FlagTable){flags, values};
}

static bool has_training_flag(const Command *command, const char *name)
{
    const char *const *lacks = sweep_lacks;
    while (*lacks && strcmp(*lacks, name) != 0)
        lacks++;
    return command->run != command_sweep || !*lacks;
}

static void add_training(const Command *command, Options *options, FlagTables *tables)
{
    VEC(Flag) flags = {0};
    for (const Flag *flag = training_flags; flag->name; flag++)
        if (has_training_flag(command, flag->name))
            *vec_push(options->arena, &flags) = *flag;
    *vec_push(options->arena, &flags) = (Flag)FLAGS_END;
    add_flags(options, tables, flags.items, &options->training);
}

static void add_fusions(Options *options, FlagTables *tables)
{
    Flag *fusions = NEW_ARRAY(options->arena, Flag, FUSION_COUNT + 1);
    for (int i = 0; i < FUSION_COUNT; i++)
        fusions[i] = (Flag){.name = arena_printf(options->arena, "--no-%s", fusion_table[i].name),
                            .kind = FLAG_SWITCH,
                            .offset = OPTION(fusion_off) + (size_t)i * sizeof(bool),
                            .doc = "without this fusion (`cnnc passes` tells what it is)"};
    add_flags(options, tables, fusions, options);
}

static bool predicts(const Command *command)
{
    return command->run == command_predict;
}

static bool makes_kernels(const Command *command)
{
    return command->compiles && command->run != command_export;
}

bool command_uses_gpu(const Command *command)
{
    return command->trains || command->evaluates || predicts(command) || command->run == command_emit;
}

const FlagTable *command_flags(const Command *command, FlagGroup group, Options *options)
{
    FlagTables tables = {0};
    if (command->flags && group != FLAGS_COMPILE)
        add_flags(options, &tables, command->flags, options);
    if (command->trains && group != FLAGS_COMPILE)
        add_training(command, options, &tables);
    if (command->evaluates && group != FLAGS_COMPILE)
        add_flags(options, &tables, evaluation_flags, &options->evaluation);
    if (predicts(command) && group != FLAGS_COMPILE)
        add_flags(options, &tables, prediction_flags, &options->prediction);
    if (makes_kernels(command) && !command->trains && !command->evaluates && !predicts(command) &&
        group != FLAGS_COMPILE)
        add_flags(options, &tables, size_flags, options);
    if (command->compiles && group != (makes_kernels(command) ? FLAGS_OWN : FLAGS_COMPILE))
        add_flags(options, &tables, model_flags, options);
    if (makes_kernels(command) && group != FLAGS_OWN) {
        add_flags(options, &tables, kernel_flags, options);
        if (group == FLAGS_COMPILE || command_uses_gpu(command))
            add_flags(options, &tables, device_flags, options);
        add_fusions(options, &tables);
    }
    add_flags(options, &tables, NULL, NULL);
    return tables.items;
}

CnnStatus command_fail(CnnStatus status, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fputs("cnnc: error: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

/* The word that calls a command within its table. */
static const char *own_word(const Command *command)
{
    const char *blank = strrchr(command->word, ' ');
    return blank ? blank + 1 : command->word;
}

static const Command *command_find(const Command *table, const char *word)
{
    for (const Command *command = table; command->word; command++)
        if (strcmp(own_word(command), word) == 0)
            return command;
    return NULL;
}

/* `before`: the words before it, "data ". */
static CnnStatus command_unknown(const Command *table, const char *before, const char *word)
{
    const char *words[COUNT(command_table)];
    int count = 0;
    for (const Command *command = table; command->word; command++)
        words[count++] = own_word(command);
    words[count] = NULL;
    size_t length = strlen(word);
    if (length > 4 && strcmp(word + length - 4, ".cnn") == 0)
        return command_fail(CNN_BAD_USAGE, "'%s' is a model, not a command: cnnc %s%s %s", word, before,
                            words[0], word);
    const char *similar = nearest_name(word, words);
    if (similar)
        return command_fail(CNN_BAD_USAGE, "unknown command '%s%s'; did you mean '%s%s'?", before, word,
                            before, similar);
    return command_fail(CNN_BAD_USAGE, "unknown command '%s%s'; `cnnc help%s%.*s` lists them", before, word,
                        *before ? " " : "", (int)strcspn(before, " "), before);
}

static CnnStatus print_version(Arena *arena)
{
    const CpuTarget *target = cpu_host(arena);
    printf("cnnc %s, LLVM %s, %s %s (%d lanes of 32 bits)\n", CNNC_VERSION, CNNC_LLVM_VERSION, target->triple,
           target->cpu, target->lanes);
    return CNN_OK;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static CnnStatus help_on(const char *word, Options *options)
{
    *options =
        (Options){.arena = options->arena, .words = NEW(options->arena, const char *), .word_count = 1};
    options->words[0] = word;
    return command_help(options);
}

static CnnStatus read_and_run(Options *options, int argc, char **argv)
{
    CnnError error = {0};
    const Command *command = options->command;
    options->words = NEW_ARRAY(options->arena, const char *, argc + 1);
    if (cnn_flags_read(command_flags(command, FLAGS_ALL, options), argc, argv, nearest_name, options->words,
                       &options->word_count, &error)) {
        for (int i = 0; i < argc; i++)
            if (is_help(argv[i])) /* which is no flag, but may be the value of one: -o --help */
                return help_on(command->word, options);
        return command_fail(error.status, "%s: %s", command->word, error.text);
    }
    if (options->word_count < command->least_words)
        return command_fail(CNN_BAD_USAGE, "usage: cnnc %s %s", command->word, command->words);
    if (options->word_count > command->most_words)
        return command_fail(CNN_BAD_USAGE, "%s: '%s' is one argument too many", command->word,
                            options->words[command->most_words]);
    return command->run(options);
}

/* `argv` begins with the word that follows `before`. */
static CnnStatus find_and_run(const Command *table, const char *before, Options *options, int argc,
                              char **argv)
{
    if (argc == 0)
        return command_fail(CNN_BAD_USAGE, "usage: cnnc %sCOMMAND …; `cnnc help%s%.*s` lists the commands",
                            before, *before ? " " : "", (int)strcspn(before, " "), before);
    bool help = is_help(argv[0]);
    if (help && *before)
        return help_on(options->command->word, options);
    options->command = command_find(table, help ? "help" : argv[0]);
    if (!options->command)
        return command_unknown(table, before, argv[0]);
    bool alone = options->command->run && (argc == 1 || *argv[1] == '-');
    if (options->command->verbs && !alone)
        return find_and_run(options->command->verbs,
                            arena_printf(options->arena, "%s ", options->command->word), options, argc - 1,
                            argv + 1);
    return read_and_run(options, argc - 1, argv + 1);
}

int command_main(int argc, char **argv)
{
    Options options = {.arena = arena_new()};
    CnnStatus status = argc > 1 && strcmp(argv[1], "--version") == 0
                           ? print_version(options.arena)
                           : find_and_run(command_table, "", &options, argc - 1, argv + 1);
    if ((fflush(stdout) || ferror(stdout)) && status == CNN_OK)
        status = command_fail(CNN_NO_RESOURCE, "cannot write to the standard output");
    arena_free(options.arena);
    return (int)status;
}
