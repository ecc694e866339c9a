/* Operators, names and tensors of an ONNX graph. */
#include "compiler/exchange/onnx_graph.h"

#include "compiler/base/bug.h"
#include "compiler/base/text.h"

const Graph *onnx_source(const Onnx *onnx)
{
    return onnx->source;
}

const OnnxNode *onnx_maker(const Onnx *onnx, const OnnxValue *value)
{
    return value->name && !value->data ? name_map_find(&onnx->made_by, value->name) : NULL;
}

/* ---- Tensors that are known beforehand ---- */

static OnnxTensor *kept_tensor(const Onnx *onnx, const OnnxValue *value)
{
    return value->name ? name_map_find(&onnx->kept, value->name) : NULL;
}

static size_t tensor_bytes(const OnnxTensor *tensor)
{
    size_t bytes = tensor->integers ? sizeof(int64_t) : sizeof(float);
    for (int i = 0; i < tensor->rank; i++)
        bytes *= (size_t)tensor->dim[i];
    return bytes;
}

static bool is_equal(const OnnxTensor *a, const OnnxTensor *b)
{
    return a->integers == b->integers && a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0 &&
           memcmp(a->data, b->data, tensor_bytes(a)) == 0;
}

/* The name of this tensor in the graph. */
static const char *keep_tensor(Onnx *onnx, OnnxTensor tensor)
{
    for (size_t i = 0; i < onnx->tensors.count; i++) {
        const OnnxTensor *known = onnx->tensors.items[i];
        if (strcmp(known->wish, tensor.wish) == 0 && is_equal(known, &tensor))
            return known->name;
    }
    tensor.name = arena_printf(onnx->arena, "tensor %zu", onnx->tensors.count);
    OnnxTensor *kept = arena_copy(onnx->arena, &tensor, sizeof tensor);
    *vec_push(onnx->arena, &onnx->tensors) = kept;
    name_map_add(onnx->arena, &onnx->kept, kept->name, kept);
    return kept->name;
}

static OnnxValue input_of(Onnx *onnx, OnnxValue value)
{
    if (!value.data || kept_tensor(onnx, &value))
        return value;
    OnnxTensor tensor = {.wish = value.name, .rank = value.rank, .data = value.data};
    memcpy(tensor.dim, value.dim, sizeof tensor.dim);
    value.name = keep_tensor(onnx, tensor);
    return value;
}

OnnxValue onnx_part(Onnx *onnx, const char *layer, const char *part)
{
    const char *name = arena_printf(onnx->arena, "%s.%s", layer, part);
    NodeId leaf = graph_find_leaf(onnx->source, name);
    if (leaf == NODE_NONE)
        BUG("there is no tensor %s", name);
    return onnx_value(onnx, leaf);
}

OnnxValue onnx_number(Onnx *onnx, double value)
{
    float number = (float)value;
    return (OnnxValue){.name = arena_printf(onnx->arena, "constant/%.9g", number),
                       .data = arena_copy(onnx->arena, &number, sizeof number)};
}

OnnxValue onnx_vector(Onnx *onnx, const double *values, int count)
{
    float *numbers = NEW_ARRAY(onnx->arena, float, count);
    Text name = {.arena = onnx->arena};
    for (int i = 0; i < count; i++) {
        numbers[i] = (float)values[i];
        text_printf(&name, "%s%.9g", i ? "," : "constant/", numbers[i]);
    }
    return (OnnxValue){.name = text_string(&name), .rank = 1, .dim = {count}, .data = numbers};
}

OnnxValue onnx_integers(Onnx *onnx, const int64_t *values, int count)
{
    Text name = {.arena = onnx->arena};
    for (int i = 0; i < count; i++)
        text_printf(&name, "%s%lld", i ? "," : "constant/", (long long)values[i]);
    OnnxTensor tensor = {.wish = text_string(&name),
                         .integers = true,
                         .rank = 1,
                         .dim = {count},
                         .data = arena_copy(onnx->arena, values, (size_t)count * sizeof *values)};
    return (OnnxValue){.name = keep_tensor(onnx, tensor), .rank = 1, .dim = {count}};
}

/* ---- Operators ---- */

OnnxValue onnx_add(Onnx *onnx, const char *op, OnnxValue like, const OnnxValue *in, int in_count)
{
    OnnxNode *node = NEW(onnx->arena, OnnxNode);
    OnnxValue *inputs = NEW_ARRAY(onnx->arena, OnnxValue, in_count);
    for (int i = 0; i < in_count; i++)
        inputs[i] = input_of(onnx, in[i]);
    *node = (OnnxNode){.op = op, .place = onnx->place, .in = inputs, .in_count = in_count, .out = like};
    node->out.name = arena_printf(onnx->arena, "value %zu", onnx->nodes.count);
    node->out.data = NULL;
    *vec_push(onnx->arena, &onnx->nodes) = node;
    name_map_add(onnx->arena, &onnx->made_by, node->out.name, node);
    return node->out;
}

static OnnxAttribute *new_attribute(Onnx *onnx, const char *name, OnnxAttributeKind kind)
{
    OnnxNode *node = onnx->nodes.items[onnx->nodes.count - 1];
    OnnxAttribute *attribute = vec_push(onnx->arena, &node->attributes);
    attribute->name = name;
    attribute->kind = kind;
    return attribute;
}

void onnx_set_integer(Onnx *onnx, const char *name, int64_t value)
{
    new_attribute(onnx, name, ONNX_INTEGER)->integer = value;
}

void onnx_set_integers(Onnx *onnx, const char *name, const int64_t *values, int count)
{
    OnnxAttribute *attribute = new_attribute(onnx, name, ONNX_INTEGERS);
    attribute->integers = arena_copy(onnx->arena, values, (size_t)count * sizeof *values);
    attribute->count = count;
}

void onnx_set_real(Onnx *onnx, const char *name, double value)
{
    new_attribute(onnx, name, ONNX_REAL)->real = value;
}

void onnx_set_text(Onnx *onnx, const char *name, const char *value)
{
    new_attribute(onnx, name, ONNX_TEXT)->text = value;
}

void onnx_needs(Onnx *onnx, int version)
{
    if (onnx->version < version)
        onnx->version = version;
}

OnnxValue onnx_map(Onnx *onnx, const char *op, OnnxValue in)
{
    return onnx_add(onnx, op, in, &in, 1);
}

bool onnx_takes_bias(const Onnx *onnx, const OnnxValue *value)
{
    const OnnxNode *node = onnx_maker(onnx, value);
    return node && node->in_count == 2 &&
           (strcmp(node->op, "Conv") == 0 || strcmp(node->op, "ConvTranspose") == 0 ||
            strcmp(node->op, "Gemm") == 0);
}

OnnxValue onnx_add_bias(Onnx *onnx, OnnxValue value, OnnxValue bias)
{
    const OnnxNode *maker = onnx_maker(onnx, &value);
    const OnnxValue in[] = {maker->in[0], maker->in[1], bias};
    OnnxValue out = onnx_add(onnx, maker->op, value, in, 3);
    onnx->nodes.items[onnx->nodes.count - 1]->attributes = maker->attributes;
    return out;
}

/* ---- The whole ---- */

static void mark_used(Onnx *onnx, OnnxNode *last)
{
    last->used = true;
    for (size_t i = onnx->nodes.count; i-- > 0;) {
        const OnnxNode *node = onnx->nodes.items[i];
        for (int k = 0; k < node->in_count && node->used; k++) {
            OnnxNode *maker = name_map_find(&onnx->made_by, node->in[k].name ? node->in[k].name : "");
            OnnxTensor *tensor = kept_tensor(onnx, &node->in[k]);
            if (maker)
                maker->used = true;
            if (tensor)
                tensor->used = true;
        }
    }
}

/* `wish`, or with a number behind it, where something else is called so. */
static const char *new_name(Onnx *onnx, NameMap *names, const char *wish)
{
    const char *name = wish;
    for (int number = 2; name_map_find(names, name); number++)
        name = arena_printf(onnx->arena, "%s_%d", wish, number);
    name_map_add(onnx->arena, names, name, onnx);
    return name;
}

static void name_used(Onnx *onnx, const OnnxNode *last, const char *output)
{
    NameMap names = {0};
    name_map_add(onnx->arena, &names, onnx->input.name, onnx);
    output = new_name(onnx, &names, output);
    for (size_t i = 0; i < onnx->tensors.count; i++)
        if (onnx->tensors.items[i]->used)
            onnx->tensors.items[i]->name = new_name(onnx, &names, onnx->tensors.items[i]->wish);
    for (size_t i = 0; i < onnx->nodes.count; i++) {
        OnnxNode *node = onnx->nodes.items[i];
        if (!node->used)
            continue;
        const char *wish = arena_printf(onnx->arena, "%s/%s", node->place, node->op);
        node->name = node == last ? output : new_name(onnx, &names, wish);
        for (int k = 0; k < node->in_count; k++) {
            const OnnxNode *maker = onnx_maker(onnx, &node->in[k]);
            const OnnxTensor *tensor = kept_tensor(onnx, &node->in[k]);
            if (maker || tensor)
                node->in[k].name = maker ? maker->name : tensor->name;
        }
    }
}

/* An operator of its own where the output is the input, or what was made last is something else. */
void onnx_finish(Onnx *onnx, OnnxValue output, const char *name)
{
    OnnxNode *last = name_map_find(&onnx->made_by, output.name);
    if (!last) {
        onnx->place = name;
        output = onnx_map(onnx, "Identity", output);
        last = onnx->nodes.items[onnx->nodes.count - 1];
    }
    onnx->output = output;
    mark_used(onnx, last);
    name_used(onnx, last, name);
    onnx->output.name = last->name;
}
