"""How many pictures a second a loader makes ready: cnnc, Keras, torch and bare libjpeg-turbo in turns in one run.

    python loaders.py --data DIR [--cnnc ../../../build/release/cnnc] [--work glyphs,photos] [--windows 3] [--seconds 3] [--json loaders.json]

DIR is what make_data.py made. Batches of 32, float32 from 0 to 1; nobody computes with them. Each candidate measures a window of --seconds when asked and
is stopped while others measure. A table of medians is printed, `images/s (core-us)`: images a second by the clock, and the microseconds of a core that
one takes, which stay about the same when other programs have the cores. Needs what README.md installs, in the interpreter that runs it.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import turns

# name: folder of make_data.py, side of the pictures that a network gets, and by how much a JPEG can be decoded smaller
SETS = {"glyphs": ("glyphs64", 64, 1), "photos": ("photos500", 224, 2)}
WORK = {f"{name}{kind}": (name, "augmented" in kind, "cached" in kind)
        for name in SETS for kind in ("", "-augmented", "-cached", "-cached-augmented")}


class Cnnc:
    """`cnnc bench`, a process for each window. What is cached is decoded before the first."""

    def __init__(self, folder, size, augmented, cached, options):
        self.report = os.path.join(options.scratch, "bench.json")
        self.environment = {**os.environ, "XDG_CACHE_HOME": os.path.join(options.scratch, "cache")}
        self.model = [os.path.join(HERE, "loader.cnn"), "--set", f'data.folder="{folder}"', "-D", f"size={size}"]
        self.model += ["-D", "augmented=true"] if augmented else []
        self.options = options
        if cached:
            self.model += ["-D", "cached=true"]
            self.run("data", "pack", *self.model)

    def run(self, *arguments):
        done = subprocess.run([os.path.abspath(self.options.cnnc), *arguments], capture_output=True, text=True, env=self.environment)
        if done.returncode:
            sys.exit(f"cnnc {' '.join(arguments)}: status {done.returncode}: {done.stderr}")

    def window(self):
        self.run("bench", *self.model, "--quiet", "--windows", "1", "--images", "32", "--seconds", str(self.options.seconds), "--threads",
                 str(self.options.threads), "--json", self.report)
        with open(self.report) as file:
            report = json.load(file)
        return dict(rate=report["loader_images_per_second"], core_seconds=report["loader_core_seconds"])

    def close(self):
        pass


def keras(kind, folder, size, augmented, options):
    return turns.Served([sys.executable, os.path.join(HERE, "load_keras.py"), kind, folder, str(size), str(options.seconds), str(options.threads)]
                        + (["--augmented"] if augmented else []))


def torch(workers, folder, size, augmented, options):
    return turns.Served([sys.executable, os.path.join(HERE, "load_torch.py"), folder, str(size), str(options.seconds), str(workers)]
                        + (["--augmented"] if augmented else []))


def decoder(pictures, reduction, options):
    """libjpeg-turbo alone, which makes no batches and no floats: the limit of all that decode with it."""
    program, listed = os.path.join(options.scratch, "decode"), os.path.join(options.scratch, "pictures.txt")
    if not os.path.exists(program):
        subprocess.run(["gcc", "-O2", os.path.join(HERE, "decode.c"), "-o", program, "-lturbojpeg", "-lpthread"], check=True)
    with open(listed, "w") as file:
        file.writelines(path + "\n" for path in random.Random(1).sample(pictures, len(pictures)))
    return turns.Served([program, listed, str(options.threads), str(options.seconds), str(reduction)])


def pictures_of(folder):
    found = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in sorted(names) if name.endswith(".jpg")]
    if not found:
        sys.exit(f"{folder} has no pictures; make_data.py makes them")
    return found


def candidates_of(work, pictures, options):
    """name: function that starts the candidate."""
    name, augmented, cached = WORK[work]
    folder, size, reduction = os.path.join(options.data, SETS[name][0]), SETS[name][1], SETS[name][2]
    found = {"cnnc": lambda: Cnnc(folder, size, augmented, cached, options)}
    for kind in ["cached"] if cached else ["flow", "dataset"]:
        found[f"keras-{kind}"] = lambda kind=kind: keras(kind, folder, size, augmented, options)
    if not cached:
        for workers in options.workers.split(","):
            found[f"torch-{workers}"] = lambda workers=workers: torch(workers, folder, size, augmented, options)
    if not cached and not augmented:
        for by in sorted({1, reduction}):
            found[f"libjpeg-1/{by}"] = lambda by=by: decoder(pictures, by, options)
    return {key: start for key, start in found.items() if not options.candidates or key.split("-")[0] in options.candidates.split(",")}


def measure(work, options):
    pictures = pictures_of(os.path.join(options.data, SETS[WORK[work][0]][0]))
    for path in pictures:  # into the page cache
        with open(path, "rb") as file:
            file.read()
    running, windows = {}, {}
    try:
        for name, start in candidates_of(work, pictures, options).items():
            running[name] = start()
        for _ in range(options.windows):
            for name, candidate in running.items():
                windows.setdefault(name, []).append(candidate.window())
    finally:
        for candidate in running.values():
            candidate.close()
    return dict(pictures=len(pictures), candidates={name: dict(
        images_per_s=statistics.median(w["rate"] for w in taken), core_seconds=statistics.median(w["core_seconds"] for w in taken),
        windows=[round(w["rate"], 1) for w in taken], version=getattr(running[name], "ready", {}).get("version"))
        for name, taken in windows.items()})


def best(results, family):
    """The name of the fastest candidate of a family, by the clock."""
    return max((name for name in results if name.split("-")[0] == family), key=lambda name: results[name]["images_per_s"], default=None)


def cell(results, name, label=""):
    if name not in results:
        return "-"
    return f"{results[name]['images_per_s']:,.0f} ({1e6 * results[name]['core_seconds']:,.0f}){label}"


def row(work, results):
    torch_best = best(results, "torch")
    peers = [name for name in results if name.split("-")[0] in ("keras", "torch")]
    fastest = max((results[name]["images_per_s"] for name in peers), default=float("nan"))
    leanest = min((results[name]["core_seconds"] for name in peers), default=float("nan"))
    own = results.get("cnnc", dict(images_per_s=float("nan"), core_seconds=float("nan")))
    limits = " ".join(cell(results, name, " at " + name.split("-")[1]) for name in results if name.startswith("libjpeg")) or "-"
    dataset = "keras-dataset" if "keras-dataset" in results else "keras-cached"
    workers = f" {torch_best.split('-')[1]} workers" if torch_best else ""
    return (f"| {work} | {cell(results, 'cnnc')} | {cell(results, 'keras-flow')} | {cell(results, dataset)} | "
            f"{cell(results, torch_best, workers)} | {limits} | **{own['images_per_s'] / fastest:.1f}** | **{leanest / own['core_seconds']:.1f}** |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what make_data.py made")
    parser.add_argument("--cnnc", default=os.path.join(HERE, "..", "..", "..", "build", "release", "cnnc"))
    parser.add_argument("--work", default="glyphs,glyphs-augmented,photos,photos-augmented,glyphs-cached,glyphs-cached-augmented,photos-cached,"
                                          "photos-cached-augmented")
    parser.add_argument("--candidates", help="of cnnc, keras, torch, libjpeg (all)")
    parser.add_argument("--workers", default="0,1,2,3", help="numbers of torch's workers to try; the table has the best")
    parser.add_argument("--windows", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="length of a window")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    if set(options.work.split(",")) - set(WORK):
        parser.error(f"--work takes {', '.join(WORK)}")
    options.data = os.path.abspath(options.data)
    options.scratch = tempfile.mkdtemp(prefix="cnnc-loaders-")
    results = {}
    print(f"{turns.machine()}, {options.threads} threads, {options.windows} windows of {options.seconds} s in turns\n")
    print("| work | cnnc | Keras flow_from_directory | Keras image_dataset_from_directory | torch DataLoader | libjpeg-turbo alone | times the fastest peer | core time, of the leanest peer |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        for work in options.work.split(","):
            results[work] = measure(work, options)
            print(row(work, results[work]["candidates"]), flush=True)
    finally:
        shutil.rmtree(options.scratch)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(dict(machine=turns.machine(), threads=options.threads, seconds=options.seconds, results=results), file, indent=1)


if __name__ == "__main__":
    main()
