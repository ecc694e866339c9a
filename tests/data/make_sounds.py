"""Recordings of tones that rise, fall or stay, a folder for each, for docs/tutorial-sounds.md and quick tests. Needs Python only.

    python3 make_sounds.py OUT [--count 60] [--rate 16000] [--seed 1]

Pitches, lengths (0.8 to 1.4 seconds), loudness and the noise behind the tone vary. WAV files of 16 bits.
"""
import argparse
import array
import math
import os
import random
import sys
import wave

TURNS = {"falling": -1, "rising": 1, "steady": 0}  # octaves a second, about


def recording(turn, rate, rng):
    count = round(rate * rng.uniform(0.8, 1.4))
    octaves = turn * rng.uniform(0.7, 1.3) + rng.uniform(-0.1, 0.1)
    middle = rng.uniform(500, 1500)
    loudness, noise = rng.uniform(0.1, 0.4), rng.uniform(0.01, 0.1)
    overtone = rng.uniform(0, 0.5)
    samples = array.array("h")
    phase = 0.0
    for i in range(count):
        phase += 2 * math.pi / rate * middle * 2 ** (octaves * (i - count / 2) / rate)
        value = loudness * (math.sin(phase) + overtone * math.sin(2 * phase)) + noise * rng.uniform(-1, 1)
        samples.append(round(32767 * max(-1, min(1, value))))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=60, help="recordings of each kind")
    parser.add_argument("--rate", type=int, default=16000, help="in Hz")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name, turn in TURNS.items():
        folder = os.path.join(options.out, name)
        os.makedirs(folder, exist_ok=True)
        rng = random.Random(f"{options.seed} {name}")
        for i in range(options.count):
            with wave.open(os.path.join(folder, f"{i:04}.wav"), "wb") as file:
                file.setparams((1, 2, options.rate, 0, "NONE", ""))
                file.writeframes(recording(turn, options.rate, rng))
    print(f"{options.count} recordings of each of {', '.join(TURNS)} in {options.out}")


if __name__ == "__main__":
    main()
