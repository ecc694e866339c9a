"""A whole training by Keras' fit from a folder: python epoch_keras.py flow|dataset|cached MODEL FOLDER EPOCHS THREADS; asked by epochs.py.

MODEL is of ../peers/models.py; a fifth of the pictures validate. One JSON line for each epoch, which includes its validation.
"""
import json
import os
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))

import tensorflow as tf

import keras
import keras_data
import keras_parts
import models

kind, name, folder, epochs, threads = sys.argv[1:]
tf.config.threading.set_intra_op_parallelism_threads(int(threads))
tf.config.threading.set_inter_op_parallelism_threads(int(threads))
model = models.MODELS[name]
size = model.shape[0]


def part(of, cache):
    if kind == "flow":
        return keras_data.flow(folder, size, validation=.2, part=of)
    return keras_data.dataset(folder, size, validation=.2, part=of, cache=os.path.join(cache, of) if kind == "cached" else None).prefetch(
        tf.data.AUTOTUNE)


keras.utils.set_random_seed(1)
network = keras_parts.network(model)
network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
print(json.dumps(dict(version=keras_data.VERSION)), flush=True)
with tempfile.TemporaryDirectory(prefix="keras-cache-") as cache:
    network.fit(part("training", cache), validation_data=part("validation", cache), epochs=int(epochs), verbose=0,
                callbacks=[keras_parts.Report()])
