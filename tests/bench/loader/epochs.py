"""The time of an epoch and the peak memory of whole trainings from a folder of pictures: cnnc and Keras in turns in one run.

    python epochs.py --data DIR [--cnnc ../../../build/release/cnnc] [--work seed42,seed133] [--rounds 1] [--epochs 3] [--json epochs.json]

DIR is what make_data.py made: seed42 (examples/seed42) learns its 64x64 pictures, seed133 (examples/seed133) its pictures of 500x500 brought to
224x224. A fifth of them validate; an epoch includes its validation. Batches of 32, Adam, float32. `cached` keeps decoded pictures on disk from the first
epoch on. In each round each candidate trains once, in a process of its own with empty caches. Needs what README.md installs, in the
interpreter that runs it.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import turns

# name: folder of make_data.py, name in ../peers/models.py
WORK = {"seed42": ("glyphs64", "s0-64"), "seed133": ("photos500", "s1a")}
CANDIDATES = ["cnnc", "cnnc-cached", "keras-flow", "keras-dataset", "keras-cached"]


def cnnc(work, folder, cached, options, scratch):
    model = os.path.join(TOP, "examples", work, "model.cnn")
    if cached:  # the example, with a line more
        with open(model) as file:
            text = re.sub(r"^    resize .*$", r"\g<0>\n    cache disk", file.read(), count=1, flags=re.M)
        model = os.path.join(scratch, "model.cnn")
        with open(model, "w") as file:
            file.write(text)
    command = [os.path.abspath(options.cnnc), "run", model, "--set", f'data.folder="{folder}"', "--epochs", str(options.epochs), "--threads",
               str(options.threads), "--save", os.path.join(scratch, "weights.safetensors")]
    return turns.train(command, {"XDG_CACHE_HOME": scratch}, options.epochs)


def train(candidate, work, options):
    folder, model = os.path.join(options.data, WORK[work][0]), WORK[work][1]
    scratch = tempfile.mkdtemp(prefix="cnnc-epochs-")
    try:
        if candidate.startswith("cnnc"):
            return cnnc(work, folder, candidate.endswith("-cached"), options, scratch)
        command = [sys.executable, os.path.join(HERE, "epoch_keras.py"), candidate.split("-")[1], model, folder, str(options.epochs),
                   str(options.threads)]
        return turns.train(command, {"TMPDIR": scratch}, options.epochs)
    finally:
        shutil.rmtree(scratch)


def summary(runs):
    later = [seconds for run in runs for seconds in run["epochs"][1:]]
    cores = [seconds for run in runs for seconds in run["cores"][1:]]
    waited = [share for run in runs for share in run["waited"][1:]]
    return dict(first_epoch_s=statistics.median(run["epochs"][0] for run in runs), epoch_s=statistics.median(later),
                epoch_core_s=statistics.median(cores), first_epoch_core_s=statistics.median(run["cores"][0] for run in runs),
                waited=statistics.median(waited) if waited else None, maxrss_mb=max(run["maxrss_mb"] for run in runs),
                version=runs[0].get("version"))


def print_table(work, table):
    peers = [row for name, row in table.items() if name.startswith("keras")]
    print(f"\n| {work} | first epoch, s | later epochs, s (core-s) | times the fastest Keras | core time, of the leanest Keras | waited for data | "
          "peak memory, MB | of the leanest Keras |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in table.items():
        waited = f"{row['waited']:.0f} %" if row["waited"] is not None else "-"
        ratios = [f"{min(p['epoch_s'] for p in peers) / row['epoch_s']:.2f}", f"{min(p['epoch_core_s'] for p in peers) / row['epoch_core_s']:.2f}",
                  f"1/{min(p['maxrss_mb'] for p in peers) / row['maxrss_mb']:.1f}"] if peers else ["-", "-", "-"]
        print(f"| {name} | {row['first_epoch_s']:.1f} | {row['epoch_s']:.1f} ({row['epoch_core_s']:.1f}) | {ratios[0]} | {ratios[1]} | {waited} | "
              f"{row['maxrss_mb']:.0f} | {ratios[2]} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what make_data.py made")
    parser.add_argument("--cnnc", default=os.path.join(TOP, "build", "release", "cnnc"))
    parser.add_argument("--work", default=",".join(WORK))
    parser.add_argument("--candidates", default=",".join(CANDIDATES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3, help="of each training; at least 2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    works, names = options.work.split(","), options.candidates.split(",")
    if set(works) - set(WORK) or set(names) - set(CANDIDATES) or options.epochs < 2:
        parser.error(f"--work takes {', '.join(WORK)}, --candidates takes {', '.join(CANDIDATES)}, --epochs at least 2")
    options.data = os.path.abspath(options.data)
    print(f"{turns.machine()}, {options.threads} threads, {options.rounds} rounds of {options.epochs} epochs", flush=True)
    results = {}
    for work in works:
        runs = {name: [] for name in names}
        for number in range(1, options.rounds + 1):
            for name in names:
                runs[name].append(train(name, work, options))
                said = ", ".join(f"{s:.1f} ({c:.1f})" for s, c in zip(runs[name][-1]["epochs"], runs[name][-1]["cores"]))
                print(f"{work}, round {number}: {name}: epochs of {said} s (core-s), {runs[name][-1]['maxrss_mb']:.0f} MB", file=sys.stderr, flush=True)
        table = {name: summary(of) for name, of in runs.items()}
        print_table(work, table)
        results[work] = dict(summary=table, runs=runs)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(dict(machine=turns.machine(), threads=options.threads, results=results), file, indent=1)


if __name__ == "__main__":
    main()
