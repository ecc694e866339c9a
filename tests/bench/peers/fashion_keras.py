"""The network of examples/fashion in Keras, by model.fit: python fashion_keras.py EPOCHS THREADS. One JSON line for each epoch, which
includes its validation, and one for the test."""
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

epochs, threads = int(sys.argv[1]), int(sys.argv[2])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)

import keras
from keras import layers as L

import fashion_data
from keras_parts import Report

keras.utils.set_random_seed(1)
train, validation, test = fashion_data.load()
model = keras.Sequential([
    keras.Input((28, 28, 1)), L.Conv2D(32, 3, activation="relu"), L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(2),
    L.Dropout(0.25), L.Flatten(), L.Dense(128, activation="relu"), L.Dropout(0.5), L.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(*train, batch_size=fashion_data.BATCH, epochs=epochs, validation_data=validation, verbose=0, callbacks=[Report()])
_, accuracy = model.evaluate(*test, batch_size=fashion_data.BATCH, verbose=0)
print(json.dumps(dict(test_accuracy=accuracy, version=f"keras {keras.__version__}, tensorflow {tf.__version__}")))
