"""Networks of models.py in Keras, and the report of their epochs. Imported once the environment of Keras is set."""
import json
import time

import keras
from keras import layers as L


def apply(layers, x):
    for layer in layers:
        op, act = layer["op"], layer.get("act")
        if op == "conv" and layer["depthwise"]:
            x = L.DepthwiseConv2D(layer["k"], layer["stride"], layer["pad"], use_bias=layer["bias"])(x)
        elif op == "conv":
            x = L.Conv2D(layer["out"], layer["k"], layer["stride"], layer["pad"], use_bias=layer["bias"], activation=act)(x)
        elif op == "dense":
            x = L.Dense(layer["out"], activation=act)(x)
        elif op == "maxpool":
            x = L.MaxPooling2D(layer["k"])(x)
        elif op == "dropout":
            x = L.Dropout(layer["rate"])(x)
        elif op == "bn":
            x = L.BatchNormalization()(x)
        elif op == "gap":
            x = L.GlobalAveragePooling2D()(x)
        elif op == "flatten":
            x = L.Flatten()(x)
        elif op == "residual":
            x = L.Add()([apply(layer["main"], x), apply(layer["shortcut"], x)])
        if op in ("bn", "residual") and act:
            x = L.Activation(act)(x)
    return x


def network(model):
    inputs = keras.Input(model.shape)
    return keras.Model(inputs, apply(model.layers, inputs))


class Report(keras.callbacks.Callback):
    """One JSON line for each epoch, which includes its validation."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs):
        print(json.dumps(dict(epoch=epoch + 1, seconds=time.perf_counter() - self.start, loss=logs["loss"],
                              val_accuracy=logs["val_accuracy"])), flush=True)
