/* Layers that are random in training and nothing in evaluation. Masks are functions of seed, layer, epoch,
 * sample and element, so they are never stored. */
#include "compiler/ops/layer_parts.h"
#include "runtime/rng.h"

typedef struct {
    double rate;
} DropoutArgs;

/* in times a mask that is the same along the dims whose bits are set. */
static NodeId drop(Build *build, const DropoutArgs *args, NodeId in, unsigned repeated)
{
    if (!build_is_random(build) || args->rate == 0)
        return in;
    Make make = layer_make(build);
    Type type = layer_type(build, in);
    for (int i = 1; i < type.rank; i++)
        if (repeated >> i & 1)
            type.dim[i] = 1;
    uint32_t purpose = PURPOSE_LAYER + cnn_hash_name(build_layer_name(build));
    return make_mul(make, in, make_mask(make, purpose, args->rate, type.rank, type.dim + 1));
}

static NodeId dropout_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    return in == POISON ? POISON : drop(build, args, in, 0);
}

static NodeId spatial_dropout_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    return layer_needs_picture(build, "spatial_dropout", in) ? drop(build, args, in, 1 << 1 | 1 << 2)
                                                             : POISON;
}

static NodeId drop_path_build(Build *build, const void *args, NodeId in, const Body *body)
{
    (void)body;
    return in == POISON ? POISON : drop(build, args, in, ~0u);
}

static const Field dropout_fields[] = {
    FIELD(DropoutArgs, rate, FIELD_SHARE, .preset = "50%", .least = 0, .most = 0.999999,
          .doc = "share that is set to 0; the rest is multiplied by 1 / (1 - rate)"),
    FIELDS_END};
const Layer layer_dropout = {
    .schema = {.word = "dropout",
               .doc = "In training sets a random share of the numbers to 0 and scales the rest up; does "
                      "nothing in evaluation.",
               .source = "Srivastava et al., Dropout, JMLR 2014",
               .places = IN_MODEL,
               .fields = dropout_fields,
               .args_bytes = sizeof(DropoutArgs),
               .example = "dropout 25%"},
    .build = dropout_build,
    .samples = (const char *const[]){"input 3x4x3 -> dropout 25%",
                                     "input 4x4x2 -> conv 3, 2x2 -> relu -> dropout", NULL},
};
const Layer layer_spatial_dropout = {
    .schema = {.word = "spatial_dropout",
               .doc = "Dropout of whole channels of a picture.",
               .source =
                   "Tompson et al., Efficient object localization using convolutional networks, CVPR 2015",
               .places = IN_MODEL,
               .fields = dropout_fields,
               .args_bytes = sizeof(DropoutArgs),
               .example = "spatial_dropout 10%"},
    .build = spatial_dropout_build,
    .samples = (const char *const[]){"input 2x3x6 -> spatial_dropout 30%", NULL},
};
const Layer layer_drop_path = {
    .schema = {.word = "drop_path",
               .doc = "Dropout of whole samples: at the end of a residual's body it leaves out the body "
                      "(stochastic depth).",
               .source = "Huang et al., Deep networks with stochastic depth, ECCV 2016",
               .places = IN_MODEL,
               .fields = dropout_fields,
               .args_bytes = sizeof(DropoutArgs),
               .example = "residual { conv 16, 3x3, pad=same -> drop_path 10% }"},
    .build = drop_path_build,
    .samples =
        (const char *const[]){"input 3x3x2 -> residual { conv 2, 3x3, pad=same -> drop_path 30% }", NULL},
};

typedef struct {
    double deviation;
} NoiseArgs;

static const Field noise_fields[] = {
    FIELD(NoiseArgs, deviation, FIELD_REAL, .least = 0, .most = 1e6, .doc = "standard deviation"),
    FIELDS_END};
const Layer layer_noise = {
    .schema = {.word = "noise",
               .doc = "In training adds normally distributed random numbers.",
               .places = IN_MODEL,
               .fields = noise_fields,
               .args_bytes = sizeof(NoiseArgs),
               .example = "noise 0.1",
               .planned = "normally distributed random numbers in the model are not built yet; 'noise' in "
                          "augment { } may do"},
    .samples = (const char *const[]){NULL},
};
