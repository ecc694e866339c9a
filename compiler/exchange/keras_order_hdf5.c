/* The order of a model's layers in Keras (map_graph of keras/src/ops/function.py): the farther from the
 * output the earlier; of those that are as far, as a search from the output meets them, depth first. */
#include <stdlib.h>

#include "compiler/exchange/keras_model.h"
#include "compiler/exchange/keras_names.h"

typedef struct {
    KerasLayer *layer;
    size_t next; /* of its inputs */
} Visit;

static void find_indices(Arena *arena, KerasLayer *output)
{
    VEC(Visit) open = {0};
    int count = 0;
    output->index = count++;
    *vec_push(arena, &open) = (Visit){output, 0};
    while (open.count > 0) {
        Visit *at = &open.items[open.count - 1];
        if (at->next == at->layer->in.count) {
            open.count--;
            continue;
        }
        KerasLayer *in = at->layer->in.items[at->next++];
        if (in->index >= 0)
            continue;
        in->index = count++;
        *vec_push(arena, &open) = (Visit){in, 0};
    }
}

static int compare(const void *a, const void *b)
{
    const KerasLayer *first = *(KerasLayer *const *)a, *other = *(KerasLayer *const *)b;
    return first->depth != other->depth ? other->depth - first->depth : first->index - other->index;
}

void keras_order(KerasModel *model, KerasLayer *output)
{
    NameMap kinds = {0};
    size_t count = model->order.count;
    find_indices(model->arena, output);
    for (size_t i = count; i-- > 0;) { /* each layer stands behind its inputs */
        const KerasLayer *layer = model->order.items[i];
        for (size_t k = 0; k < layer->in.count; k++)
            if (layer->in.items[k]->depth <= layer->depth)
                layer->in.items[k]->depth = layer->depth + 1;
    }
    qsort(model->order.items, count, sizeof *model->order.items, compare);
    for (size_t i = 0; i < count; i++) {
        KerasLayer *layer = model->order.items[i];
        layer->group = keras_group_name(model->arena, &kinds, layer->kind);
        cJSON_AddItemToArray(model->layers, cJSON_DetachItemViaPointer(model->layers, layer->json));
    }
}
