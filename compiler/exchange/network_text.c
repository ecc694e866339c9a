#include "compiler/exchange/network_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/name_map.h"
#include "compiler/exchange/sequence.h"
#include "compiler/syntax/ast.h"

enum { LINE_BYTES = 100, INDENT = 4 };

typedef struct {
    const Network *network;
    Arena *arena;
    const size_t *name_bytes; /* of each layer, as the lines are broken by them */
    bool *is_named;           /* each layer that was written with its name */
    bool named;               /* write the names */
} Writer;

static void write_body(const Writer *writer, Sequence *sequence, int depth, Text *out);

/* ---- Statements ---- */

static const NetworkLayer *layer_of(const Writer *writer, const Piece *piece)
{
    return &writer->network->layers.items[piece->layer];
}

/* Whether a layer stands behind another on its line. */
static bool is_minor(const NetworkLayer *layer)
{
    static const char *const major[] = {"input",   "conv",       "depthwise", "transposed", "dense",
                                        "flatten", "globalpool", "add",       "mul",        "concat"};
    for (size_t i = 0; i < COUNT(major); i++)
        if (strcmp(layer->word, major[i]) == 0)
            return false;
    return true;
}

/* `bias=auto` leaves the bias out where a batchnorm follows at once. What follows the last piece of a line
 * may be another turn of a repeat. */
static const char *bias_text(const NetworkLayer *layer, const NetworkLayer *behind, bool ends_line)
{
    bool before_norm = behind && strcmp(behind->word, "batchnorm") == 0;
    if (!layer->may_bias || (layer->has_bias && !before_norm) ||
        (!layer->has_bias && before_norm && !ends_line))
        return "";
    return layer->has_bias ? ", bias=true" : ", bias=false";
}

static void write_layer(const Writer *writer, const Piece *piece, const NetworkLayer *behind, bool ends_line,
                        Text *out)
{
    const NetworkLayer *layer = layer_of(writer, piece);
    text_printf(out, "%s", layer->word);
    if (piece->joins)
        text_printf(out, " %s", piece->joins);
    if (*layer->args)
        text_printf(out, " %s", layer->args);
    text_printf(out, "%s", bias_text(layer, behind, ends_line));
    if (writer->named && layer->tensor_count > 0) {
        text_printf(out, "%s name=\"%s\"", *layer->args ? "," : "", layer->name);
        writer->is_named[piece->layer] = true;
    }
}

static void write_join(const Writer *writer, const Piece *piece, int depth, Text *out)
{
    text_printf(out, "%s {\n", piece->residual ? "residual" : layer_of(writer, piece)->word);
    for (int i = 0; i < piece->body_count; i++) {
        if (piece->residual) {
            write_body(writer, &piece->bodies[i], depth + 1, out);
            continue;
        }
        text_printf(out, "%*sbranch {\n", (depth + 1) * INDENT, "");
        write_body(writer, &piece->bodies[i], depth + 2, out);
        text_printf(out, "%*s}\n", (depth + 1) * INDENT, "");
    }
    text_printf(out, "%*s}", depth * INDENT, "");
}

/* ---- Lines ---- */

static void write_line(const Writer *writer, const Sequence *sequence, const Line *line, int depth, Text *out)
{
    const Piece *pieces = sequence->pieces.items, *end = &pieces[line->first + line->count - 1];
    text_printf(out, "%*s", depth * INDENT, "");
    if (end->value)
        text_printf(out, "%s = ", end->value);
    for (size_t i = line->first; i < line->first + line->count; i++) {
        const Piece *piece = &pieces[i];
        bool ends_line = piece == end;
        const NetworkLayer *behind =
            i + 1 < sequence->pieces.count && !piece[1].from && piece[1].body_count == 0
                ? layer_of(writer, &piece[1])
                : NULL;
        if (i > line->first)
            text_printf(out, " -> ");
        if (piece->from)
            text_printf(out, "from %s -> ", piece->from);
        if (piece->body_count > 0)
            write_join(writer, piece, depth, out);
        else
            write_layer(writer, piece, behind, ends_line, out);
    }
    text_append(out, "\n", 1);
}

/* Bytes that a piece takes, about. */
static size_t piece_width(const Writer *writer, const Piece *piece)
{
    const NetworkLayer *layer = layer_of(writer, piece);
    size_t width = strlen(layer->word) + strlen(layer->args) + strlen(" -> ");
    return width + (layer->tensor_count > 0 ? writer->name_bytes[piece->layer] + strlen(", name=\"\"") : 0);
}

/* Whether a piece stands on the line of the one before it, which begins with `first`. A normalization always
 * does, as a convolution has a bias unless it follows at once. A pool begins another line behind the
 * activation of a join: joins that are alike are then alike to their end. */
static bool goes_on(const Writer *writer, const Piece *first, const Piece *piece, size_t width)
{
    const NetworkLayer *layer = layer_of(writer, piece);
    bool fits = width + piece_width(writer, piece) <= LINE_BYTES || strcmp(layer->word, "batchnorm") == 0;
    bool ends_join = strstr(layer->word, "pool") && is_minor(layer_of(writer, first));
    return is_minor(layer) && piece->body_count == 0 && !piece->from && !piece[-1].value &&
           piece[-1].body_count == 0 && fits && !ends_join;
}

/* Breaks a body into lines, once. */
static void find_lines(const Writer *writer, Sequence *sequence)
{
    size_t width = 0;
    Writer unnamed = *writer;
    unnamed.named = false;
    if (sequence->lines.count > 0)
        return;
    for (size_t i = 0; i < sequence->pieces.count; i++) {
        const Piece *piece = &sequence->pieces.items[i];
        Line *last = i > 0 ? &sequence->lines.items[sequence->lines.count - 1] : NULL;
        if (last && goes_on(writer, &sequence->pieces.items[last->first], piece, width)) {
            last->count++;
        } else {
            *vec_push(writer->arena, &sequence->lines) = (Line){.first = i, .count = 1};
            width = 0;
        }
        width += piece_width(writer, piece);
    }
    for (size_t i = 0; i < sequence->lines.count; i++) {
        Line *line = &sequence->lines.items[i];
        Text text = {.arena = writer->arena};
        write_line(&unnamed, sequence, line, 0, &text);
        line->unnamed = text_string(&text);
        for (const char *c = line->unnamed; *c; c++)
            line->height += *c == '\n';
    }
}

/* ---- Repeats ---- */

/* How often `period` lines from `at` stand there one after the other. */
static size_t count_turns(const Sequence *body, size_t at, size_t period)
{
    size_t equal = 0;
    while (at + period + equal < body->lines.count &&
           strcmp(body->lines.items[at + equal].unnamed, body->lines.items[at + period + equal].unnamed) == 0)
        equal++;
    return equal / period + 1;
}

/* The repeat that saves the most text from `at` on; false: none saves any. */
static bool find_repeat(const Sequence *body, size_t at, size_t *period, size_t *turns)
{
    enum { PERIOD_MAX = 64 };
    int best = 0, height = 0;
    for (size_t p = 1; p <= PERIOD_MAX && at + 2 * p <= body->lines.count; p++) {
        height += body->lines.items[at + p - 1].height;
        size_t count = count_turns(body, at, p);
        int saved = height * ((int)count - 1) - 2; /* the repeat itself takes two lines */
        if (saved > best) {
            best = saved;
            *period = p;
            *turns = count;
        }
    }
    return best > 0;
}

static void write_body(const Writer *writer, Sequence *sequence, int depth, Text *out)
{
    find_lines(writer, sequence);
    size_t period, turns;
    if (sequence->lines.count == 0)
        text_printf(out, "%*sidentity\n", depth * INDENT, "");
    for (size_t i = 0; i < sequence->lines.count;) {
        if (!find_repeat(sequence, i, &period, &turns)) {
            write_line(writer, sequence, &sequence->lines.items[i++], depth, out);
            continue;
        }
        Writer inner = *writer;
        inner.named = false; /* two turns cannot have layers of the same name */
        text_printf(out, "%*srepeat %zu {\n", depth * INDENT, "", turns);
        for (size_t k = 0; k < period; k++)
            write_line(&inner, sequence, &sequence->lines.items[i + k], depth + 1, out);
        text_printf(out, "%*s}\n", depth * INDENT, "");
        i += period * turns;
    }
}

/* ---- Names ---- */

/* Gives all layers with weights names that are valid and unique. */
static void make_names(Network *network)
{
    NameMap known = {0};
    for (size_t i = 0; i < network->layers.count; i++) {
        NetworkLayer *layer = &network->layers.items[i];
        const char *name = network_plain_name(network->arena, layer->name ? layer->name : "", layer->word),
                   *plain = name;
        for (int n = 2; name_map_find(&known, name); n++)
            name = arena_printf(network->arena, "%s_%d", plain, n);
        if (layer->tensor_count > 0)
            name_map_add(network->arena, &known, name, layer);
        layer->name = name;
    }
}

typedef struct {
    Network *network;
    const bool *is_named;
    NameMap words; /* of the layers without a name so far */
} Renaming;

/* The checker calls a layer without a name by its word and a number, and knows of no later one that has this
 * name. */
static void rename_layer(void *context, int id)
{
    Renaming *renaming = context;
    Arena *arena = renaming->network->arena;
    NetworkLayer *layer = &renaming->network->layers.items[id];
    size_t length = strlen(layer->name), stem = strcspn(layer->name, "0123456789");
    bool numbered = stem < length && strspn(layer->name + stem, "0123456789") == length - stem;
    if (renaming->is_named[id] && numbered &&
        name_map_find(&renaming->words, arena_text(arena, layer->name, stem)))
        layer->name = arena_printf(arena, "%.*s_%s_", (int)stem, layer->name, layer->name + stem);
    else if (!renaming->is_named[id] && !name_map_find(&renaming->words, layer->word))
        name_map_add(arena, &renaming->words, layer->word, layer);
}

/* The body of the model, twice: the first time for what stands in a repeat, and so has no name. */
static void write_model(Network *network, Sequence *sequence, Text *out)
{
    size_t count = network->layers.count;
    size_t *bytes = NEW_ARRAY(network->arena, size_t, count);
    Writer writer = {network, network->arena, bytes, NEW_ARRAY(network->arena, bool, count), true};
    Text first = {.arena = network->arena};
    make_names(network);
    for (size_t i = 0; i < count; i++)
        bytes[i] = strlen(network->layers.items[i].name);
    write_body(&writer, sequence, 1, &first);
    sequence_walk(sequence, rename_layer, &(Renaming){.network = network, .is_named = writer.is_named});
    write_body(&writer, sequence, 1, out);
}

/* ---- The file ---- */

static void write_data(const Network *network, const TextOptions *options, Text *out)
{
    ValueShape input = network_shape(network, 0);
    bool pictures = input.channels == 1 || input.channels == 3 || input.channels == 4;
    text_printf(out, "data {\n");
    if (options->data) {
        text_printf(out, "    folder \"");
        for (const char *c = options->data; *c; c++)
            text_printf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        text_printf(out, "\"");
    } else {
        text_printf(out, "    # To train on, name the data here. %s:\n    # %s",
                    pictures ? "Pictures in a folder for each class" : "Samples and labels of numpy's",
                    pictures ? "folder \"photos\"" : "arrays x=\"x.npy\", y=\"y.npy\"");
    }
    if (pictures && input.channels != 3)
        text_printf(out, ", channels=%" PRId64, input.channels);
    text_printf(out, "\n");
    if (pictures)
        text_printf(out, "    resize %" PRId64 "x%" PRId64 ", fit=crop\n", input.height, input.width);
    if (pictures && !network->is_scaled)
        text_printf(out, "    # what the network was trained with is not told; often it is a scale, or a "
                         "scale and standardize\n");
    if (pictures)
        text_printf(out, "    scale %g..%g\n", network->is_scaled ? network->low : 0.0,
                    network->is_scaled ? network->high : 1.0);
    text_printf(out, "}\n");
}

static const char *format(Arena *arena, const char *text)
{
    Diag *diag = diag_new(arena);
    Ast *ast = ast_parse(arena, diag, diag_add_source(diag, "import", text, strlen(text)));
    Text out = {.arena = arena};
    if (diag_errors(diag) > 0) {
        diag_print(diag, stderr);
        BUG("the text of an imported network cannot be parsed");
    }
    ast_format(ast, &out);
    return text_string(&out);
}

const char *network_text(Network *network, const TextOptions *options)
{
    Arena *arena = network->arena;
    Text out = {.arena = arena};
    Sequence sequence = sequence_make(network);
    text_printf(&out, "# Made of %s by `cnnc import`.", network->source);
    if (options->weights)
        text_printf(&out, " To go on from its weights:\n#     cnnc run %s --start %s", options->text_name,
                    options->weights);
    text_printf(&out, "\nmodel %s {\n", network_plain_name(arena, network->name, "Imported"));
    write_model(network, &sequence, &out);
    text_printf(&out, "}\n\n");
    write_data(network, options, &out);
    text_printf(&out, "\ntrain {\n%s}\n", network->train);
    return format(arena, text_string(&out));
}
