#include "compiler/exchange/tensors.h"

#include "compiler/ops/attrs.h"
#include "runtime/init.h"
#include "runtime/state_file.h"

int64_t tensor_elements(const NamedTensor *tensor)
{
    int64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= tensor->dim[i];
    return elements;
}

static bool is_weight(const Node *node)
{
    const LeafAttrs *leaf = node->attrs;
    return node->op == OP_leaf &&
           (leaf->kind == LEAF_PARAMETER || (leaf->kind == LEAF_STATE && leaf->in_weights));
}

/* The weights as an image would have them, to be compared with the file. */
static CnnImage weights_of(const Program *program)
{
    const Graph *graph = program->eval;
    CnnTensor *tensors = NEW_ARRAY(program->arena, CnnTensor, graph->nodes.count + 1);
    CnnImage image = {.tensors = tensors};
    for (size_t id = 0; id < graph->nodes.count; id++) {
        const Node *node = &graph->nodes.items[id];
        if (!is_weight(node))
            continue;
        CnnTensor *tensor = &tensors[image.tensor_count++];
        *tensor = (CnnTensor){
            .name = node->name, .dtype = node->type.dtype, .rank = node->type.rank, .in_weights = true};
        memcpy(tensor->dim, node->type.dim, sizeof tensor->dim);
    }
    return image;
}

CnnStatus tensors_read(const Program *program, const WeightFile *file, const char *path, TensorSet *out,
                       CnnError *error)
{
    const CnnImage image = weights_of(program);
    StateMatch match;
    *out = (TensorSet){.arena = program->arena};
    TRY(cnn_state_match_whole(&image, program->data, file, path, &match, error));
    if (program->data) {
        TRY(cnn_state_match_classes(program->data, file, path, error));
        if (match.measured)
            cnn_state_load_measured(program->data, file);
    }
    for (int i = 0; i < image.tensor_count; i++) {
        const CnnTensor *tensor = &image.tensors[i];
        const NamedTensor *found = cnn_state_find(file, tensor->name);
        void *data = arena_copy(out->arena, found->data, cnn_tensor_bytes(tensor)); /* aligned */
        *vec_push(out->arena, &out->list) = cnn_state_named(tensor, data);
    }
    return CNN_OK;
}

NamedTensor *tensors_find(const TensorSet *set, const char *name)
{
    for (size_t i = 0; i < set->list.count; i++)
        if (strcmp(set->list.items[i].name, name) == 0)
            return &set->list.items[i];
    return NULL;
}

float *tensors_insert(TensorSet *set, size_t after, const char *name, int64_t count)
{
    size_t behind = set->list.count - after - 1;
    NamedTensor *at = vec_push(set->arena, &set->list) - behind;
    memmove(at + 1, at, behind * sizeof *at);
    *at = (NamedTensor){name, DTYPE_F32, 1, {count}, NEW_ARRAY(set->arena, float, count)};
    return at->data;
}

void tensors_remove(TensorSet *set, const char *name)
{
    NamedTensor *found = tensors_find(set, name);
    if (!found)
        return;
    size_t behind = set->list.count - (size_t)(found - set->list.items) - 1;
    memmove(found, found + 1, behind * sizeof *found);
    set->list.count--;
}
