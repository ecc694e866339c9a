"""What is trained: every layer, loss, optimizer and option that changes numbers. Networks are small and mostly smooth (tanh), so that 20
steps in float32 stay near those in float64."""

import activations as act
import losses
import optimizers as opt
from contractions import Conv, Dense, Depthwise, Transposed
from joins import Add, Concat, Mul, Residual, Separable, SqueezeExcite
from norms import Batchnorm, Groupnorm, Layernorm, LayerScale
from shapes import (Avgpool, Crop, Dropout, DropPath, Flatten, Globalpool, Maxpool, Pad, Reshape, Shuffle, SpatialDropout, Split,
                    Upsample)
from training import Case

CASES = []


def case(name, input_shape, layers, **options):
    options.setdefault("optimizer", opt.Sgd(0.01, momentum=0.9))
    CASES.append(Case(name, input_shape, layers, **options))


def picture(name, *layers, shape=(7, 6, 3), outputs=5, **options):
    """The layers between a convolution, so that their input's gradient counts too, and a dense softmax."""
    case(name, shape, [Conv(6, 3, pad="same"), act.Tanh(), *layers, Flatten(), Dense(outputs), act.Softmax()], **options)


def vector(name, *layers, outputs=5, **options):
    case(name, (4, 3, 2), [Flatten(), Dense(8), act.Tanh(), *layers, Dense(outputs), act.Softmax()], **options)


# ---- Convolutions and their like ----
picture("conv_valid", Conv(5, 3), act.Tanh())
picture("conv_same", Conv(5, 3, pad="same"), act.Tanh())
picture("conv_stride", Conv(5, 3, stride=2), act.Tanh())
picture("conv_stride_same", Conv(5, 3, stride=2, pad="same"), act.Tanh())
picture("conv_stride_3x2", Conv(7, (3, 2), stride=(3, 2), pad=1), act.Tanh(), shape=(11, 9, 2))
picture("conv_explicit_pad", Conv(5, (2, 3), pad=(1, 0, 2, 1)), act.Tanh())
picture("conv_dilation", Conv(4, 3, dilation=2), act.Tanh(), shape=(9, 8, 2))
picture("conv_dilation_stride", Conv(4, 3, dilation=(2, 3), stride=2, pad="same"), act.Tanh(), shape=(9, 10, 2))
picture("conv_groups", Conv(8, 3, groups=2, pad="same"), act.Tanh())
picture("conv_1x1", Conv(17, 1), act.Tanh())
picture("conv_no_bias", Conv(5, 3, bias=False), act.Tanh())
picture("conv_33_channels", Conv(33, 3, pad="same"), act.Tanh(), Conv(4, 3), act.Tanh())
picture("depthwise", Depthwise(3), act.Tanh())
picture("depthwise_multiplier", Depthwise(3, multiplier=2, pad="same"), act.Tanh())
picture("depthwise_stride", Depthwise(3, stride=2, pad="same"), act.Tanh())
picture("separable", Separable(5, 3), act.Tanh())
picture("separable_options", Separable(5, 3, multiplier=2, stride=2, pad="same"), act.Tanh())
picture("transposed", Transposed(4, 3), act.Tanh(), shape=(4, 3, 2))
picture("transposed_stride", Transposed(4, 2, stride=2), act.Tanh(), shape=(4, 3, 2))
picture("transposed_gaps", Transposed(4, 2, stride=(3, 2)), act.Tanh(), shape=(4, 3, 2))
picture("transposed_same", Transposed(4, 3, stride=2, pad="same"), act.Tanh(), shape=(4, 3, 2))
picture("transposed_pad", Transposed(4, 4, stride=2, pad=1), act.Tanh(), shape=(4, 3, 2))
vector("dense", Dense(33), act.Tanh())
vector("dense_no_bias", Dense(7, bias=False), act.Tanh())

# ---- Pools and shapes ----
picture("maxpool", Maxpool(2))
picture("maxpool_overlapping", Maxpool(3, stride=2))
picture("maxpool_same", Maxpool(3, stride=2, pad="same"))
picture("maxpool_large_window", Maxpool(5, stride=1))
picture("maxpool_after_relu", Conv(8, 3), act.Relu(), Maxpool(2), shape=(10, 9, 2))
picture("avgpool", Avgpool(2))
picture("avgpool_same", Avgpool(3, stride=2, pad="same"))
case("globalpool_avg", (7, 6, 3), [Conv(9, 3), act.Tanh(), Globalpool("avg"), Dense(5), act.Softmax()])
case("globalpool_max", (7, 6, 3), [Conv(9, 3), act.Tanh(), Globalpool("max"), Dense(5), act.Softmax()])
picture("reshape", Reshape("6x7x6"), Conv(4, 3), act.Tanh())
picture("pad", Pad((1, 2, 0, 3)), Conv(4, 3), act.Tanh())
picture("crop", Crop((1, 2, 0, 1)))
picture("upsample", Upsample(2), Conv(4, 3), act.Tanh(), shape=(4, 3, 2))
picture("upsample_bilinear", Upsample(2, "bilinear"), Conv(4, 3), act.Tanh(), shape=(4, 3, 2))
picture("split", Concat([Split(2, first=3)], [Split(4), act.Tanh()]), Conv(4, 3))
vector("split_vector", Split(5, first=2))
picture("shuffle", Shuffle(3), Conv(4, 3, groups=2), act.Tanh())

# ---- Dropout: the same random numbers on both sides ----
vector("dropout", Dropout(30))
picture("dropout_picture", Dropout(25))
picture("spatial_dropout", SpatialDropout(40))
picture("drop_path", Residual(Conv(6, 3, pad="same"), act.Tanh(), DropPath(40)))

# ---- Normalisations ----
picture("batchnorm", Conv(5, 3, bias=False), Batchnorm(), act.Tanh())
picture("batchnorm_options", Conv(5, 3, bias=False), Batchnorm(momentum=0.8, eps=0.01), act.Tanh())
vector("batchnorm_vector", Batchnorm())
picture("layernorm", Layernorm())
vector("layernorm_vector", Dense(9), Layernorm())
picture("groupnorm", Groupnorm(3))
picture("layer_scale", Residual(Conv(6, 3, pad="same"), act.Tanh(), LayerScale()))
vector("layer_scale_vector", LayerScale("0.5"))

# ---- Activations ----
for name, layer in {"relu": act.Relu(), "relu6": act.Relu6(), "leaky": act.Leaky(0.2), "elu": act.Elu(1.5), "gelu": act.Gelu(),
                    "silu": act.Silu(), "mish": act.Mish(), "hswish": act.Hswish(), "hsigmoid": act.Hsigmoid(), "sigmoid": act.Sigmoid(),
                    "tanh": act.Tanh(), "identity": act.Identity(), "rescale": act.Rescale(2.5, -0.5),
                    "softmax": act.Softmax()}.items():
    vector(f"activation_{name}", Dense(9), layer)

# ---- Joins ----
picture("add", Add([Conv(4, 3), act.Tanh()], [Conv(4, 3)]))
picture("mul", Mul([Conv(4, 3), act.Tanh()], [Conv(4, 3), act.Sigmoid()], [Conv(4, 3)]))
picture("concat", Concat([Conv(4, 1), act.Tanh()], [Conv(3, 3, pad="same")], [Maxpool(3, stride=1, pad="same")]))

picture("residual", Residual(Conv(6, 3, pad="same"), act.Tanh(), Conv(6, 3, pad="same")), act.Tanh())
picture("residual_project", Residual(Conv(8, 3, stride=2, pad="same", bias=False), Batchnorm(), act.Tanh(),
                                     Conv(8, 3, pad="same", bias=False), Batchnorm(), stride=2), act.Tanh())
picture("residual_options", Residual(Conv(8, 3, stride=2, pad="same", bias=False), Batchnorm(), stride=2, momentum=0.9, eps=1e-5), act.Tanh())
picture("squeeze_excite", SqueezeExcite(2))
picture("squeeze_excite_options", SqueezeExcite(units=4, activation=act.Silu, gate=act.Hsigmoid))

# ---- Losses ----
vector("cross_entropy_smoothing", steps=50, loss=losses.CrossEntropy(smoothing=0.1))
vector("cross_entropy_weights", steps=50, loss=losses.CrossEntropy(weights=[0.5, 2.0, 1.0, 0.25, 3.0]))
case("cross_entropy_logits", (4, 3, 2), [Flatten(), Dense(5)], loss=losses.Logits())
for name, loss in {"binary_cross_entropy": losses.BinaryCrossEntropy(),
                   "binary_smoothing": losses.BinaryCrossEntropy(smoothing=0.2),
                   "binary_weights": losses.BinaryCrossEntropy(weights=[0.5, 2.0]),
                   "focal_binary": losses.BinaryFocal(), "focal_balance": losses.BinaryFocal(balance=True, gamma=1.5)}.items():
    case(name, (4, 3, 2), [Flatten(), Dense(8), act.Tanh(), Dense(1), act.Sigmoid()], loss=loss)
case("binary_several_outputs", (4, 3, 2), [Flatten(), Dense(8), act.Tanh(), Dense(4), act.Sigmoid()],
     loss=losses.BinaryCrossEntropy())
vector("focal", steps=50, loss=losses.Focal())
vector("focal_smoothing", steps=50, loss=losses.Focal(gamma=1.5, alpha=0.6, smoothing=0.1))
for name, loss in {"mse": losses.Mse(), "mae": losses.Mae()}.items():
    case(name, (4, 3, 2), [Flatten(), Dense(8), act.Tanh(), Dense(1)], loss=loss, labels="real",
         optimizer=opt.Sgd(0.02, momentum=0.9))
    vector(f"{name}_classes", loss=loss)

# ---- Optimizers ----
for name, optimizer in {
        "sgd": opt.Sgd(0.2), "sgd_momentum": opt.Sgd(0.05, momentum=0.9),
        "sgd_nesterov": opt.Sgd(0.05, momentum=0.9, nesterov=True, decay=0.01),
        "sgd_decay_all": opt.Sgd(0.1, decay=0.1, decay_on="all"), "adam": opt.Adam(0.01),
        "adam_options": opt.Adam(0.003, beta1=0.8, beta2=0.95, eps=1e-3), "adamw": opt.Adamw(0.003),
        "adamw_decay": opt.Adamw(0.003, decay=0.2), "rmsprop": opt.Rmsprop(0.002),
        "rmsprop_momentum": opt.Rmsprop(0.001, momentum=0.9, rho=0.8),
        "rmsprop_centered": opt.Rmsprop(0.001, momentum=0.5, centered=True, eps=1e-3), "adagrad": opt.Adagrad(0.05),
        "lamb": opt.Lamb(0.01, decay=0.05), "lion": opt.Lion(0.002, decay=0.1)}.items():
    picture(f"optimizer_{name}", Conv(5, 3), act.Tanh(), optimizer=optimizer)

# ---- The rest of a training ----
vector("clip_norm", clip_norm=0.1, steps=50)
vector("clip_value", clip_value=0.01, steps=50)
vector("accumulate", accumulate=2, batch=5, steps=50)
vector("accumulate_adam", accumulate=3, batch=4, optimizer=opt.Adam(0.003), steps=50)
picture("accumulate_batchnorm", Conv(5, 3, bias=False), Batchnorm(), act.Tanh(), accumulate=2, batch=5)
picture("accumulate_exact", Conv(5, 3, bias=False), Batchnorm(), act.Tanh(), exact=2, batch=10, steps=50)
vector("average", average=0.95, steps=50)
vector("average_accumulate", average=0.9, accumulate=2, batch=5, optimizer=opt.Adam(0.003), steps=50)
picture("average_batchnorm", Conv(5, 3, bias=False), Batchnorm(), act.Tanh(), average=0.5)
picture("frozen", Conv(5, 3), act.Tanh(), frozen=("conv1",), clip_norm=0.1)
picture("frozen_last", Conv(5, 3), act.Tanh(), frozen=("dense1",), optimizer=opt.Adamw(0.003))
picture("frozen_batchnorm", Conv(5, 3, bias=False), Batchnorm(frozen=True), act.Tanh(), frozen=("conv2", "batchnorm"), average=0.9)
picture("layer_rates", Conv(5, 3), act.Tanh(), factors={"conv": 0.1, "conv2.bias": 3.0}, optimizer=opt.Adam(0.003, decay=0.1))
vector("clip_both", clip_norm=0.1, clip_value=0.02, optimizer=opt.Sgd(0.1, decay=0.1), steps=50)
# Biases, gamma, beta and scales of layers do not decay, unless all do.
picture("decay_exclusions", Conv(5, 3), Layernorm(), Batchnorm(), LayerScale("0.5"), act.Tanh(), optimizer=opt.Sgd(0.05, decay=0.3), steps=50)
picture("decay_of_all", Conv(5, 3), Layernorm(), Batchnorm(), LayerScale("0.5"), act.Tanh(), optimizer=opt.Sgd(0.05, decay=0.3, decay_on="all"),
        steps=50)
vector("everything", loss=losses.CrossEntropy(smoothing=0.1, weights=[0.5, 2.0, 1.0, 0.25, 3.0]), clip_norm=0.5, average=0.9, accumulate=2, batch=5,
       optimizer=opt.Adamw(0.003, decay=0.1), steps=50)
vector("batch_of_one", batch=1)
vector("one_batch", batch=30)
vector("many_slices", batch=97, samples=200)
