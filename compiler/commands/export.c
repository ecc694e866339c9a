/* `cnnc export`: a trained network for other programs. */
#include "compiler/exchange/export.h"

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/commands/model.h"
#include "runtime/data/loose.h"
#include "runtime/file.h"
#include "runtime/output.h"

/* The format that this word names; its ending, of a file. */
static const ExportFormat *format_of(const char *word)
{
    for (const ExportFormat *format = export_formats; format->name; format++)
        if (strcmp(format->name, word) == 0)
            return format;
    return NULL;
}

/* "onnx, npz, …". */
static const char *format_names(Arena *arena)
{
    Text names = {.arena = arena};
    for (const ExportFormat *format = export_formats; format->name; format++)
        text_printf(&names, "%s%s", format == export_formats ? "" : ", ", format->name);
    return text_string(&names);
}

static CnnStatus choose_format(const Options *options, const ExportFormat **format)
{
    const char *dot = strrchr(options->output, '.'), *names = format_names(options->arena);
    if (!options->format && (!dot || strchr(dot, '/')))
        return command_fail(CNN_BAD_USAGE,
                            "export: '%s' has no ending that tells the format: --format is one of %s",
                            options->output, names);
    const char *word = options->format ? options->format : dot + 1;
    *format = format_of(word);
    if (!*format)
        return command_fail(CNN_BAD_USAGE, "export: there is no format '%s'; there are %s", word, names);
    if ((options->logits || options->bare) && !(*format)->network)
        return command_fail(CNN_BAD_USAGE,
                            "export: --%s is for a network in ONNX or of Keras; .%s has weights alone",
                            options->logits ? "logits" : "bare", (*format)->name);
    if (strcmp((*format)->name, "h5") == 0 && !cnn_path_ends(options->output, ".weights.h5"))
        return command_fail(CNN_BAD_USAGE,
                            "export: Keras loads weights of files that end with .weights.h5, not of '%s'",
                            options->output);
    if ((*format)->library)
        return command_fail(CNN_NO_RESOURCE, "export: this cnnc cannot write .%s: it was built without %s",
                            (*format)->name, (*format)->library);
    return CNN_OK;
}

static void print_exported(const Model *model, const Options *options, const Exported *exported)
{
    fputs(model_rewrites_text(model), stdout);
    printf("%s: ", options->output);
    if (exported->operators)
        printf("%d operators (version %d), ", exported->operators, exported->version);
    printf("%d tensors", exported->tensors);
    if (options->fold)
        printf(", %d of %d batchnorms folded", exported->fold.folded, exported->fold.batchnorms);
    putchar('\n');
    if (*exported->before)
        printf("its input is a sample behind %s, which whoever runs it has to do before\n", exported->before);
}

static CnnStatus export_model(const Model *model, const ExportFormat *format, const Options *options,
                              const WeightFile *weights)
{
    Exported exported;
    CnnError error = {0};
    const ExportOptions how = {.path = options->output,
                               .weights_path = options->evaluation.weights,
                               .weights = weights,
                               .fold = options->fold,
                               .logits = options->logits,
                               .bare = options->bare};
    if (cnn_file_same(options->output, options->evaluation.weights))
        return command_fail(CNN_BAD_USAGE,
                            "export: '%s' are the weights themselves; they would be overwritten",
                            options->output);
    CnnStatus status = cnn_output_check(&model->program->recipe, options->output, format->kind, &error);
    if (status == CNN_OK)
        status = export_write(format, model->program, &how, &exported, &error);
    if (status != CNN_OK)
        return command_fail(status, "%s", error.text);
    print_exported(model, options, &exported);
    return CNN_OK;
}

CnnStatus command_export(const Options *options)
{
    Model model;
    WeightFile *weights;
    CnnError error = {0};
    const ExportFormat *format = NULL;
    const char *path = options->evaluation.weights;
    if (!path)
        return command_fail(CNN_BAD_USAGE, "export: --weights must say which weights");
    if (!options->output)
        return command_fail(CNN_BAD_USAGE, "export: -o must say which file to write, such as -o net.onnx");
    TRY(choose_format(options, &format));
    CnnStatus status = cnn_weights_open(path, &weights, &error);
    if (status != CNN_OK)
        return command_fail(status, "export: %s", error.text);
    LooseRequest request = {.weights = weights, .weights_path = path};
    Options without_files = *options;
    without_files.loose = &request;
    status = model_open(&without_files, &model);
    if (status == CNN_OK) {
        status = export_model(&model, format, options, weights);
        model_close(&model);
    }
    cnn_weights_close(weights);
    return status;
}
