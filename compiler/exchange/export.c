#include "compiler/exchange/export.h"

#include "compiler/base/bug.h"
#include "compiler/exchange/keras_export.h"
#include "compiler/exchange/onnx_export.h"
#include "compiler/exchange/weight_files.h"
#include "runtime/data/loose.h"
#include "runtime/state_file.h"

#ifdef CNNC_ONNX
#define ONNX_MISSING NULL
static CnnStatus write_onnx(const Program *program, const ExportOptions *options, TensorSet *set,
                            Exported *out, CnnError *error)
{
    const OnnxOptions how = {set, options->fold ? &out->fold : NULL, options->logits, options->bare};
    const Onnx *onnx = onnx_export(program, &how, &out->before);
    out->version = onnx->version;
    out->tensors = 0;
    for (size_t i = 0; i < onnx->nodes.count; i++)
        out->operators += onnx->nodes.items[i]->used;
    for (size_t i = 0; i < onnx->tensors.count; i++)
        out->tensors += onnx->tensors.items[i]->used;
    return onnx_protobuf_write(onnx, options->path, error);
}
#else
#define ONNX_MISSING "protobuf-c (Debian: libprotobuf-c-dev, protobuf-c-compiler)"
#define write_onnx   NULL
#endif

#ifdef CNNC_UNPACK
#define NPZ_MISSING NULL
static CnnStatus write_npz(const Program *program, const ExportOptions *options, TensorSet *set,
                           Exported *out, CnnError *error)
{
    (void)program, (void)out;
    return npz_archive_write(set, options->path, error);
}
#else
#define NPZ_MISSING "libarchive (Debian: libarchive-dev)"
#define write_npz   NULL
#endif

#ifdef CNNC_KERAS
#define KERAS_MISSING NULL
static CnnStatus write_keras_file(const Program *program, const ExportOptions *options, TensorSet *set,
                                  Exported *out, bool weights_alone, CnnError *error)
{
    const KerasOptions how = {set, options->fold ? &out->fold : NULL, options->logits, options->bare,
                              weights_alone};
    return keras_export(program, &how, options->path, &out->before, &out->tensors, error);
}

static CnnStatus write_keras(const Program *program, const ExportOptions *options, TensorSet *set,
                             Exported *out, CnnError *error)
{
    return write_keras_file(program, options, set, out, false, error);
}

static CnnStatus write_keras_weights(const Program *program, const ExportOptions *options, TensorSet *set,
                                     Exported *out, CnnError *error)
{
    return write_keras_file(program, options, set, out, true, error);
}
#else
#define KERAS_MISSING       "libhdf5, cJSON and libarchive (Debian: libhdf5-dev, libcjson-dev, libarchive-dev)"
#define write_keras         NULL
#define write_keras_weights NULL
#endif

static CnnStatus write_header(const Program *program, const ExportOptions *options, TensorSet *set,
                              Exported *out, CnnError *error)
{
    (void)out;
    return c_header_write(set, program->name, options->path, error);
}

/* What a weight file tells of the training stays with the weights. */
static CnnStatus write_safetensors(const Program *program, const ExportOptions *options, TensorSet *set,
                                   Exported *out, CnnError *error)
{
    (void)program, (void)out;
    static const char *const keys[] = {"model", "epoch", "step", SAMPLE_FORM_KEY, CLASSES_KEY};
    const char *metadata[2 * COUNT(keys) + 1];
    int count = 0;
    for (size_t i = 0; i < COUNT(keys); i++) {
        const char *value = cnn_weights_metadata(options->weights, keys[i]);
        if (!value)
            continue;
        metadata[count++] = keys[i];
        metadata[count++] = value;
    }
    metadata[count] = NULL;
    return cnn_weights_save(options->path, set->list.items, (int)set->list.count, metadata, error);
}

const ExportFormat export_formats[] = {
    {"onnx", OUTPUT_ONNX, true, ONNX_MISSING, write_onnx},
    {"keras", OUTPUT_KERAS, true, KERAS_MISSING, write_keras},
    {"h5", OUTPUT_HDF5, true, KERAS_MISSING, write_keras_weights},
    {"npz", OUTPUT_ARRAYS, false, NPZ_MISSING, write_npz},
    {"safetensors", OUTPUT_WEIGHTS, false, NULL, write_safetensors},
    {"h", OUTPUT_HEADER, false, NULL, write_header},
    {0},
};

CnnStatus export_write(const ExportFormat *format, const Program *program, const ExportOptions *options,
                       Exported *out, CnnError *error)
{
    TensorSet set;
    *out = (Exported){.before = ""};
    TRY(tensors_read(program, options->weights, options->weights_path, &set, error));
    if (options->fold)
        out->fold = fold_batchnorms(program, &set);
    for (int i = 0; i < cnn_data_measured_count(program->data) && !format->network; i++)
        *vec_push(set.arena, &set.list) = cnn_state_measured(cnn_data_measured(program->data, i));
    out->tensors = (int)set.list.count;
    return format->write(program, options, &set, out, error);
}
