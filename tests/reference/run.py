"""Trains every case with cnnc and with the reference, and compares losses and final weights.

    python3 run.py --cnnc build/release/cnnc [--check-gradients] [--flags=--no-fuse]… [--keep DIR] [case …]

Prints a line for each case and each set of flags; exit code 1 if one differs by more than the tolerance.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import safetensors
from cases import CASES
from training import train

TOLERANCE = 1e-4
SEED = 1


def relative(have, want):
    """The largest difference, relative to the largest value."""
    have, want = np.asarray(have, float), np.asarray(want, float)
    if have.shape != want.shape:
        raise ValueError(f"shape {have.shape}, expected {want.shape}")
    largest = np.abs(want).max()
    difference = np.abs(have - want).max()
    return difference / largest if largest > 0 else difference


def write_case(case, folder):
    network = case.network()
    x, y = case.data(network)
    np.save(os.path.join(folder, "x.npy"), x)
    np.save(os.path.join(folder, "y.npy"), y)
    safetensors.save(os.path.join(folder, "init.safetensors"), {**network.tensors, **network.states})
    with open(os.path.join(folder, "model.cnn"), "w") as file:
        file.write(case.model_text(network))
    return network, x, y


def run_cnnc(cnnc, case, folder, threads, flags):
    for name in ("log.jsonl", "out.safetensors"):
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
    command = [cnnc, "run", "model.cnn", "--no-out", "--start", "init.safetensors", "--steps", str(case.steps), "--log", "log.jsonl",
               "--save", "out.safetensors", "--threads", str(threads), "--seed", str(SEED), *flags]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        raise RuntimeError(f"cnnc exits with {result.returncode}: {(result.stderr or result.stdout).strip()[-2000:]}")
    with open(os.path.join(folder, "log.jsonl")) as file:
        losses = [entry["loss"] for entry in map(json.loads, file) if "step" in entry]
    return losses, os.path.join(folder, "out.safetensors")


def compare(case, network, expected, folder, cnnc, threads, flags):
    """The largest relative difference to the losses and to the network that the reference has trained, and what has it."""
    losses, weights = run_cnnc(cnnc, case, folder, threads[0], flags)
    with open(weights, "rb") as file:
        first = file.read()
    for count in threads[1:]:
        with open(run_cnnc(cnnc, case, folder, count, flags)[1], "rb") as file:
            if file.read() != first:
                raise RuntimeError(f"other weights with {count} threads than with {threads[0]}")
    saved = safetensors.load(weights)
    wanted = {**network.tensors, **network.states}
    if set(saved) != set(wanted):
        raise RuntimeError(f"tensors {sorted(saved)}, expected {sorted(wanted)}")
    worst = max((abs(have - want) / abs(want), f"loss of step {step}")
                for step, (have, want) in enumerate(zip(losses, expected, strict=True), 1))
    return max([worst] + [(relative(saved[name], wanted[name]), name) for name in wanted])


def check_gradients(case):
    """The reference against its own central differences: the largest relative difference of any tensor's gradient."""
    network = case.network()
    x, y = (values[:4] for values in case.data(network))
    network.noise = lambda name, count, elements: np.random.default_rng(3).uniform(size=(count, elements))

    def loss():
        return case.loss(network.forward(x.astype(float), True), y)

    network.gradients = {}
    network.backward(loss()[1])
    worst = 0.0
    for name, gradient in network.gradients.items():
        values, step = network.tensors[name], 1e-6
        for at in np.random.default_rng(5).permutation(values.size)[:6]:
            place = np.unravel_index(at, values.shape)
            kept = values[place]
            values[place] = kept + step
            above = loss()[0].sum()
            values[place] = kept - step
            below = loss()[0].sum()
            values[place] = kept
            slope = (above - below) / (2 * step)
            worst = max(worst, abs(slope - gradient[place]) / max(np.abs(gradient).max(), 1e-3))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cnnc", help="the compiler to check")
    parser.add_argument("--check-gradients", action="store_true", help="check the reference itself instead")
    parser.add_argument("--flags", action="append", help="further flags of `cnnc run`, as one argument: --flags='--no-fuse --no-cache'; "
                        "given again, each case is trained once more, with these")
    parser.add_argument("--keep", help="leave each case's files in this folder")
    parser.add_argument("case", nargs="*")
    options = parser.parse_args()
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    chosen = [case for case in CASES if not options.case or case.name in options.case]
    if not chosen:
        parser.error("no such case")
    if not options.cnnc and not options.check_gradients:
        parser.error("--cnnc is needed")
    if options.cnnc and not os.access(options.cnnc, os.X_OK):
        parser.error(f"cannot run {options.cnnc}")
    wrong = total = 0

    def tell(case, check, most, flags=""):
        nonlocal wrong, total
        try:
            worst, where = check()
            good = worst <= most
            line = f"{worst:8.1e} {where}"
        except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
            good, line = False, str(error)
        print(f"{'ok  ' if good else 'FAIL'} {case.name:32} {flags:16} {line}", flush=True)
        wrong += not good
        total += 1

    for number, case in enumerate(chosen):
        if options.check_gradients:
            tell(case, lambda: (check_gradients(case), "central differences"), 1e-6)
            continue
        folder = os.path.join(options.keep or tempfile.mkdtemp(prefix="cnnc-reference-"), case.name)
        os.makedirs(folder, exist_ok=True)
        network, x, y = write_case(case, folder)
        expected = train(case, network, x, y, SEED)
        # One thread count a case, and all of them for every fifth: the weights must be the same to the bit.
        threads = [1, 2, 3] if number % 5 == 0 else [1 + number % 3]
        for flags in options.flags or [""]:
            tell(case, lambda: compare(case, network, expected, folder, os.path.abspath(options.cnnc), threads, flags.split()),
                 TOLERANCE, flags)
    print(f"{total - wrong} of {total} agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
