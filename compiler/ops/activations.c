/* Activations, made of pointwise ops and reductions; as Keras defines them. Where a function has a kink, the
 * operand that stands second in maximum or minimum gets the gradient there: it is chosen to give what Keras
 * gives at 0, where freshly started networks stand. */
#include <math.h>

#include "compiler/ops/layer_parts.h"

static const Field no_fields[] = {FIELDS_END};

/* x -> y, in the graph, with the args of the layer. */
#define ACTIVATION(name)                                                                                     \
    static NodeId name##_value(Make make, const void *args, NodeId x);                                       \
    static NodeId name##_build(Build *build, const void *args, NodeId in, const Body *body)                  \
    {                                                                                                        \
        (void)body;                                                                                          \
        return in == POISON ? POISON : name##_value(layer_make(build), args, in);                            \
    }                                                                                                        \
    static NodeId name##_value(Make make, const void *args, NodeId x)

/* What an activation is in ONNX, of the value `x`. */
#define IN_ONNX(name) static OnnxValue name##_onnx(Onnx *onnx, const LayerUse *use)

/* The layer of an activation without parameters, and how it stands in ONNX (NULL: as its ops); the samples
 * are those that follow. */
#define PLAIN_LAYER(name, translation, text, paper, ...)                                                     \
    const Layer layer_##name = {.schema = {.word = #name,                                                    \
                                           .doc = text,                                                      \
                                           .source = paper,                                                  \
                                           .places = IN_MODEL,                                               \
                                           .fields = no_fields,                                              \
                                           .example = #name},                                                \
                                .build = name##_build,                                                       \
                                .onnx = translation,                                                         \
                                .samples = (const char *const[]){__VA_ARGS__, NULL}}

ACTIVATION(relu)
{
    (void)args;
    return make_max(make, x, make_constant(make, 0));
}
PLAIN_LAYER(relu, NULL, "max(x, 0).", "Nair, Hinton, Rectified linear units, ICML 2010",
            "input 3x2x3 -> relu", "input 4x4x2 -> conv 3, 2x2 -> relu");

static NodeId relu6_of(Make make, NodeId x)
{
    return make_min(make, make_max(make, x, make_constant(make, 0)), make_constant(make, 6));
}

ACTIVATION(relu6)
{
    (void)args;
    return relu6_of(make, x);
}
IN_ONNX(relu6)
{
    OnnxValue in = onnx_value(onnx, use->in);
    return onnx_add(onnx, "Clip", in, (const OnnxValue[]){in, onnx_number(onnx, 0), onnx_number(onnx, 6)}, 3);
}

PLAIN_LAYER(relu6, relu6_onnx, "min(max(x, 0), 6).", "Howard et al., MobileNets, 2017",
            "input 3x2x3 -> rescale 9 -> relu6");

typedef struct {
    double slope;
} LeakyArgs;

ACTIVATION(leaky)
{
    return make_max(make, x, make_scale(make, x, ((const LeakyArgs *)args)->slope));
}

IN_ONNX(leaky)
{
    OnnxValue out = onnx_map(onnx, "LeakyRelu", onnx_value(onnx, use->in));
    onnx_set_real(onnx, "alpha", ((const LeakyArgs *)use->args)->slope);
    return out;
}

static const Field leaky_fields[] = {FIELD(LeakyArgs, slope, FIELD_REAL, .preset = "0.3", .least = 0,
                                           .most = 1, .doc = "factor of negative numbers"),
                                     FIELDS_END};
const Layer layer_leaky = {
    .schema = {.word = "leaky",
               .doc = "x where x > 0, else slope * x.",
               .source =
                   "Maas et al., Rectifier nonlinearities improve neural network acoustic models, ICML 2013",
               .places = IN_MODEL,
               .fields = leaky_fields,
               .args_bytes = sizeof(LeakyArgs),
               .example = "leaky 0.1"},
    .build = leaky_build,
    .onnx = leaky_onnx,
    .samples = (const char *const[]){"input 3x2x3 -> leaky", "input 3x2x3 -> leaky 0.1", NULL},
};

typedef struct {
    double alpha;
} EluArgs;

/* The exponent is kept from growing where it is not wanted: infinity times 0 is no number. */
ACTIVATION(elu)
{
    NodeId zero = make_constant(make, 0);
    NodeId negative = make_unary(make, OP_expm1, make_min(make, zero, x));
    return make_add(make, make_max(make, x, zero),
                    make_scale(make, negative, ((const EluArgs *)args)->alpha));
}

IN_ONNX(elu)
{
    OnnxValue out = onnx_map(onnx, "Elu", onnx_value(onnx, use->in));
    onnx_set_real(onnx, "alpha", ((const EluArgs *)use->args)->alpha);
    return out;
}

static const Field elu_fields[] = {FIELD(EluArgs, alpha, FIELD_REAL, .preset = "1", .least = 0, .most = 1e6,
                                         .doc = "minus the limit for large negative numbers"),
                                   FIELDS_END};
const Layer layer_elu = {
    .schema =
        {.word = "elu",
         .doc = "x where x > 0, else alpha * (e^x - 1).",
         .source =
             "Clevert et al., Fast and accurate deep network learning by exponential linear units, ICLR 2016",
         .places = IN_MODEL,
         .fields = elu_fields,
         .args_bytes = sizeof(EluArgs),
         .example = "elu"},
    .build = elu_build,
    .onnx = elu_onnx,
    .samples = (const char *const[]){"input 3x2x3 -> elu", "input 3x2x3 -> elu 0.5", NULL},
};

ACTIVATION(gelu)
{
    (void)args;
    NodeId share = make_unary(make, OP_erf, make_scale(make, x, sqrt(0.5)));
    return make_mul(make, make_scale(make, x, 0.5), make_offset(make, share, 1));
}
IN_ONNX(gelu)
{
    OnnxValue out = onnx_map(onnx, "Gelu", onnx_value(onnx, use->in));
    onnx_needs(onnx, 20);
    return out;
}

PLAIN_LAYER(gelu, gelu_onnx, "x times the normal distribution function of x, exactly (not by tanh).",
            "Hendrycks, Gimpel, Gaussian error linear units, 2016", "input 3x2x3 -> gelu");

ACTIVATION(silu)
{
    (void)args;
    return make_mul(make, x, make_unary(make, OP_sigmoid, x));
}
PLAIN_LAYER(silu, NULL, "x * sigmoid(x), also called swish.",
            "Ramachandran et al., Searching for activation functions, 2017", "input 3x2x3 -> silu");

/* tanh(ln(1 + e^x)) is (1 + 2 p) / (1 + 2 p + 2 p^2) with p = e^-|x| where x > 0, else (2 p + p^2) /
 * (2 p + p^2 + 2): nothing overflows, in f16 either. */
ACTIVATION(mish)
{
    (void)args;
    NodeId zero = make_constant(make, 0), positive = make_greater(make, x, zero);
    NodeId power = make_unary(make, OP_exp, make_unary(make, OP_neg, make_unary(make, OP_abs, x)));
    NodeId twice = make_scale(make, power, 2), square = make_mul(make, power, power);
    NodeId u = make_add(make, twice, make_select(make, positive, make_constant(make, 1), square));
    NodeId rest = make_select(make, positive, make_scale(make, square, 2), make_constant(make, 2));
    return make_mul(make, x, make_div(make, u, make_add(make, u, rest)));
}
IN_ONNX(mish)
{
    return onnx_map(onnx, "Mish", onnx_value(onnx, use->in));
}
PLAIN_LAYER(mish, mish_onnx, "x * tanh(ln(1 + e^x)).",
            "Misra, Mish: a self regularized non-monotonic activation function, 2019", "input 3x2x3 -> mish",
            "input 3x2x3 -> rescale 9 -> mish");

static NodeId hard_sigmoid(Make make, NodeId x)
{
    return make_scale(make, relu6_of(make, make_offset(make, x, 3)), 1.0 / 6);
}

ACTIVATION(hsigmoid)
{
    (void)args;
    return hard_sigmoid(make, x);
}
IN_ONNX(hsigmoid)
{
    OnnxValue out = onnx_map(onnx, "HardSigmoid", onnx_value(onnx, use->in));
    onnx_set_real(onnx, "alpha", 1.0 / 6);
    onnx_set_real(onnx, "beta", 0.5);
    return out;
}

PLAIN_LAYER(hsigmoid, hsigmoid_onnx, "min(max(x + 3, 0), 6) / 6.",
            "Howard et al., Searching for MobileNetV3, ICCV 2019", "input 3x2x3 -> rescale 4 -> hsigmoid");

ACTIVATION(hswish)
{
    (void)args;
    return make_mul(make, x, hard_sigmoid(make, x));
}
IN_ONNX(hswish)
{
    return onnx_map(onnx, "HardSwish", onnx_value(onnx, use->in));
}

PLAIN_LAYER(hswish, hswish_onnx, "x * min(max(x + 3, 0), 6) / 6.",
            "Howard et al., Searching for MobileNetV3, ICCV 2019", "input 3x2x3 -> rescale 4 -> hswish");

ACTIVATION(sigmoid)
{
    (void)args;
    return make_unary(make, OP_sigmoid, x);
}
PLAIN_LAYER(sigmoid, NULL, "1 / (1 + e^-x).", NULL, "input 3x2x3 -> sigmoid");

ACTIVATION(tanh)
{
    (void)args;
    return make_unary(make, OP_tanh, x);
}
PLAIN_LAYER(tanh, NULL, "Hyperbolic tangent.", NULL, "input 3x2x3 -> tanh");

/* The largest is taken off first, so that nothing overflows; the result does not depend on it, so neither
 * does the gradient. */
ACTIVATION(softmax)
{
    (void)args;
    unsigned last = 1u << (graph_type(make.graph, x)->rank - 1);
    NodeId shifted = make_sub(make, x, make_stop(make, make_maximum_over(make, x, last)));
    NodeId power = make_unary(make, OP_exp, shifted);
    return make_div(make, power, make_sum(make, power, last));
}
IN_ONNX(softmax)
{
    OnnxValue out = onnx_map(onnx, "Softmax", onnx_picture(onnx, use->in));
    onnx_set_integer(onnx, "axis", 1);
    return out;
}

PLAIN_LAYER(softmax, softmax_onnx,
            "e^x of each channel, divided by their sum: positive numbers that add up to 1.",
            "Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
            "input 1x2x3 -> flatten -> softmax", "input 2x2x5 -> softmax");
