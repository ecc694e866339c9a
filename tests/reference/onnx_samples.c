/* Writes the samples of all layers, and small networks of stdlib, as NAME.onnx into a folder, with an input
 * (NAME.input.npy, channels last) and what the interpreter makes of it in double (NAME.output.npy): for
 * onnx_samples.py. Each once more with its batchnorms folded, as NAME.fold.onnx, where it has any.
 * `onnx_samples FOLDER keras` writes .keras files in their place, of what Keras has layers for: for
 * keras_samples.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "compiler/check/program.h"
#include "compiler/exchange/keras_export.h"
#include "compiler/exchange/onnx_export.h"
#include "compiler/ops/layer.h"
#include "runtime/npy_write.h"
#include "tests/ops/harness.h"
#include "tests/ops/networks.h"

static void must(CnnStatus status, const CnnError *error)
{
    if (status == CNN_OK)
        return;
    fprintf(stderr, "%s\n", error->text);
    exit(1);
}

/* Kernels as they are when a training starts, so that values stay near 1 through many layers. */
static double leaf_value(const Node *node, int64_t index)
{
    const LeafAttrs *leaf = node->attrs;
    double noise = noise_value(node->name, index);
    if (leaf->kind == LEAF_INPUT)
        return noise;
    if (leaf->init == INIT_ONES || leaf->init == INIT_CONSTANT)
        return leaf->init_a + 0.3 * noise;
    return noise * (leaf->init == INIT_ZEROS ? 0.3 : leaf->init_a);
}

/* Sets the leaves of a run to numbers that are floats. */
static void fill(Arena *arena, const Run *run, TensorSet *set, NodeId *input)
{
    *set = (TensorSet){.arena = arena};
    for (NodeId id = 0; id < run->graph->nodes.count; id++) {
        const Node *node = graph_node(run->graph, id);
        if (!is_filled(node))
            continue;
        double *values = interp_values(run->interp, id);
        int64_t elements = type_elements(&node->type);
        float *floats = NEW_ARRAY(arena, float, elements);
        for (int64_t i = 0; i < elements; i++)
            values[i] = floats[i] = (float)leaf_value(node, i);
        if (((const LeafAttrs *)node->attrs)->kind == LEAF_INPUT) {
            *input = id;
            continue;
        }
        NamedTensor *tensor = vec_push(arena, &set->list);
        *tensor = (NamedTensor){node->name, DTYPE_F32, node->type.rank, {0}, floats};
        memcpy(tensor->dim, node->type.dim, sizeof tensor->dim);
    }
}

static void write_values(Arena *arena, const Run *run, NodeId id, const char *path)
{
    const Type *type = graph_type(run->graph, id);
    const double *values = interp_values(run->interp, id);
    int64_t row = type_elements(type) / BATCH;
    float *floats = NEW_ARRAY(arena, float, row *SAMPLES);
    for (int64_t i = 0; i < row * SAMPLES; i++)
        floats[i] = (float)values[i];
    NpyFile file;
    CnnError error = {0};
    must(cnn_npy_create(path, (Dims){1, {row}}, &file, &error), &error);
    must(cnn_npy_write(&file, floats, SAMPLES, &error), &error);
    must(cnn_npy_commit(&file, &error), &error);
}

static void write_onnx(const Program *program, const TensorSet *set, const Fold *fold, const char *path)
{
    CnnError error = {0};
    const char *before;
    const OnnxOptions how = {.weights = set, .fold = fold};
    must(onnx_protobuf_write(onnx_export(program, &how, &before),
                             arena_printf(program->arena, "%s.onnx", path), &error),
         &error);
}

static void write_keras(const Program *program, const TensorSet *set, const Fold *fold, const char *path)
{
#ifdef CNNC_KERAS
    CnnError error = {0};
    const char *before;
    int tensors;
    const KerasOptions how = {.weights = set, .fold = fold};
    if (keras_export(program, &how, arena_printf(program->arena, "%s.keras", path), &before, &tensors,
                     &error) != CNN_OK)
        printf("%s\n", error.text);
#else
    (void)program, (void)set, (void)fold, (void)path;
#endif
}

static void write_sample(const char *folder, const char *name, const char *text, bool keras)
{
    Arena *arena = arena_new();
    const CheckOptions options = {.batch = BATCH, .without_data = true};
    Diag *diag = diag_new(arena);
    const Program *program = program_check_text(
        arena, diag, "sample.cnn", arena_printf(arena, "%s\ntrain { loss mse }\n", text), &options);
    if (!program || diag_errors(diag)) {
        diag_print(diag, stderr);
        exit(1);
    }
    const Graph *graph = slice_sums(program->eval);
    Run run = run_new(arena, graph, false);
    TensorSet set;
    NodeId input = NODE_NONE;
    fill(arena, &run, &set, &input);
    interp_run(run.interp, SAMPLES);
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    void (*write)(const Program *, const TensorSet *, const Fold *, const char *) =
        keras ? write_keras : write_onnx;
    write_values(arena, &run, input, arena_printf(arena, "%s.input.npy", path));
    write_values(arena, &run, graph_find_result(graph, RESULT_OUTPUT),
                 arena_printf(arena, "%s.output.npy", path));
    write(program, &set, NULL, path);
    Fold fold = fold_batchnorms(program, &set);
    if (fold.batchnorms > 0)
        write(program, &set, &fold, arena_printf(arena, "%s.fold", path));
    arena_free(arena);
}

int main(int argc, char **argv)
{
    bool keras = argc == 3 && strcmp(argv[2], "keras") == 0;
    if (argc != 2 && !keras)
        return 2;
    Arena *arena = arena_new();
    for (const Layer *const *layer = layer_table; *layer; layer++) {
        for (int i = 0; (*layer)->samples[i]; i++)
            write_sample(argv[1], arena_printf(arena, "%s.%d", (*layer)->schema.word, i + 1),
                         arena_printf(arena, "model Sample {\n%s\nflatten\n}", (*layer)->samples[i]), keras);
    }
    for (size_t i = 0; i < COUNT(networks); i++)
        write_sample(
            argv[1], arena_printf(arena, "%s.network.%zu", networks[i][0], i + 1),
            arena_printf(arena, "import \"%s\"\nmodel Network {\n%s\n}", networks[i][0], networks[i][1]),
            keras);
    arena_free(arena);
    return 0;
}
