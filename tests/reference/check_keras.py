"""Compares the reference with Keras, where Keras is installed (tests/bench/peers/README.md): layers' values, losses, optimizers' steps.

    python3 check_keras.py
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers as L

import activations as act
import losses
import optimizers as opt
from contractions import Conv, Depthwise, Transposed
from joins import Separable
from network import Network
from norms import Batchnorm, Groupnorm, Layernorm
from shapes import Avgpool, Flatten, Globalpool, Maxpool, Upsample

TOLERANCE = 1e-5
SHAPE = (9, 8, 6)

LAYERS = [
    (Conv(5, 3), L.Conv2D(5, 3)),
    (Conv(5, 3, stride=2, pad="same"), L.Conv2D(5, 3, strides=2, padding="same")),
    (Conv(5, (3, 2), dilation=2, pad="same"), L.Conv2D(5, (3, 2), dilation_rate=2, padding="same")),
    (Depthwise(3, multiplier=2, stride=2, pad="same"), L.DepthwiseConv2D(3, 2, "same", depth_multiplier=2)),
    (Separable(5, 3, multiplier=2), L.SeparableConv2D(5, 3, depth_multiplier=2)),
    (Transposed(4, 3, stride=2), L.Conv2DTranspose(4, 3, 2)),
    (Transposed(4, 2, stride=3), L.Conv2DTranspose(4, 2, 3)),
    (Transposed(4, 3, stride=2, pad="same"), L.Conv2DTranspose(4, 3, 2, "same")),
    (Maxpool(3, stride=2, pad="same"), L.MaxPooling2D(3, 2, "same")),
    (Avgpool(3, stride=2, pad="same"), L.AveragePooling2D(3, 2, "same")),
    (Globalpool("avg"), L.GlobalAveragePooling2D()),
    (Globalpool("max"), L.GlobalMaxPooling2D()),
    (Upsample(2), L.UpSampling2D(2)),
    (Upsample((2, 3), "bilinear"), L.UpSampling2D((2, 3), interpolation="bilinear")),
    (Flatten(), L.Flatten()),
    (Batchnorm(), L.BatchNormalization()),
    (Layernorm(), L.LayerNormalization()),
    (Groupnorm(3), L.GroupNormalization(3)),
    *((layer, L.Activation(name)) for layer, name in (
        (act.Relu(), "relu"), (act.Relu6(), "relu6"), (act.Elu(1.0), "elu"), (act.Gelu(), "gelu"), (act.Silu(), "silu"), (act.Mish(), "mish"),
        (act.Hswish(), "hard_silu"), (act.Hsigmoid(), "hard_sigmoid"), (act.Sigmoid(), "sigmoid"), (act.Tanh(), "tanh"),
        (act.Softmax(), "softmax"))),
    (act.Leaky(0.3), L.LeakyReLU()),
]


def check_layer(layer, twin):
    """The same weights and input on both sides; training mode."""
    network = Network(SHAPE, [layer])
    x = 3 * np.random.default_rng(2).standard_normal((4, *SHAPE))
    twin.build((None, *SHAPE))
    values = [*network.tensors.values(), *network.states.values()]
    if isinstance(layer, Transposed):  # Keras stores [height, width, filters, channels]
        values[0] = values[0].transpose(0, 1, 3, 2)
    twin.set_weights([value.reshape(old.shape) for value, old in zip(values, twin.get_weights(), strict=True)])
    arguments = {"training": True} if isinstance(layer, Batchnorm) else {}
    want = np.asarray(twin(x.astype(np.float32), **arguments))
    have = network.forward(x)
    difference = np.abs(have - want).max() / np.abs(want).max()
    for state, new in zip(network.next_states.values(), twin.get_weights()[2:] if network.states else []):
        difference = max(difference, np.abs(state - new).max())
    return difference


def check_loss(loss, twin, labels, outputs):
    want = np.asarray(twin(labels, outputs.astype(np.float32)))
    return np.abs(loss(outputs, labels if outputs.shape[1] == 1 else labels.argmax(axis=1))[0].mean() - want) / want


def loss_checks():
    random = np.random.default_rng(3)
    p = random.uniform(0.05, 1.0, (6, 5))
    p /= p.sum(axis=1, keepdims=True)
    hot, binary = np.eye(5)[random.integers(0, 5, 6)], random.integers(0, 2, (6, 1))
    q = random.uniform(0.05, 0.95, (6, 1))
    K = keras.losses
    yield "cross_entropy", check_loss(losses.CrossEntropy(smoothing=0.1), K.CategoricalCrossentropy(label_smoothing=0.1), hot, p)
    yield "focal", check_loss(losses.Focal(), K.CategoricalFocalCrossentropy(), hot, p)
    yield "binary", check_loss(losses.BinaryCrossEntropy(smoothing=0.2), K.BinaryCrossentropy(label_smoothing=0.2), binary, q)
    yield "focal_binary", check_loss(losses.BinaryFocal(), K.BinaryFocalCrossentropy(), binary, q)
    yield "focal_balance", check_loss(losses.BinaryFocal(balance=True), K.BinaryFocalCrossentropy(True), binary, q)
    yield "mse", check_loss(losses.Mse(), K.MeanSquaredError(), hot, p)
    yield "mae", check_loss(losses.Mae(), K.MeanAbsoluteError(), hot, p)


OPTIMIZERS = [
    (opt.Sgd(0.1), keras.optimizers.SGD(0.1)),
    (opt.Sgd(0.1, momentum=0.9), keras.optimizers.SGD(0.1, 0.9)),
    (opt.Sgd(0.1, momentum=0.9, nesterov=True, decay=0.1), keras.optimizers.SGD(0.1, 0.9, True, weight_decay=0.1)),
    (opt.Adam(0.01), keras.optimizers.Adam(0.01)),
    (opt.Adamw(0.01), keras.optimizers.AdamW(0.01)),
    (opt.Rmsprop(0.01), keras.optimizers.RMSprop(0.01)),
    (opt.Rmsprop(0.01, momentum=0.5, centered=True), keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True)),
    (opt.Adagrad(0.1), keras.optimizers.Adagrad(0.1)),
    (opt.Lamb(0.01, decay=0.1), keras.optimizers.Lamb(0.01, weight_decay=0.1)),
    (opt.Lion(0.01, decay=0.1), keras.optimizers.Lion(0.01, weight_decay=0.1)),
]


def check_optimizer(optimizer, twin):
    random = np.random.default_rng(4)
    weight = random.standard_normal((4, 3))
    variable = keras.Variable(weight.astype(np.float32))
    for step in range(1, 8):
        gradient = random.standard_normal((4, 3))
        weight = optimizer.update("w", weight, gradient, step, optimizer.rate, True)
        twin.apply([keras.ops.convert_to_tensor(gradient.astype(np.float32))], [variable] if step == 1 else None)
    return np.abs(weight - np.asarray(variable)).max() / np.abs(weight).max()


def main():
    checks = [(f"{layer.word} {layer.arguments}", check_layer(layer, twin)) for layer, twin in LAYERS]
    checks += loss_checks()
    checks += [(optimizer.text, check_optimizer(optimizer, twin)) for optimizer, twin in OPTIMIZERS]
    for name, difference in checks:
        print(f"{'ok  ' if difference <= TOLERANCE else 'FAIL'} {name:60} {difference:8.1e}")
    return any(difference > TOLERANCE for _, difference in checks)


if __name__ == "__main__":
    sys.exit(main())
