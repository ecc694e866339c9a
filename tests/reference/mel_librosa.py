"""The spectrograms that `mel` must give: librosa's, of two sounds made of whole numbers. Needs librosa.

    python3 mel_librosa.py --write     writes ../unit/mel_expected.h, which tests/unit/test_data_audio.c compares cnnc with
    python3 mel_librosa.py             checks that the file still is what librosa computes, to 1e-4
"""
import os
import re
import sys

import librosa
import numpy

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "mel_expected.h")
COUNT, RATE = 2000, 8000


def sound(channels):
    """As make_sound in tests/unit/test_data_audio.c: a sweep, then the same very quiet, then silence."""
    i = numpy.arange(COUNT, dtype=numpy.int64)
    first = (7 * i * i + 13 * i) % 20001 - 10000
    first[COUNT // 2:] //= 512
    first[COUNT * 3 // 4:] = 0
    values = [first, first[::-1] // 4][:channels]
    return numpy.array(values, numpy.float32) / 32768


CASES = {
    "mel_mono": (1, {"n_mels": 12, "n_fft": 256, "hop_length": 100, "fmin": 50, "fmax": 4000}),
    "mel_stereo": (2, {"n_mels": 8, "n_fft": 300, "hop_length": 128, "fmin": 0, "fmax": 3000}),
}


def spectrogram(channels, options):
    power = librosa.feature.melspectrogram(y=sound(channels), sr=RATE, power=2, htk=False, norm="slaney", **options)
    return librosa.power_to_db(power).transpose(1, 2, 0)


def text():
    lines = [f"/* Written by tests/reference/mel_librosa.py with librosa {librosa.__version__}: decibels, [bands][columns]"
             "[channels]. */"]
    for name, (channels, options) in CASES.items():
        values = spectrogram(channels, options)
        lines.append(f"static const float {name}[{values.size}] = {{")
        numbers = [f"{value:.5f}f," for value in values.ravel()]
        lines += ["    " + " ".join(numbers[i:i + 9]) for i in range(0, len(numbers), 9)]
        lines.append("};")
    return "\n".join(lines) + "\n"


def numbers_of(source):
    return numpy.array([float(number) for number in re.findall(r"(-?[0-9.]+)f,", source)])


if "--write" in sys.argv:
    with open(PATH, "w") as file:
        file.write(text())
else:
    with open(PATH) as file:
        stored, computed = numbers_of(file.read()), numbers_of(text())
    if stored.shape != computed.shape or numpy.abs(stored - computed).max() > 1e-4:
        sys.exit("tests/unit/mel_expected.h is not what librosa computes: python3 tests/reference/mel_librosa.py --write")
    print(f"{stored.size} values as librosa {librosa.__version__} computes them")
