#include "compiler/exchange/onnx_constant.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/file.h"

typedef Onnx__TensorProto Tensor;
#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* How each type lies in raw data. */
static const struct {
    int type, bytes;
    bool real;
} types[] = {
    {TYPE(FLOAT), 4, true},  {TYPE(DOUBLE), 8, true}, {TYPE(FLOAT16), 2, true}, {TYPE(BFLOAT16), 2, true},
    {TYPE(INT64), 8, false}, {TYPE(INT32), 4, false}, {TYPE(INT16), 2, false},  {TYPE(INT8), 1, false},
    {TYPE(UINT8), 1, false}, {TYPE(BOOL), 1, false},
};

int64_t onnx_constant_count(const OnnxConstant *constant)
{
    int64_t count = 1;
    for (int i = 0; i < constant->rank; i++)
        count *= constant->dim[i];
    return count;
}

double onnx_constant_at(const OnnxConstant *constant, int64_t i)
{
    return constant->real ? (double)constant->real[i] : (double)constant->integer[i];
}

OnnxConstant onnx_constant_integers(Arena *arena, const int64_t *values, int count)
{
    int64_t *copy = NEW_ARRAY(arena, int64_t, count + 1);
    for (int i = 0; i < count; i++)
        copy[i] = values[i];
    return (OnnxConstant){.rank = 1, .dim = {count}, .integer = copy};
}

static const char *name_of(const Tensor *tensor)
{
    return tensor->name && *tensor->name ? tensor->name : "(without a name)";
}

static CnnStatus damaged(const Tensor *tensor, const char *what, CnnError *error)
{
    return cnn_fail(error, CNN_BAD_INPUT, "tensor '%.200s' %s", name_of(tensor), what);
}

/* IEEE 754 in 16 bits. */
static float half(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 1023, word;
    if (exponent == 0) {
        float small = (float)fraction / 16777216.0f;
        return sign ? -small : small;
    }
    word = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static uint64_t bits_at(const uint8_t *bytes, int count)
{
    uint64_t bits = 0;
    for (int i = 0; i < count; i++)
        bits |= (uint64_t)bytes[i] << (8 * i);
    return bits;
}

static float real_of(int type, uint64_t bits)
{
    float value;
    double wide;
    uint32_t word = (uint32_t)bits;
    switch (type) {
    case TYPE(DOUBLE):
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case TYPE(FLOAT16):
        return half((uint16_t)bits);
    case TYPE(BFLOAT16):
        word = (uint32_t)bits << 16;
        break;
    default:
        break;
    }
    memcpy(&value, &word, sizeof value);
    return value;
}

static int64_t integer_of(int type, int bytes, uint64_t bits)
{
    bool plain = type == TYPE(UINT8) || type == TYPE(BOOL);
    int shift = 64 - 8 * bytes;
    return plain ? (int64_t)bits : (int64_t)(bits << shift) >> shift;
}

static CnnStatus open_external(Arena *arena, OnnxFiles *files, const char *name, CnnError *error)
{
    char *bytes;
    if (files->name && strcmp(files->name, name) == 0)
        return CNN_OK;
    TRY(cnn_file_read(arena_printf(arena, "%s%s", files->folder, name), &bytes, &files->size, error));
    files->name = name;
    files->bytes = arena_copy(arena, bytes, files->size + 1);
    free(bytes);
    return CNN_OK;
}

/* Bytes of a file beside the model, which external_data names. */
static CnnStatus read_external(Arena *arena, const Tensor *tensor, OnnxFiles *files, size_t bytes,
                               const uint8_t **raw, CnnError *error)
{
    const char *location = NULL;
    uint64_t offset = 0, length = bytes;
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const Onnx__StringStringEntryProto *entry = tensor->external_data[i];
        if (!entry->key || !entry->value)
            continue;
        if (strcmp(entry->key, "location") == 0)
            location = entry->value;
        else if (strcmp(entry->key, "offset") == 0)
            offset = strtoull(entry->value, NULL, 10);
        else if (strcmp(entry->key, "length") == 0)
            length = strtoull(entry->value, NULL, 10);
    }
    if (!location || *location == '/' || strstr(location, ".."))
        return damaged(tensor, "is in a file that is not named, or not in the folder of the model", error);
    TRY(open_external(arena, files, location, error));
    if (length != bytes || offset > files->size || files->size - offset < length)
        return damaged(tensor, "is not whole in its file", error);
    *raw = files->bytes + offset;
    return CNN_OK;
}

static bool typed_number(const Tensor *tensor, int type, size_t count, size_t i, uint64_t *bits)
{
    float value;
    switch (type) {
    case TYPE(FLOAT):
        if (tensor->n_float_data != count)
            return false;
        value = tensor->float_data[i];
        *bits = 0;
        memcpy(bits, &value, sizeof value);
        return true;
    case TYPE(DOUBLE):
        if (tensor->n_double_data != count)
            return false;
        memcpy(bits, &tensor->double_data[i], sizeof *bits);
        return true;
    case TYPE(INT64):
        if (tensor->n_int64_data != count)
            return false;
        *bits = (uint64_t)tensor->int64_data[i];
        return true;
    default: /* all of at most 32 bits */
        if (tensor->n_int32_data != count)
            return false;
        *bits = (uint64_t)(int64_t)tensor->int32_data[i];
        return true;
    }
}

/* Extents and number of elements. */
static CnnStatus read_shape(const Tensor *tensor, OnnxConstant *out, size_t *count, CnnError *error)
{
    enum { ELEMENTS_MAX = 1 << 30 };
    *count = 1;
    if (tensor->n_dims > ONNX_RANK_MAX)
        return damaged(tensor, "has more dimensions than any network here", error);
    out->rank = (int)tensor->n_dims;
    for (size_t i = 0; i < tensor->n_dims; i++) {
        out->dim[i] = tensor->dims[i];
        if (tensor->dims[i] < 0 || tensor->dims[i] > ELEMENTS_MAX ||
            (tensor->dims[i] > 0 && *count > (size_t)(ELEMENTS_MAX / tensor->dims[i])))
            return damaged(tensor, "has an extent that cannot be", error);
        *count *= (size_t)tensor->dims[i];
    }
    return CNN_OK;
}

CnnStatus onnx_constant_read(Arena *arena, const Tensor *tensor, OnnxFiles *files, OnnxConstant *out,
                             CnnError *error)
{
    size_t count, row = 0;
    *out = (OnnxConstant){0};
    while (row < sizeof types / sizeof *types && types[row].type != tensor->data_type)
        row++;
    if (row == sizeof types / sizeof *types)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "tensor '%.200s' has elements of type %d, which no network here has", name_of(tensor),
                        tensor->data_type);
    TRY(read_shape(tensor, out, &count, error));
    size_t bytes = (size_t)types[row].bytes;
    const uint8_t *raw = tensor->has_raw_data ? tensor->raw_data.data : NULL;
    if (tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        TRY(read_external(arena, tensor, files, count * bytes, &raw, error));
    else if (tensor->has_raw_data && tensor->raw_data.len != count * bytes)
        return damaged(tensor, "has not as many bytes as its shape says", error);
    bool typed =
        !tensor->has_raw_data && tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    uint64_t bits = 0;
    if (typed && count > 0 && !typed_number(tensor, types[row].type, count, 0, &bits))
        return damaged(tensor, "has not as many numbers as its shape says", error);
    float *real = types[row].real ? NEW_ARRAY(arena, float, count + 1) : NULL;
    int64_t *integer = types[row].real ? NULL : NEW_ARRAY(arena, int64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (typed)
            typed_number(tensor, types[row].type, count, i, &bits);
        else
            bits = bits_at(raw + i * bytes, (int)bytes);
        if (real)
            real[i] = real_of(types[row].type, bits);
        else
            integer[i] = integer_of(types[row].type, (int)bytes, bits);
    }
    out->real = real;
    out->integer = integer;
    return CNN_OK;
}
