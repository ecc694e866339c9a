"""Networks of Keras against what `cnnc import` makes of them. `keras_import.py layers CNNC FOLDER` goes through layers in all their forms, and
`networks CNNC FOLDER [NAME…]` through networks of keras.applications with random weights."""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
from keras import layers as L

from imported import TOLERANCE, imported_outputs

SHAPE = (9, 8, 6)
CLASSES = 7


def compare(command, folder, name, model, endings=(".keras",), scale=1.0):
    """Saves a model in each form, and compares what cnnc makes of it; the number of those that differ."""
    wrong = 0
    x = scale * np.random.default_rng(5).random((3, *model.input_shape[1:]), np.float32)
    want = np.asarray(model(x, training=False)).reshape(3, -1)
    for ending in endings:
        file = f"{name}{ending}"
        model.save(folder / file)
        have = imported_outputs(command, folder, file, x if x.ndim == 4 else x.reshape(3, 1, 1, -1), want.shape[1])
        far = np.inf if isinstance(have, str) else float(np.abs(have - want).max() / max(1, np.abs(want).max()))
        print(f"{file}: {have if isinstance(have, str) else f'differs by {far:.1e}'}", flush=True)
        wrong += not far < TOLERANCE
    return wrong


def randomize(model):
    """Weights that differ from each other everywhere, statistics and biases too, and values that stay near 1."""
    random = np.random.default_rng(6)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, keras.Model) or isinstance(layer, L.Normalization):
            continue
        values = []
        for variable in layer.weights:
            shape, name = tuple(variable.shape), variable.name
            if "kernel" in name:
                values.append(np.asarray(variable))
            elif "variance" in name or "gamma" in name:
                values.append(random.uniform(0.7, 1.4, shape))
            else:
                values.append(random.normal(0, 0.1, shape))
        if values:
            layer.set_weights(values)


def layer_cases():
    for stride in (1, 2, 3):
        for padding in ("valid", "same"):
            yield L.Conv2D(5, 3, stride, padding)
            yield L.DepthwiseConv2D((3, 2), stride, padding, depth_multiplier=2)
            yield L.SeparableConv2D(5, 3, stride, padding, depth_multiplier=2, activation="relu")
            yield L.MaxPooling2D(3, stride, padding)
            yield L.AveragePooling2D((3, 2), stride, padding)
            if stride < 3:
                yield L.Conv2DTranspose(4, (3, 2), stride, padding)
    yield L.Conv2D(4, (3, 2), padding="same", dilation_rate=2, use_bias=False)
    yield L.Conv2D(6, 3, groups=3)
    yield L.Conv2D(12, 3, groups=6)
    yield L.Dense(5, activation="gelu")
    yield L.GlobalAveragePooling2D()
    yield L.GlobalMaxPooling2D(keepdims=True)
    yield L.BatchNormalization()
    yield L.BatchNormalization(scale=False, epsilon=1e-5, momentum=0.9)
    yield L.BatchNormalization(center=False)
    yield L.LayerNormalization()
    yield L.LayerNormalization(center=False, epsilon=1e-6)
    yield L.GroupNormalization(3)
    yield L.Rescaling(1 / 127.5, offset=-1)
    yield L.Rescaling([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    yield L.Normalization(mean=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], variance=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    adapted = L.Normalization()
    adapted.adapt(np.random.default_rng(8).random((10, *SHAPE)))
    yield adapted
    yield L.Reshape((8, 9, 6))
    yield L.Reshape((-1,))
    yield L.ZeroPadding2D(((1, 2), (0, 3)))
    yield L.Cropping2D(((1, 2), (0, 3)))
    yield L.UpSampling2D(2)
    yield L.UpSampling2D((2, 3), interpolation="bilinear")
    yield L.Dropout(0.3)
    yield L.SpatialDropout2D(0.25)
    yield L.GaussianNoise(0.1)
    yield L.ReLU(6)
    yield L.ReLU(2.5)
    yield L.ReLU(negative_slope=0.2)
    yield L.LeakyReLU()
    yield L.LeakyReLU(0.1)
    yield L.ELU(0.7)
    yield L.Softmax()
    for name in ("linear", "elu", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
                 "softmax", "tanh"):
        yield L.Activation(name)
        yield L.Conv2D(3, 2, activation=name)
    yield L.Conv2D(3, 2, activation=L.LeakyReLU(0.15))


def joined():
    """A graph with all joins, numbers, a model in a model twice, and layers that are called twice."""
    start = keras.Input(SHAPE)
    relu = L.ReLU()
    inner = keras.Sequential([L.Conv2D(6, 3, padding="same"), L.BatchNormalization(), L.ReLU()])
    deep_in = keras.Input(SHAPE)
    deep = keras.Model(deep_in, L.Add()([deep_in, keras.Sequential([L.Conv2D(6, 1), L.DepthwiseConv2D(3, padding="same")])(deep_in)]))
    a, b = relu(inner(start)), relu(deep(start))
    x = L.Concatenate()([L.Add()([a, b]), L.Multiply()([a, b]), L.Subtract()([a, b]), L.Average()([a, b, start])])
    gate = L.Conv2D(24, 1, activation="sigmoid")(L.Reshape((1, 1, 24))(L.GlobalAveragePooling2D()(x)))
    x = 0.5 * (x * gate) - 0.25 + 1.0
    x = 1 - x / 3.0
    return keras.Model(start, L.Dense(CLASSES, activation="softmax")(L.Flatten()(x)))


def run_layers(command, folder):
    keras.utils.set_random_seed(1)
    wrong = 0
    for number, layer in enumerate(layer_cases()):
        model = keras.Sequential([keras.Input(SHAPE), layer, L.Flatten(), L.Dense(CLASSES)])
        randomize(model)
        name = f"{layer.name}_{number}"
        wrong += compare(command, folder, name, model, (".keras", ".h5") if layer.weights else (".keras",), 3)
    graph = joined()
    randomize(graph)
    vector = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.BatchNormalization(), L.LayerNormalization(), L.Dense(3)])
    randomize(vector)
    return wrong + compare(command, folder, "joined", graph, (".keras", ".h5")) + compare(command, folder, "vector", vector, (".keras", ".h5"))


NETWORKS = {
    "MobileNet": 64, "MobileNetV2": 64, "MobileNetV3Small": 64, "MobileNetV3Large": 64, "ResNet50": 64, "ResNet50V2": 64, "VGG16": 64,
    "DenseNet121": 64, "EfficientNetB0": 64, "EfficientNetV2B0": 64, "Xception": 96, "InceptionV3": 96, "InceptionResNetV2": 96,
    "NASNetMobile": 64, "ConvNeXtTiny": 64,
}


def run_networks(command, folder, *names):
    keras.utils.set_random_seed(1)
    wrong = 0
    for name in names or NETWORKS:
        size = NETWORKS[name]
        inside = {"include_preprocessing": True} if name.startswith(("MobileNetV3", "EfficientNetV2", "ConvNeXt")) else {}
        model = getattr(keras.applications, name)(weights=None, classes=17, input_shape=(size, size, 3), classifier_activation=None, **inside)
        randomize(model)
        pixels = 255.0 if inside or name.startswith("Efficient") else 1.0
        wrong += compare(command, folder, name, model, scale=pixels)
    return wrong


def main():
    kind, command, folder, *rest = sys.argv[1:]
    runs = {"layers": run_layers, "networks": run_networks}
    sys.exit(1 if runs[kind](command, pathlib.Path(folder), *rest) else 0)


main()
