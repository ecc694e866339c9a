#include "compiler/exchange/onnx_use.h"

#include <inttypes.h>
#include <string.h>

/* ---- Attributes ---- */

const Onnx__AttributeProto *use_attribute(const OnnxUse *use, const char *name)
{
    for (size_t i = 0; i < use->node->n_attribute; i++)
        if (use->node->attribute[i]->name && strcmp(use->node->attribute[i]->name, name) == 0)
            return use->node->attribute[i];
    return NULL;
}

int64_t use_integer(const OnnxUse *use, const char *name, int64_t preset)
{
    const Onnx__AttributeProto *found = use_attribute(use, name);
    return found && found->has_i ? found->i : preset;
}

double use_real(const OnnxUse *use, const char *name, double preset)
{
    const Onnx__AttributeProto *found = use_attribute(use, name);
    return found && found->has_f ? (double)found->f : preset;
}

bool use_text_is(const OnnxUse *use, const char *name, const char *text, const char *preset)
{
    const Onnx__AttributeProto *found = use_attribute(use, name);
    if (!found || !found->has_s)
        return strcmp(text, preset) == 0;
    return found->s.len == strlen(text) && memcmp(found->s.data, text, found->s.len) == 0;
}

/* Integers of an attribute, or of input `input` (below 0: there is none), which newer versions have instead;
 * their number, -1 where they are not given. */
int use_integers(const OnnxUse *use, const char *name, int input, int64_t *values, int most)
{
    const Onnx__AttributeProto *found = use_attribute(use, name);
    if (found && found->n_ints > 0) {
        for (size_t i = 0; i < found->n_ints && i < (size_t)most; i++)
            values[i] = found->ints[i];
        return found->n_ints <= (size_t)most ? (int)found->n_ints : -1;
    }
    if (input < 0 || input >= use->in_count || !use->in[input] || !use->in[input]->constant.integer)
        return -1;
    int64_t count = onnx_constant_count(&use->in[input]->constant);
    for (int64_t i = 0; i < count && i < most; i++)
        values[i] = use->in[input]->constant.integer[i];
    return count <= most ? (int)count : -1;
}

/* ---- Inputs and outputs ---- */

bool use_refuse(const OnnxUse *use, const char *what)
{
    network_refuse(use->import->network, "%s", what);
    return false;
}

/* Input i as a layer's value with its channels before rows and columns, NULL after an error. */
const OnnxValue *use_value(const OnnxUse *use, int i)
{
    const OnnxValue *value = i < use->in_count ? use->in[i] : NULL;
    if (value && value->is_layer && value->groups == 0)
        return value;
    use_refuse(use, value && value->is_layer
                        ? "it reads channels that are in groups; cnnc has those of a shuffle alone"
                        : "its input is a constant, or missing");
    return NULL;
}

const OnnxValue *use_picture(const OnnxUse *use, int i)
{
    const OnnxValue *value = use_value(use, i);
    if (!value || (value->rank == 4 && !value->last))
        return value;
    use_refuse(use, "its input is no picture with the channels before rows and columns");
    return NULL;
}

/* Input i as a constant, NULL where it is left out. */
const OnnxConstant *use_constant(const OnnxUse *use, int i)
{
    const OnnxValue *value = i < use->in_count ? use->in[i] : NULL;
    return value && !value->is_layer ? &value->constant : NULL;
}

/* A constant of reals with this many elements, NULL after an error. */
const float *use_reals(const OnnxUse *use, int i, int64_t count, const char *what)
{
    const OnnxConstant *found = use_constant(use, i);
    if (found && found->real && onnx_constant_count(found) == count)
        return found->real;
    network_refuse(use->import->network, "its %s is computed, or has not %" PRId64 " numbers", what, count);
    return NULL;
}

/* The result: `layer`, in the form of `like`. False where the layer could not be made. */
bool use_give(OnnxUse *use, int layer, const OnnxValue *like)
{
    use->out[0] = *like;
    use->out[0].layer = layer;
    return layer >= 0;
}

bool use_give_constant(OnnxUse *use, OnnxConstant value)
{
    use->out[0] = (OnnxValue){.constant = value};
    return true;
}

/* The extents of a value in the graph; the samples as many as it was declared for, or 1. */
int use_dims(const OnnxImport *import, const OnnxValue *value, int64_t dim[5])
{
    ValueShape shape = network_shape(import->network, value->layer);
    dim[0] = import->batch > 0 ? import->batch : 1;
    if (value->rank == 2) {
        dim[1] = shape.height * shape.width * shape.channels;
    } else if (value->groups > 0) {
        dim[1] = value->swapped ? shape.channels / value->groups : value->groups;
        dim[2] = value->swapped ? value->groups : shape.channels / value->groups;
        dim[3] = shape.height;
        dim[4] = shape.width;
    } else {
        dim[1] = value->last ? shape.height : shape.channels;
        dim[2] = value->last ? shape.width : shape.height;
        dim[3] = value->last ? shape.channels : shape.width;
    }
    return value->rank;
}

bool use_is_channels(const OnnxValue *value, int64_t axis)
{
    axis += axis < 0 ? value->rank : 0;
    return axis == (value->last ? value->rank - 1 : 1);
}
