"""The epoch time of examples/fashion in cnnc, Keras and PyTorch, measured alternately in one run.

    python fashion_epoch.py --cnnc build/release/cnnc [--rounds 3] [--epochs 3] [--threads 2] [--only cnnc,torch] [--json out.json]

Each round trains each of them once, in a process of its own, for --epochs epochs; an epoch includes its validation. The first epoch of a
process is reported apart: it contains compilation and warming up. Needs what peers/README.md installs, in the interpreter that runs it.
"""
import argparse
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import turns

MODEL = os.path.join(HERE, "..", "..", "examples", "fashion", "model.cnn")
TRAINING_IMAGES = 54000


def cnnc_command(options):
    command = [os.path.abspath(options.cnnc), "run", MODEL, "--epochs", str(options.epochs), "--threads", str(options.threads)]
    return command, {}


def peer_command(script, environment):
    def command(options):
        return [sys.executable, os.path.join(HERE, "peers", script), str(options.epochs), str(options.threads)], environment
    return command


KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
PEERS = {"cnnc": cnnc_command, "keras": peer_command("fashion_keras.py", {}), "torch": peer_command("fashion_torch.py", KEEP)}


def train(name, options):
    """One training in a process of its own."""
    command, environment = PEERS[name](options)
    return turns.train(command, {"OMP_NUM_THREADS": str(options.threads), **environment}, options.epochs)


def summary(runs):
    later = [seconds for run in runs for seconds in run["epochs"][1:]] or [run["epochs"][0] for run in runs]
    median = statistics.median(later)
    accuracies = [run["test_accuracy"] for run in runs if "test_accuracy" in run]
    return dict(epoch_s_median=median, epoch_s_best=min(later), images_per_s=TRAINING_IMAGES / median,
                first_epoch_s=statistics.median(run["first_epoch_s"] for run in runs),
                maxrss_mb=max(run["maxrss_mb"] for run in runs),
                test_accuracy=statistics.mean(accuracies) if accuracies else None, version=runs[0].get("version"))


def print_table(table, options):
    print(f"\n{turns.machine()['cpu']}, {options.threads} threads, {options.rounds} rounds of {options.epochs} epochs\n")
    print(f"{'':8} {'epoch s, median':>16} {'best':>8} {'images/s':>9} {'start to end of epoch 1':>24} {'memory MB':>10} {'test accuracy':>14}")
    for name, row in table.items():
        accuracy = f"{row['test_accuracy']:.4f}" if row["test_accuracy"] is not None else "-"
        print(f"{name:8} {row['epoch_s_median']:16.2f} {row['epoch_s_best']:8.2f} {row['images_per_s']:9.0f} "
              f"{row['first_epoch_s']:24.1f} {row['maxrss_mb']:10.0f} {accuracy:>14}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cnnc", default=os.path.join(HERE, "..", "..", "build", "release", "cnnc"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default=",".join(PEERS), help="names, separated by commas")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    names = options.only.split(",")
    if set(names) - set(PEERS):
        parser.error(f"--only takes {', '.join(PEERS)}")
    runs = {name: [] for name in names}
    for round_number in range(1, options.rounds + 1):
        for name in names:
            runs[name].append(train(name, options))
            epochs = ", ".join(f"{seconds:.2f}" for seconds in runs[name][-1]["epochs"])
            print(f"round {round_number}: {name:6} epochs of {epochs} s", flush=True)
    table = {name: summary(runs[name]) for name in names}
    print_table(table, options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(dict(machine=turns.machine(), threads=options.threads, summary=table, runs=runs), file, indent=1)


if __name__ == "__main__":
    main()
