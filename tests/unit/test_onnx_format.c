/* The messages of ONNX files: what is packed is unpacked again; the field numbers are those of the format;
 * damage is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>

/* A model as the package onnx of Python writes it: y = Relu(x) + w, with an attribute of each kind. */
static const uint8_t official[] = {
#include "tests/unit/onnx_model.inc"
};

static Onnx__ModelProto *unpack(const uint8_t *bytes, size_t count)
{
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, count, bytes);
    assert_non_null(model);
    return model;
}

static void check_model(const Onnx__ModelProto *model)
{
    assert_int_equal(model->ir_version, 10);
    assert_string_equal(model->producer_name, "tests");
    assert_int_equal(model->opset_import[0]->version, 21);
    assert_string_equal(model->metadata_props[0]->key, "classes");
    assert_string_equal(model->metadata_props[0]->value, "cat\ndog\n");
    const Onnx__GraphProto *graph = model->graph;
    assert_string_equal(graph->name, "net");
    assert_int_equal(graph->n_node, 2);
    assert_string_equal(graph->node[0]->op_type, "Relu");
    assert_string_equal(graph->node[1]->input[1], "w");
    const Onnx__NodeProto *node = graph->node[1];
    assert_string_equal(node->name, "sum");
    assert_int_equal(node->n_attribute, 4);
    assert_string_equal(node->attribute[0]->name, "a");
    assert_int_equal(node->attribute[0]->type, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    assert_true(node->attribute[0]->f == 0.5F);
    assert_int_equal(node->attribute[1]->i, -1);
    assert_memory_equal(node->attribute[2]->s.data, "text", 4);
    assert_int_equal(node->attribute[3]->n_ints, 3);
    assert_int_equal(node->attribute[3]->ints[2], 3);
    const Onnx__TensorProto *tensor = graph->initializer[0];
    assert_string_equal(tensor->name, "w");
    assert_int_equal(tensor->data_type, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    assert_int_equal(tensor->dims[0], 2);
    assert_int_equal(tensor->raw_data.len, 8);
    const Onnx__TensorShapeProto *shape = graph->input[0]->type->tensor_type->shape;
    assert_string_equal(graph->input[0]->name, "x");
    assert_string_equal(shape->dim[0]->dim_param, "batch");
    assert_int_equal(shape->dim[1]->dim_value, 2);
    assert_string_equal(graph->output[0]->name, "y");
}

static void what_others_write_is_read(void **state)
{
    (void)state;
    Onnx__ModelProto *model = unpack(official, sizeof official);
    check_model(model);
    onnx__model_proto__free_unpacked(model, NULL);
}

static void what_is_packed_is_unpacked(void **state)
{
    (void)state;
    Onnx__ModelProto *model = unpack(official, sizeof official);
    size_t count = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    assert_int_equal(onnx__model_proto__pack(model, bytes), count);
    onnx__model_proto__free_unpacked(model, NULL);
    model = unpack(bytes, count);
    check_model(model);
    onnx__model_proto__free_unpacked(model, NULL);
    free(bytes);
}

static void a_model_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    int refused = 0;
    for (size_t count = 1; count < sizeof official; count++) {
        Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, count, official);
        refused += !model;
        if (model) /* the end of a field of the outermost message */
            onnx__model_proto__free_unpacked(model, NULL);
    }
    assert_true(refused > (int)sizeof official - 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_write_is_read),
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(a_model_that_is_cut_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
