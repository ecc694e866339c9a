/* Layers that join values: the current one with named ones, or the results of branches; and split,
 * which takes one apart. */
#include <inttypes.h>

#include "compiler/ops/layer_parts.h"

typedef struct {
    Values values;
} JoinArgs;

enum { JOINED_MOST = 64 };

typedef struct {
    int count;
    NodeId value[JOINED_MOST];
} Joined;

/* What is to be joined; false after an error. */
static bool collect(Build *build, const char *word, const JoinArgs *args, NodeId in, const Body *body,
                    Joined *joined)
{
    int branches = body ? build_branches(build, body) : 0, own = body ? branches : 1;
    joined->count = own + args->values.count;
    if (joined->count < 2 || joined->count > JOINED_MOST) {
        build_error(build, NULL, NODE_NONE, "join-count",
                    "'%s' joins 2 to %d values: the current one with named ones, or branches; it has %d",
                    word, JOINED_MOST, joined->count);
        return false;
    }
    bool whole = in != POISON;
    for (int i = 0; i < joined->count; i++) {
        if (i >= own)
            joined->value[i] = args->values.value[i - own];
        else
            joined->value[i] = body ? build_body(build, build_branch(build, body, i), in) : in;
        whole = whole && joined->value[i] != POISON;
    }
    return whole;
}

static NodeId shapes_differ(Build *build, const char *word, NodeId first, NodeId other)
{
    return build_error(build, NULL, other, "shapes-differ", "'%s' cannot join %s and %s", word,
                       layer_shape(build, first), layer_shape(build, other));
}

/* The dims but the channels (and them too, when asked for) agree; `ones`: an extent of 1 agrees with any. */
static bool agree(const Type *a, const Type *b, bool channels, bool ones)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank - !channels; i++)
        if (a->dim[i] != b->dim[i] && !(ones && (a->dim[i] == 1 || b->dim[i] == 1)))
            return false;
    return true;
}

static NodeId combine(Build *build, const char *word, const void *args, NodeId in, const Body *body, OpId op)
{
    Joined joined;
    if (!collect(build, word, args, in, body, &joined))
        return POISON;
    NodeId result = joined.value[0];
    for (int i = 1; i < joined.count; i++) {
        Type have = layer_type(build, result), next = layer_type(build, joined.value[i]);
        if (!agree(&have, &next, true, op == OP_mul))
            return shapes_differ(build, word, result, joined.value[i]);
        result = make_pointwise(layer_make(build), op, (const NodeId[]){result, joined.value[i]}, 2);
    }
    return result;
}

static NodeId add_build(Build *build, const void *args, NodeId in, const Body *body)
{
    return combine(build, "add", args, in, body, OP_add);
}

static NodeId mul_build(Build *build, const void *args, NodeId in, const Body *body)
{
    return combine(build, "mul", args, in, body, OP_mul);
}

/* The sum of the values, each with zeros where the channels of the others are: as indices of one kernel this
 * is a copy. */
static NodeId concat_build(Build *build, const void *args, NodeId in, const Body *body)
{
    Joined joined;
    if (!collect(build, "concat", args, in, body, &joined))
        return POISON;
    Type first = layer_type(build, joined.value[0]), result = first;
    int last = first.rank - 1;
    result.dim[last] = 0;
    for (int i = 0; i < joined.count; i++) {
        Type type = layer_type(build, joined.value[i]);
        if (!agree(&first, &type, false, false))
            return shapes_differ(build, "concat", joined.value[0], joined.value[i]);
        result.dim[last] += type.dim[last];
    }
    if (!layer_fits(build, NULL, in, result.rank, result.dim))
        return POISON;
    Make make = layer_make(build);
    NodeId sum = NODE_NONE;
    int64_t before[RANK_MAX] = {0}, after[RANK_MAX] = {0};
    for (int i = 0; i < joined.count; i++) {
        int64_t channels = layer_type(build, joined.value[i]).dim[last];
        after[last] = result.dim[last] - before[last] - channels;
        NodeId part = make_pad(make, joined.value[i], before, after);
        sum = i ? make_add(make, sum, part) : part;
        before[last] += channels;
    }
    return sum;
}

/* What concat_build has added up. */
static OnnxValue concat_onnx(Onnx *onnx, const LayerUse *use)
{
    const Graph *graph = onnx_source(onnx);
    NodeId parts[JOINED_MOST];
    OnnxValue in[JOINED_MOST];
    int count = 0, first = JOINED_MOST;
    for (NodeId id = use->out; first > 0;) {
        const Node *node = graph_node(graph, id);
        bool sum = node->op == OP_add;
        parts[--first] = graph_node(graph, sum ? node->in[1] : id)->in[0];
        if (!sum)
            break;
        id = node->in[0];
    }
    for (; first < JOINED_MOST; first++)
        in[count++] = onnx_picture(onnx, parts[first]);
    OnnxValue out = onnx_add(onnx, "Concat", onnx_like(onnx, use->out, in[0].order), in, count);
    onnx_set_integer(onnx, "axis", 1);
    return out;
}

static const Field join_fields[] = {FIELD(JoinArgs, values, FIELD_VALUES, .preset = "",
                                          .doc = "named values, joined with the current one or the branches"),
                                    FIELDS_END};

/* translation: into ONNX; NULL: as its ops. */
#define JOIN_LAYER(name, translation, text, ...)                                                             \
    const Layer layer_##name = {                                                                             \
        .schema = {.word = #name,                                                                            \
                   .doc = text,                                                                              \
                   .places = IN_MODEL,                                                                       \
                   .body = IN_JOIN,                                                                          \
                   .fields = join_fields,                                                                    \
                   .args_bytes = sizeof(JoinArgs),                                                           \
                   .example =                                                                                \
                       #name " { branch { conv 16, 1x1 }\n branch { maxpool 3, stride=1, pad=same } }"},     \
        .build = name##_build,                                                                               \
        .onnx = translation,                                                                                 \
        .samples = (const char *const[]){__VA_ARGS__, NULL}}

JOIN_LAYER(add, NULL,
           "The sum of values of the same shape: of the current value and named ones, or of branches.",
           "input 3x3x2\nstem = conv 2, 1x1\nconv 2, 3x3, pad=same -> add stem",
           "input 3x2x2 -> add { branch { conv 3, 1x1 }\nbranch { conv 3, 3x3, pad=same -> relu }\nbranch { "
           "conv 3, 1x1 } }");
JOIN_LAYER(mul, NULL, "The product of values, element by element; extents of 1 are repeated.",
           "input 3x3x2\nstem = conv 2, 1x1\nconv 2, 3x3, pad=same -> sigmoid -> mul stem",
           "input 3x2x2 -> mul { branch { conv 3, 1x1 }\nbranch { conv 1, 1x1 -> tanh } }");
JOIN_LAYER(
    concat, concat_onnx, "The values one after another along the channels.",
    "input 3x3x2\nstem = conv 3, 1x1\nconv 2, 3x3, pad=same -> concat stem",
    "input 3x2x2 -> concat { branch { conv 3, 1x1 }\nbranch { identity }\nbranch { relu } } -> conv 2, 2x2",
    "input 1x2x2 -> flatten -> concat { branch { dense 3 }\nbranch { dense 2 } }");

/* ---- branch ---- */

static NodeId branch_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)args;
    if (!body)
        return build_error(build, NULL, NODE_NONE, "missing-body", "'branch' needs statements in { }");
    return build_body(build, body, in);
}

static const Field no_fields[] = {FIELDS_END};
const Layer layer_branch = {
    .schema = {.word = "branch",
               .doc = "One of the ways from the value that enters a join to what is joined.",
               .places = IN_JOIN,
               .body = IN_MODEL,
               .fields = no_fields,
               .example = "concat { branch { conv 16, 1x1 }\n branch { conv 16, 3x3, pad=same } }"},
    .build = branch_build,
    .samples =
        (const char *const[]){
            "input 2x2x2 -> concat { branch { conv 1, 1x1 }\nbranch { conv 2, 1x1 -> tanh } }", NULL},
};

/* ---- split ---- */

typedef struct {
    int64_t count, first;
} SplitArgs;

static NodeId split_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const SplitArgs *args = arguments;
    if (in == POISON)
        return POISON;
    Type type = layer_type(build, in);
    int last = type.rank - 1;
    int64_t before[RANK_MAX] = {0}, after[RANK_MAX] = {0}, channels = type.dim[last];
    if (args->count > channels || args->first > channels - args->count)
        return build_error(build, args->count > channels ? "count" : "first", in, "split-range",
                           "'split' takes %" PRId64 " channels from number %" PRId64 " on, of %" PRId64,
                           args->count, args->first, channels);
    before[last] = args->first;
    after[last] = channels - args->first - args->count;
    return make_crop(layer_make(build), in, before, after);
}

static const Field split_fields[] = {FIELD(SplitArgs, count, FIELD_INTEGER, .least = 1, .most = 16777216,
                                           .doc = "how many channels are taken"),
                                     FIELD(SplitArgs, first, FIELD_INTEGER, .preset = "0", .least = 0,
                                           .most = 16777216,
                                           .doc = "the number of the first of them, from 0"),
                                     FIELDS_END};
const Layer layer_split = {
    .schema = {.word = "split",
               .doc = "Some of the channels, one behind the other.",
               .places = IN_MODEL,
               .fields = split_fields,
               .args_bytes = sizeof(SplitArgs),
               .example =
                   "concat { branch { split 8 }\n branch { split 8, first=8 -> conv 8, 3x3, pad=1 } }"},
    .build = split_build,
    .samples =
        (const char *const[]){"input 2x3x5 -> split 2, first=1",
                              "input 2x3x6 -> concat { branch { split 4 }\nbranch { split 2, first=4 -> "
                              "conv 3, 1x1 } } -> conv 2, 2x2",
                              "input 1x2x4 -> flatten -> split 3, first=5", NULL},
};
