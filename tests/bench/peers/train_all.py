"""Training, or with --infer the forward pass, images a second: cnnc and its peers on the models of models.py, measured in turns in one run.

    python train_all.py --cnnc ../../../build/release/cnnc [--models s3,s1a] [--candidates keras,torch,torch-bf16] [--windows 5] [--json out.json]
    python train_all.py --infer 1 --models s0-64,s1a            # a batch of one picture; onnxruntime, openvino, torch

Each candidate is a process that holds its images in memory and measures a window of --seconds when asked; they are asked in turns, and those that
wait are stopped, so that what else the machine does falls on all alike. Prints a Markdown table: the median of the windows. Needs what README.md
installs, in the interpreter that runs it.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import models
import turns

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "models")
# name: script and its arguments; what computes in less than float32 is compared apart
PEERS = {
    "keras": ["bench_keras.py", "--variant", "auto", "--malloc", "keep"],
    "keras-jit": ["bench_keras.py", "--variant", "jit", "--malloc", "keep"],
    "torch": ["bench_torch.py", "--variant", "eager-cl", "--malloc", "keep"],
    "torch-nchw": ["bench_torch.py", "--variant", "eager", "--malloc", "keep"],
    "torch-compile": ["bench_torch.py", "--variant", "compile-cl", "--malloc", "keep"],
    "torch-bf16": ["bench_torch.py", "--variant", "bf16-cl", "--malloc", "keep"],
    "jax": ["bench_jax.py", "--variant", "jit-reshape", "--malloc", "keep"],
}
INFERENCE_PEERS = {name: ["bench_infer.py", "--variant", name] for name in ("onnxruntime", "openvino", "torch", "torch-compile")}
LESS_PRECISE = {"torch-bf16"}


def served(name, model, options):
    script = options.peers[name]
    command = [sys.executable, os.path.join(HERE, script[0])] + script[1:]
    command += ["--model", model, "--serve", "--seconds", str(options.seconds), "--threads", str(options.threads)]
    return turns.Served(command + (["--batch", str(options.infer)] if options.infer else []))


class Cnnc:
    """`cnnc bench`, a process for each window, since it starts in a tenth of a second; the first one with an empty cache, for the time to the first
    step. Its memory is that of the process at its first step, and the images."""

    def __init__(self, model, options):
        self.report = os.path.join(tempfile.mkdtemp(prefix="cnnc-bench-"), "bench.json")
        self.command = [os.path.abspath(options.cnnc), "bench", os.path.join(MODELS, model + ".cnn"), "--quiet", "--windows", "1",
                        "--seconds", str(max(1, round(options.seconds))), "--threads", str(options.threads), "--json", self.report]
        self.command += ["--eval", "--batch", str(options.infer)] if options.infer else []
        self.command += options.flags.split()
        first = self.run("--no-cache")
        height, width, channels = models.MODELS[model].shape
        self.ready = dict(first_step_s=first["first_step_seconds"])
        self.peak = first["memory_bytes"] / 1e6 + 4e-6 * models.MODELS[model].images * height * width * channels

    def run(self, *flags):
        done = subprocess.run(self.command + list(flags), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(self.command)}: status {done.returncode}: {done.stderr}")
        with open(self.report) as file:
            return json.load(file)

    def window(self):
        return dict(rate=self.run()["images_per_second"])

    def peak_mb(self):
        return self.peak

    def close(self):
        shutil.rmtree(os.path.dirname(self.report))


def measure(model, options):
    candidates = {"cnnc": Cnnc(model, options)}
    candidates.update((name, served(name, model, options)) for name in options.candidates)
    rates = {name: [] for name in candidates}
    for _ in range(options.windows):
        for name, candidate in candidates.items():
            rates[name].append(candidate.window()["rate"])
    result = {name: dict(images_per_s=statistics.median(rates[name]), windows=[round(rate, 1) for rate in rates[name]],
                         first_step_s=candidate.ready["first_step_s"], peak_mb=candidate.peak_mb()) for name, candidate in candidates.items()}
    for candidate in candidates.values():
        candidate.close()
    return result


def row(model, result, infer):
    full = {name: r["images_per_s"] for name, r in result.items() if name != "cnnc" and name not in LESS_PRECISE}
    every = {name: r["images_per_s"] for name, r in result.items() if name != "cnnc"}
    own, best, any_best = result["cnnc"]["images_per_s"], max(full, key=full.get), max(every, key=every.get)
    share = own * (models.forward_flops if infer else models.train_flops)(models.MODELS[model]) * 1e-9
    quickest = min(r["first_step_s"] for name, r in result.items() if name != "cnnc")
    leanest = min(r["peak_mb"] for name, r in result.items() if name != "cnnc")
    return (f"| {model} | {own:,.0f} | {share:.0f} | {full[best]:,.0f} ({best}) | **{own / full[best]:.2f}** | {every[any_best]:,.0f} ({any_best}) | "
            f"{own / every[any_best]:.2f} | {result['cnnc']['first_step_s']:.2f} / {quickest:.1f} | {result['cnnc']['peak_mb']:.0f} / {leanest:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cnnc", default=os.path.join(HERE, "..", "..", "..", "build", "release", "cnnc"))
    parser.add_argument("--models", default=",".join(models.MODELS))
    parser.add_argument("--infer", type=int, metavar="BATCH", help="the forward pass of batches of this size instead of training steps")
    parser.add_argument("--candidates", help=f"of {', '.join(PEERS)} (keras,torch,torch-bf16); with --infer of {', '.join(INFERENCE_PEERS)} (all)")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="length of a window")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flags", default="", help="more flags of `cnnc bench`, as one argument: --flags='--set train.precision=bf16'")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    options.peers = INFERENCE_PEERS if options.infer else PEERS
    options.candidates = (options.candidates or ",".join(INFERENCE_PEERS if options.infer else ["keras", "torch", "torch-bf16"])).split(",")
    if set(options.candidates) - set(options.peers):
        parser.error(f"--candidates takes {', '.join(options.peers)}")
    results, start = {}, time.time()
    print(f"{turns.machine()}, {options.threads} threads, {options.windows} windows of {options.seconds} s in turns\n")
    print("| model | cnnc, images/s | GFLOP/s | best float32 peer | ratio | best peer of any precision | ratio | s to the first step: cnnc / quickest peer | peak memory, MB: cnnc / leanest peer |")
    print("|---|---|---|---|---|---|---|---|---|")
    for model in options.models.split(","):
        results[model] = measure(model, options)
        print(row(model, results[model], options.infer), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(dict(machine=turns.machine(), threads=options.threads, seconds=time.time() - start, results=results), file, indent=1)


if __name__ == "__main__":
    main()
