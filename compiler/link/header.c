#include "compiler/link/header.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "compiler/base/text.h"
#include "runtime/library/network.h"
#include "runtime/output.h"

const NetworkFunction network_functions[] = {
    {"abi", "int ", "void", "$P_ABI of the library that is there: compare it with this header's."},
    {"open", "$t *", "const char *weights, int threads, char *error, size_t bytes",
     "Opens the network with the weights of a .safetensors file; NULL: with those inside. threads: 0 for all "
     "cores, 1 for the caller's alone. NULL where it could not: error, of so many bytes, says why."},
    {"close", "void ", "$t *network", "Gives all of it back. NULL is nothing to do."},
    {"error", "const char *", "const $t *network", "What was wrong with the last call that failed."},
    {"class", "const char *", "const $t *network, int64_t index",
     "The name of a class; NULL: there is no class of this number, or the network was trained on numbers."},
    {"predict", "int ",
     "$t *network, const uint8_t *samples, int64_t height, int64_t width, int64_t count, float *outputs",
     "Samples as the model's data give them, [count][height][width][$P_CHANNELS], through all stages of its "
     "data section. outputs: [count][$P_OUTPUTS]."},
    {"predict_floats", "int ",
     "$t *network, const float *samples, int64_t height, int64_t width, int64_t count, float *outputs",
     "The same of samples that are no bytes."},
    {"forward", "int ", "$t *network, const float *input, int64_t count, float *outputs",
     "The network alone: input as it is behind those stages, [count][$P_INPUT]."},
    {"train", "int ",
     "$t *network, const float *input, const $l *labels, int64_t count, float rate, float *loss",
     "One update of the weights by count samples, at most $P_BATCH; input as for forward. *loss, where loss "
     "is "
     "not NULL: the mean before the update."},
    {"save", "int ", "$t *network, const char *path", "Writes the weights as they are now."},
    {0}};

const char *header_prefix(Arena *arena, const CnnImage *image)
{
    char *prefix = arena_text(arena, image->recipe.model_name, strlen(image->recipe.model_name));
    for (char *at = prefix; *at; at++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '_';
    return prefix;
}

const char *header_path(Arena *arena, const char *library)
{
    const char *slash = strrchr(library, '/'), *point = strrchr(library, '.');
    size_t length = point && (!slash || point > slash + 1) && point > library ? (size_t)(point - library)
                                                                              : strlen(library);
    return arena_printf(arena, "%.*s.h", (int)length, library);
}

/* What the words of a function's text stand for. */
typedef struct {
    const char *small, *large, *label;
} Words;

static Words find_words(Arena *arena, const CnnImage *image)
{
    const char *small = header_prefix(arena, image);
    char *large = arena_text(arena, small, strlen(small));
    for (char *at = large; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return (Words){small, large, image->label_dtype == DTYPE_I32 ? "int32_t" : "float"};
}

static void put_words(Text *text, const char *from, const Words *words)
{
    for (const char *at = from; *at; at++) {
        if (*at != '$')
            text_append(text, at, 1);
        else if (*++at == 't')
            text_printf(text, "%s_network", words->small);
        else
            text_printf(text, "%s", *at == 'l' ? words->label : words->large);
    }
}

/* The model, as a comment. */
static void put_model(Text *text, const CnnImage *image)
{
    text_printf(text, "/*\n");
    for (const char *at = image->sources[0].text; *at; at++) {
        bool ends = at[0] == '*' && at[1] == '/'; /* a comment of C */
        text_append(text, ends ? "* " : at, ends ? 2 : 1);
    }
    text_printf(text, "*/\n");
}

static void put_sizes(Text *text, const CnnImage *image, const Words *words)
{
    int64_t input = 1;
    const CnnProgram *program = &image->eval;
    for (int i = 0; i < image->input_shape.count; i++)
        input *= image->input_shape.value[i];
    text_printf(text,
                "enum {\n"
                "    %s_HEIGHT = %" PRId64 ", /* of the network's input, [height][width][channels] */\n"
                "    %s_WIDTH = %" PRId64 ",\n"
                "    %s_CHANNELS = %" PRId64 ",\n"
                "    %s_INPUT = %" PRId64 ", /* numbers of it */\n"
                "    %s_OUTPUTS = %" PRId64 "%s\n",
                words->large, image->input_shape.value[0], words->large, image->input_shape.value[1],
                words->large, image->input_shape.value[2], words->large, input, words->large,
                (int64_t)(program->buffers[program->logits].lead_bytes / sizeof(float)),
                image->output == OUTPUT_SHARES   ? ", /* probabilities */"
                : image->output == OUTPUT_LOGITS ? ", /* whose softmax are probabilities */"
                                                 : ", /* numbers */");
}

static void put_begin(Text *text, const BuildRequest *request, const char *what)
{
    text_printf(text, OUTPUT_INTERFACE_MARK " %s: the network %s as %s.\n", request->made,
                request->versions[0].linked.image->recipe.model_name, what);
}

static void put_frame(Text *text, const Words *words, bool begin)
{
    if (begin)
        text_printf(text,
                    "#ifndef %s_H\n#define %s_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
                    "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
                    words->large, words->large);
    else
        text_printf(text, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

const char *header_of_library(Arena *arena, const BuildRequest *request, const char *links)
{
    const CnnImage *image = request->versions[0].linked.image;
    Words words = find_words(arena, image);
    Text text = {.arena = arena};
    put_begin(&text, request, "a library");
    text_printf(
        &text,
        " *\n * All state is in the %s_network that open gives: several may be used at once. Calls for "
        "the same one wait\n * for each other. Functions that return an int give 0 when they have done "
        "it.\n * A program with the static library is linked with: %s\n *\n * The model: */\n",
        words.small, links);
    put_model(&text, image);
    put_frame(&text, &words, true);
    put_sizes(&text, image, &words);
    text_printf(&text,
                "    %s_BATCH = %" PRId64 ", /* samples of a step, at most */\n    %s_ABI = %d\n};\n\n"
                "typedef struct CnnNetwork %s_network;\n",
                words.large, image->train.batch, words.large, CNN_NETWORK_ABI, words.small);
    for (const NetworkFunction *function = network_functions; function->name; function++) {
        text_printf(&text, "\n/* ");
        put_words(&text, function->doc, &words);
        text_printf(&text, " */\n");
        put_words(&text, function->type, &words);
        text_printf(&text, "%s_%s(", words.small, function->name);
        put_words(&text, function->takes, &words);
        text_printf(&text, ");\n");
    }
    put_frame(&text, &words, false);
    return text_string(&text);
}

/* What the data section measured, where the input must be prepared by hand: "data.mean" as FASHION_DATA_MEAN.
 */
static void put_measured(Text *text, const WeightFile *weights, const Words *words)
{
    for (int i = 0; i < cnn_weights_count(weights); i++) {
        const NamedTensor *tensor = cnn_weights_tensor(weights, i);
        int64_t count = tensor->rank == 1 ? tensor->dim[0] : 0;
        if (strncmp(tensor->name, "data.", 5) != 0 || tensor->dtype != DTYPE_F32 || count == 0)
            continue;
        text_printf(text, "static const float %s_", words->large);
        for (const char *at = tensor->name; *at; at++)
            text_printf(text, "%c", isalnum((unsigned char)*at) ? toupper((unsigned char)*at) : '_');
        text_printf(text, "[%" PRId64 "] = {", count);
        for (int64_t k = 0; k < count; k++) {
            float value;
            memcpy(&value, (const char *)tensor->data + (size_t)k * sizeof value, sizeof value);
            text_printf(text, "%s%.9g", k ? ", " : "", (double)value);
        }
        text_printf(text, "};\n");
    }
}

const char *header_of_bare(Arena *arena, const BuildRequest *request, const WeightFile *weights,
                           uint64_t constant_bytes, uint64_t memory_bytes)
{
    const CnnImage *image = request->versions[0].linked.image;
    Words words = find_words(arena, image);
    Text text = {.arena = arena};
    put_begin(&text, request, "an object that needs nothing but memcpy and memset");
    text_printf(&text,
                " * %" PRIu64 " bytes of constants, %" PRIu64 " bytes of memory.\n *\n * The model: */\n",
                constant_bytes, memory_bytes);
    put_model(&text, image);
    put_frame(&text, &words, true);
    put_sizes(&text, image, &words);
    text_printf(&text, "};\n\n");
    put_measured(&text, weights, &words);
    text_printf(
        &text,
        "\n/* The outputs for one sample, input[%s_INPUT] as it is behind the stages of the model's data "
        "section,\n * outputs[%s_OUTPUTS]. Its memory is its own: two calls at once are not "
        "possible. */\nvoid %s_predict(const float *input, float *outputs);\n",
        words.large, words.large, words.small);
    put_frame(&text, &words, false);
    return text_string(&text);
}
