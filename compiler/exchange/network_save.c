/* The weights of an imported network, under the names that the checker gives them in its text: layers in a
 * repeat have the checker's own. */
#include <inttypes.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/program.h"
#include "compiler/exchange/network_text.h"
#include "compiler/exchange/sequence.h"
#include "runtime/data/loose.h"
#include "runtime/weights.h"

typedef struct {
    const Network *network;
    VEC(int) layers; /* that have tensors, in the order of the program's rows */
} Order;

static void take_layer(void *context, int layer)
{
    Order *order = context;
    if (order->network->layers.items[layer].tensor_count > 0)
        *vec_push(order->network->arena, &order->layers) = layer;
}

typedef VEC(NamedTensor) Tensors;

/* The tensors of a layer that the program calls `name`. */
static void take_tensors(const Network *network, const NetworkLayer *layer, const Program *program,
                         const char *name, Tensors *tensors)
{
    for (int i = 0; i < layer->tensor_count; i++) {
        const LayerTensor *from = &layer->tensors[i];
        const char *whole = arena_printf(network->arena, "%s.%s", name, from->part);
        NodeId leaf = graph_find_leaf(program->eval, whole);
        if (leaf == NODE_NONE)
            BUG("the imported network has no '%s'", whole);
        const Type *type = graph_type(program->eval, leaf);
        NamedTensor tensor = {whole, DTYPE_F32, from->rank, {0}, from->value};
        memcpy(tensor.dim, from->dim, sizeof from->dim);
        if (type->rank != from->rank ||
            memcmp(type->dim, tensor.dim, (size_t)type->rank * sizeof *type->dim) != 0)
            BUG("'%s' of the imported network has another shape", whole);
        *vec_push(network->arena, tensors) = tensor;
    }
}

CnnStatus network_save(const Network *network, const char *text, const char *text_name,
                       const char *class_names, const char *path, CnnError *error)
{
    Arena *arena = network->arena;
    int errors = diag_errors(network->diag);
    const CheckOptions options = {.without_data = true};
    Program *program = program_check_text(arena, network->diag, text_name, text, &options);
    if (!program || diag_errors(network->diag) > errors)
        return CNN_BAD_INPUT;
    Order order = {.network = network};
    Tensors tensors = {0};
    size_t found = 0;
    Sequence sequence = sequence_make(network);
    sequence_walk(&sequence, take_layer, &order);
    for (size_t i = 0; i < program->layers.count && found < order.layers.count; i++) {
        const LayerRow *row = &program->layers.items[i];
        const NetworkLayer *layer = &network->layers.items[order.layers.items[found]];
        if (strcmp(row->word, layer->word) != 0)
            continue;
        take_tensors(network, layer, program, row->name, &tensors);
        found++;
    }
    if (found < order.layers.count)
        BUG("the text of the imported network lacks layers");
    ValueShape input = network_shape(network, 0);
    bool pictures = input.channels == 1 || input.channels == 3 || input.channels == 4;
    const char *metadata[] = {"model", program->name, NULL, NULL, NULL, NULL, NULL};
    if (pictures) {
        metadata[2] = SAMPLE_FORM_KEY;
        metadata[3] = arena_printf(arena, "%" PRId64 "x%" PRId64 "x%" PRId64 " 0 255", input.height,
                                   input.width, input.channels);
        metadata[4] = CLASSES_KEY;
        metadata[5] = class_names;
    }
    return cnn_weights_save(path, tensors.items, (int)tensors.count, metadata, error);
}
