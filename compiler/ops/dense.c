/* The fully connected layer. */
#include "compiler/ops/layer_args.h"
#include "compiler/ops/layer_parts.h"

static NodeId dense_build(Build *build, const void *arguments, NodeId in, const Body *body)
{
    (void)body;
    const DenseArgs *args = arguments;
    if (!layer_needs_vector(build, "dense", in))
        return POISON;
    const int64_t dim[] = {layer_type(build, in).dim[1], args->units};
    NodeId kernel = layer_kernel(build, "kernel", 2, dim, args->init);
    if (kernel == NODE_NONE)
        return POISON;
    return layer_add_bias(build, make_matmul(layer_make(build), in, kernel, false, false), args->bias);
}

static const Field dense_fields[] = {
    FIELD(DenseArgs, units, FIELD_INTEGER, .least = 1, .most = 16777216, .doc = "numbers of the output"),
    BIAS_FIELD(DenseArgs),
    INIT_FIELD(DenseArgs),
    FIELDS_END,
};
const Layer layer_dense = {
    .schema = {.word = "dense",
               .doc = "Every output is a weighted sum of all inputs. The input must be a vector: flatten or "
                      "globalpool makes one "
                      "of a picture. Kernel: [in, out]; bias: [out], zeros at first.",
               .places = IN_MODEL,
               .fields = dense_fields,
               .args_bytes = sizeof(DenseArgs),
               .example = "dense 128"},
    .build = dense_build,
    .samples = (const char *const[]){"input 2x3x2 -> flatten -> dense 5",
                                     "input 1x1x33 -> flatten -> dense 17, bias=false",
                                     "input 2x2x2 -> flatten -> dense 1, init=lecun_normal", NULL},
};
