"""The two ways in which Keras reads a folder of pictures, as its guides write them, with the augmentation of loader.cnn."""
import keras
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator  # keras 3 has no public name for it

BATCH = 32
VERSION = f"keras {keras.__version__}, tensorflow {tf.__version__}"


def flow(folder, size, augmented=False, validation=0, part=None):
    """validation: the share of the pictures that part "validation" has, and "training" lacks."""
    changes = dict(rotation_range=20, width_shift_range=.2, height_shift_range=.2, shear_range=20, zoom_range=.2, horizontal_flip=True,
                   fill_mode="nearest")
    generator = ImageDataGenerator(rescale=1 / 255, validation_split=validation, **(changes if augmented else {}))
    return generator.flow_from_directory(folder, target_size=(size, size), batch_size=BATCH, class_mode="sparse", interpolation="bilinear",
                                         subset=part, shuffle=part != "validation", seed=1)


def augmentation():
    """The layers of Keras that do what ImageDataGenerator does: each resamples the picture, where the others compose their changes first."""
    L, fill = keras.layers, dict(fill_mode="nearest")
    return keras.Sequential([L.RandomRotation(20 / 360, **fill), L.RandomTranslation(.2, .2, **fill), L.RandomShear(.36, .36, **fill),
                             L.RandomZoom((-.2, .2), (-.2, .2), **fill), L.RandomFlip("horizontal")])


def dataset(folder, size, augmented=False, validation=0, part=None, cache=None):
    """cache: a file that keeps the decoded and resized pictures as bytes."""
    split = dict(validation_split=validation, subset=part, seed=1) if part else {}
    pictures = keras.utils.image_dataset_from_directory(folder, image_size=(size, size), batch_size=BATCH, verbose=False,
                                                        shuffle=part != "validation", **split)
    if cache:
        pictures = pictures.map(lambda x, y: (tf.cast(tf.round(x), tf.uint8), y), num_parallel_calls=tf.data.AUTOTUNE).cache(cache)
    pictures = pictures.map(lambda x, y: (tf.cast(x, tf.float32) / 255, y), num_parallel_calls=tf.data.AUTOTUNE)
    if augmented:
        change = augmentation()
        pictures = pictures.map(lambda x, y: (change(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    return pictures
