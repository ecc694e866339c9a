"""Pictures of a folder by Keras: python load_keras.py flow|dataset|cached FOLDER SIZE SECONDS THREADS [--augmented]; asked by loaders.py.

flow: ImageDataGenerator.flow_from_directory; dataset: image_dataset_from_directory, a tf.data pipeline; cached: the same from the second epoch, with
a file of decoded pictures. All give float32 from 0 to 1.
"""
import os
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

import keras_data
import served

kind, folder, size, seconds, threads = sys.argv[1:6]
augmented = sys.argv[6:] == ["--augmented"]
tf.config.threading.set_intra_op_parallelism_threads(int(threads))
tf.config.threading.set_inter_op_parallelism_threads(int(threads))

with tempfile.TemporaryDirectory(prefix="keras-cache-") as cache:
    if kind == "flow":
        batches = keras_data.flow(folder, int(size), augmented)
    else:
        batches = keras_data.dataset(folder, int(size), augmented, cache=os.path.join(cache, "pictures") if kind == "cached" else None)
        if kind == "cached":  # the first epoch
            for _ in batches:
                pass
        batches = batches.repeat().prefetch(tf.data.AUTOTUNE)
    served.serve(iter(batches), float(seconds), keras_data.VERSION)
