/* `cnnc import`: a network of another program as a model file and its weights. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/base/source.h"
#include "compiler/commands/command.h"
#include "compiler/commands/report.h"
#include "compiler/exchange/darknet.h"
#include "compiler/exchange/network_text.h"
#ifdef CNNC_ONNX
#include "compiler/exchange/onnx_import.h"
#endif
#ifdef CNNC_KERAS
#include "compiler/exchange/keras_import.h"
#endif
#include "runtime/file.h"
#include "runtime/output.h"

typedef struct {
    const Options *options;
    Arena *arena;
    Diag *diag;
    Network network;
    const char *text_path, *weights_path; /* weights_path: NULL where there are none */
    const char *class_names;              /* each followed by a line's end */
} Import;

/* The name of a file without its folders. */
static const char *file_name(const char *path)
{
    return path + cnn_path_folder(path);
}

/* The same without its ending. */
static const char *stem(Arena *arena, const char *path)
{
    const char *name = file_name(path), *point = strrchr(name, '.');
    return arena_text(arena, name, point && point > name ? (size_t)(point - name) : strlen(name));
}

/* The first of the words that ends so, NULL: none. */
static const char *word_ending(const Options *options, const char *ending)
{
    for (int i = 0; i < options->word_count; i++)
        if (cnn_path_ends(options->words[i], ending))
            return options->words[i];
    return NULL;
}

/* What was wrong is told in the diag, or in *error. */
static CnnStatus tell(const Import *import, CnnStatus status, const CnnError *error)
{
    bool told = diag_errors(import->diag) > 0;
    diag_print(import->diag, stderr);
    if (told && status == CNN_OK)
        status = CNN_BAD_INPUT;
    return *error->text ? command_fail(status, "%s", error->text) : status;
}

/* ---- Formats ---- */

static CnnStatus read_darknet(Import *import, CnnError *error)
{
    const char *cfg = word_ending(import->options, ".cfg"), *path = word_ending(import->options, ".weights");
    Span source;
    char *bytes = NULL;
    DarknetWeights weights = {.path = path, .error = error};
    if (!cfg)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "import: a .weights file has numbers only; name the .cfg file of its network, too");
    if (!source_read(import->diag, (Span){0}, cfg, &source))
        return CNN_BAD_INPUT;
    if (path)
        TRY(cnn_file_read(path, &bytes, &weights.size, error));
    weights.bytes = (const unsigned char *)bytes;
    bool good = darknet_read(&import->network, source, path ? &weights : NULL);
    free(bytes);
    import->network.source =
        path ? arena_printf(import->arena, "%s and %s", file_name(cfg), file_name(path)) : file_name(cfg);
    return good ? CNN_OK : CNN_BAD_INPUT;
}

static CnnStatus read_onnx(Import *import, CnnError *error)
{
    const char *path = word_ending(import->options, ".onnx");
#ifdef CNNC_ONNX
    char *bytes;
    size_t size;
    TRY(cnn_file_read(path, &bytes, &size, error));
    import->network.source = file_name(path);
    bool good = onnx_import(&import->network, path, bytes, size, error);
    free(bytes);
    return good ? CNN_OK : CNN_BAD_INPUT;
#else
    return cnn_fail(error, CNN_NO_RESOURCE,
                    "import: this cnnc was built without protobuf-c, and cannot read '%s'", path);
#endif
}

static CnnStatus read_keras(Import *import, CnnError *error)
{
    const Options *options = import->options;
    const char *json = word_ending(options, ".json"), *weights = json ? word_ending(options, ".h5") : NULL,
               *path = json ? json : options->words[0];
#ifdef CNNC_KERAS
    import->network.source =
        weights ? arena_printf(import->arena, "%s and %s", file_name(json), file_name(weights))
                : file_name(path);
    return keras_import(&import->network, path, weights, error) ? CNN_OK : CNN_BAD_INPUT;
#else
    (void)weights;
    return cnn_fail(error, CNN_NO_RESOURCE,
                    "import: this cnnc was built without libhdf5, cJSON or libarchive, and cannot read '%s'",
                    path);
#endif
}

/* Each format by the ending of its main file. */
static const struct {
    const char *endings[2];
    CnnStatus (*read)(Import *import, CnnError *error);
} formats[] = {
    {{".cfg", ".weights"}, read_darknet},
    {{".onnx"}, read_onnx},
    {{".keras"}, read_keras},
    {{".json", ".h5"}, read_keras},
};

/* Two files, each with an ending of its own. */
static bool are_two(const Options *options, const char *const endings[2])
{
    return options->word_count == 2 && endings[1] && word_ending(options, endings[0]) &&
           word_ending(options, endings[1]);
}

static CnnStatus read_network(Import *import, CnnError *error)
{
    for (size_t f = 0; f < COUNT(formats); f++) {
        int fitting = 0;
        for (int i = 0; i < import->options->word_count; i++)
            for (size_t e = 0; e < COUNT(formats[f].endings) && formats[f].endings[e]; e++)
                fitting += cnn_path_ends(import->options->words[i], formats[f].endings[e]);
        if (fitting == 0)
            continue;
        if (fitting < import->options->word_count ||
            (fitting > 1 && !are_two(import->options, formats[f].endings)))
            return cnn_fail(error, CNN_BAD_USAGE, "import: the files are not of one network");
        return formats[f].read(import, error);
    }
    return cnn_fail(
        error, CNN_BAD_USAGE,
        "import: '%s' ends as no file that can be imported: .onnx, Keras' .keras, .h5 and .json, or "
        "darknet's .cfg and .weights",
        import->options->words[0]);
}

/* ---- Output ---- */

/* The names of the classes: those of a file, one a line; else the source's, or numbers. */
static CnnStatus read_class_names(Import *import, CnnError *error)
{
    int64_t count = network_shape(&import->network, import->network.output).channels, lines = 0;
    Text names = {.arena = import->arena};
    const char *path = import->options->classes;
    char *bytes;
    size_t length;
    if (!path && import->network.class_names) {
        import->class_names = import->network.class_names;
        return CNN_OK;
    }
    if (!path) {
        for (int64_t i = 0; i < count; i++)
            text_printf(&names, "%" PRId64 "\n", i);
        import->class_names = text_string(&names);
        return CNN_OK;
    }
    TRY(cnn_file_read(path, &bytes, &length, error));
    for (const char *at = bytes; *at;) {
        size_t bytes_of_line = strcspn(at, "\n"),
               used = bytes_of_line - (bytes_of_line > 0 && at[bytes_of_line - 1] == '\r');
        if (used > 0) {
            text_append(&names, at, used);
            text_append(&names, "\n", 1);
            lines++;
        }
        at += bytes_of_line + (at[bytes_of_line] == '\n');
    }
    free(bytes);
    import->class_names = text_string(&names);
    return lines == count
               ? CNN_OK
               : cnn_fail(error, CNN_BAD_INPUT,
                          "'%s' names %" PRId64 " classes, one a line, and the network has %" PRId64, path,
                          lines, count);
}

/* Nothing is written over that is not of its kind: a model file may have been changed by hand. */
static CnnStatus check_outputs(Import *import, CnnError *error)
{
    const char *path = import->options->output;
    if (!path)
        return cnn_fail(error, CNN_BAD_USAGE, "import: -o must say which model file to write: -o %s.cnn",
                        stem(import->arena, import->options->words[0]));
    if (!cnn_path_ends(path, ".cnn"))
        return cnn_fail(error, CNN_BAD_USAGE, "import: -o names a model file, which ends with .cnn, not '%s'",
                        path);
    import->text_path = path;
    import->weights_path =
        arena_printf(import->arena, "%.*s.safetensors", (int)(strlen(path) - strlen(".cnn")), path);
    TRY(cnn_file_check(path, error));
    return cnn_output_check(&(CnnRecipe){.model_path = path}, import->weights_path, OUTPUT_WEIGHTS, error);
}

/* Paths of a model start from its own folder. */
static const char *data_path(const Import *import)
{
    const char *path = import->options->data;
    if (!path || *path == '/' || cnn_path_folder(import->text_path) == 0)
        return path;
    char *whole = realpath(path, NULL);
    if (whole)
        path = arena_printf(import->arena, "%s", whole);
    free(whole);
    return path;
}

static CnnStatus write_network(Import *import, CnnError *error)
{
    Network *network = &import->network;
    bool weights = network->has_weights;
    const TextOptions options = {.data = data_path(import),
                                 .weights = weights ? file_name(import->weights_path) : NULL,
                                 .text_name = file_name(import->text_path)};
    const char *text = network_text(network, &options);
    if (weights)
        TRY(network_save(network, text, import->text_path, import->class_names, import->weights_path, error));
    TRY(report_write(import->text_path, text, error));
    int64_t parameters = 0;
    for (size_t i = 0; i < network->layers.count; i++)
        for (int k = 0; k < network->layers.items[i].tensor_count; k++) {
            const LayerTensor *tensor = &network->layers.items[i].tensors[k];
            int64_t elements = 1;
            for (int d = 0; d < tensor->rank; d++)
                elements *= tensor->dim[d];
            parameters += elements;
        }
    printf("%s: %" PRId64 " weights", import->text_path, parameters);
    printf(weights ? ", in %s\n" : "; the files have no values for them\n", import->weights_path);
    return CNN_OK;
}

static CnnStatus import_all(Import *import, CnnError *error)
{
    TRY(check_outputs(import, error));
    import->network.name = stem(import->arena, import->options->output);
    TRY(read_network(import, error));
    TRY(read_class_names(import, error));
    return write_network(import, error);
}

CnnStatus command_import(const Options *options)
{
    CnnError error = {0};
    Import import = {.options = options, .arena = options->arena, .diag = diag_new(options->arena)};
    import.network = (Network){.arena = import.arena, .diag = import.diag, .train = ""};
    CnnStatus status = import_all(&import, &error);
    return tell(&import, status, &error);
}
