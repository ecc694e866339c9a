/* Writing a graph in ONNX as protocol buffers. */
#include <onnx.pb-c.h>

#include "compiler/exchange/onnx_graph.h"
#include "runtime/file.h"

/* The oldest version of the format that has a version of ONNX's operators. */
static int format_version(int operators)
{
    return operators >= 21 ? 10 : operators >= 20 ? 9 : 8;
}

static char *text_of(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

static ProtobufCBinaryData bytes_of(const void *bytes, size_t count)
{
    return (ProtobufCBinaryData){count, (uint8_t *)(uintptr_t)bytes};
}

static Onnx__AttributeProto *pack_attribute(Arena *arena, const OnnxAttribute *attribute)
{
    Onnx__AttributeProto *to = NEW(arena, Onnx__AttributeProto);
    onnx__attribute_proto__init(to);
    to->name = text_of(attribute->name);
    to->has_type = true;
    switch (attribute->kind) {
    case ONNX_INTEGER:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        to->has_i = true;
        to->i = attribute->integer;
        break;
    case ONNX_INTEGERS:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        to->n_ints = (size_t)attribute->count;
        to->ints = (int64_t *)(uintptr_t)attribute->integers;
        break;
    case ONNX_REAL:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        to->has_f = true;
        to->f = (float)attribute->real;
        break;
    case ONNX_TEXT:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
        to->has_s = true;
        to->s = bytes_of(attribute->text, strlen(attribute->text));
        break;
    }
    return to;
}

static Onnx__NodeProto *pack_node(Arena *arena, const OnnxNode *node)
{
    Onnx__NodeProto *to = NEW(arena, Onnx__NodeProto);
    onnx__node_proto__init(to);
    to->op_type = text_of(node->op);
    to->name = text_of(node->name);
    to->n_input = (size_t)node->in_count;
    to->input = NEW_ARRAY(arena, char *, node->in_count + 1);
    for (int i = 0; i < node->in_count; i++)
        to->input[i] = text_of(node->in[i].name);
    to->n_output = 1;
    to->output = NEW(arena, char *);
    to->output[0] = text_of(node->name);
    to->n_attribute = node->attributes.count;
    to->attribute = NEW_ARRAY(arena, Onnx__AttributeProto *, node->attributes.count + 1);
    for (size_t i = 0; i < node->attributes.count; i++)
        to->attribute[i] = pack_attribute(arena, &node->attributes.items[i]);
    return to;
}

static Onnx__TensorProto *pack_tensor(Arena *arena, const OnnxTensor *tensor)
{
    Onnx__TensorProto *to = NEW(arena, Onnx__TensorProto);
    onnx__tensor_proto__init(to);
    size_t bytes = tensor->integers ? sizeof(int64_t) : sizeof(float);
    for (int i = 0; i < tensor->rank; i++)
        bytes *= (size_t)tensor->dim[i];
    to->name = text_of(tensor->name);
    to->has_data_type = true;
    to->data_type =
        tensor->integers ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    to->n_dims = (size_t)tensor->rank;
    to->dims = (int64_t *)(uintptr_t)tensor->dim;
    to->has_raw_data = true;
    to->raw_data = bytes_of(tensor->data, bytes);
    return to;
}

/* The input or the output. The batch may have any extent, which is called "batch". */
static Onnx__ValueInfoProto *pack_port(Arena *arena, const OnnxValue *value)
{
    Onnx__TensorShapeProto *shape = NEW(arena, Onnx__TensorShapeProto);
    onnx__tensor_shape_proto__init(shape);
    shape->n_dim = (size_t)value->rank;
    shape->dim = NEW_ARRAY(arena, Onnx__TensorShapeProto__Dimension *, value->rank + 1);
    for (int i = 0; i < value->rank; i++) {
        Onnx__TensorShapeProto__Dimension *dim = NEW(arena, Onnx__TensorShapeProto__Dimension);
        onnx__tensor_shape_proto__dimension__init(dim);
        if (i == 0 && value->batch) {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = text_of("batch");
        } else {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = value->dim[i];
        }
        shape->dim[i] = dim;
    }
    Onnx__TypeProto__Tensor *tensor = NEW(arena, Onnx__TypeProto__Tensor);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    Onnx__TypeProto *type = NEW(arena, Onnx__TypeProto);
    onnx__type_proto__init(type);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    Onnx__ValueInfoProto *to = NEW(arena, Onnx__ValueInfoProto);
    onnx__value_info_proto__init(to);
    to->name = text_of(value->name);
    to->type = type;
    return to;
}

static Onnx__GraphProto *pack_graph(Arena *arena, const Onnx *onnx)
{
    Onnx__GraphProto *to = NEW(arena, Onnx__GraphProto);
    onnx__graph_proto__init(to);
    to->name = text_of(onnx->name);
    to->node = NEW_ARRAY(arena, Onnx__NodeProto *, onnx->nodes.count + 1);
    for (size_t i = 0; i < onnx->nodes.count; i++)
        if (onnx->nodes.items[i]->used)
            to->node[to->n_node++] = pack_node(arena, onnx->nodes.items[i]);
    to->initializer = NEW_ARRAY(arena, Onnx__TensorProto *, onnx->tensors.count + 1);
    for (size_t i = 0; i < onnx->tensors.count; i++)
        if (onnx->tensors.items[i]->used)
            to->initializer[to->n_initializer++] = pack_tensor(arena, onnx->tensors.items[i]);
    to->n_input = to->n_output = 1;
    to->input = NEW(arena, Onnx__ValueInfoProto *);
    to->output = NEW(arena, Onnx__ValueInfoProto *);
    to->input[0] = pack_port(arena, &onnx->input);
    to->output[0] = pack_port(arena, &onnx->output);
    return to;
}

static void pack_metadata(Arena *arena, const Onnx *onnx, Onnx__ModelProto *model)
{
    model->metadata_props = NEW_ARRAY(arena, Onnx__StringStringEntryProto *, onnx->metadata.count + 1);
    for (size_t i = 0; i < onnx->metadata.count; i++) {
        Onnx__StringStringEntryProto *pair = NEW(arena, Onnx__StringStringEntryProto);
        onnx__string_string_entry_proto__init(pair);
        pair->key = text_of(onnx->metadata.items[i].key);
        pair->value = text_of(onnx->metadata.items[i].value);
        model->metadata_props[model->n_metadata_props++] = pair;
    }
}

/* Files of protocol buffers end at 2 GiB. */
static CnnStatus write_model(const Onnx__ModelProto *model, const char *path, Arena *arena, CnnError *error)
{
    NewFile file;
    size_t bytes = onnx__model_proto__get_packed_size(model);
    if (bytes > INT32_MAX)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the network has %zu MiB, and a file in ONNX at most 2047: export its weights as "
                        "safetensors",
                        bytes >> 20);
    uint8_t *packed = arena_alloc(arena, bytes);
    onnx__model_proto__pack(model, packed);
    TRY(cnn_file_create(path, &file, error));
    CnnStatus status = cnn_file_write(&file, packed, bytes, error);
    if (status == CNN_OK)
        return cnn_file_commit(&file, error);
    cnn_file_abandon(&file);
    return status;
}

CnnStatus onnx_protobuf_write(const Onnx *onnx, const char *path, CnnError *error)
{
    Arena *arena = arena_new();
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto operators = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets[] = {&operators};
    operators.has_version = true;
    operators.version = onnx->version;
    model.has_ir_version = true;
    model.ir_version = format_version(onnx->version);
    model.producer_name = text_of("cnnc");
    model.producer_version = text_of(CNNC_VERSION);
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.graph = pack_graph(arena, onnx);
    pack_metadata(arena, onnx, &model);
    CnnStatus status = write_model(&model, path, arena, error);
    arena_free(arena);
    return status;
}
