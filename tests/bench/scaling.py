"""How cnnc starts and scales: the time to the first step with an empty and with a warm cache, one thread and two, batches of many sizes.

    python tests/bench/scaling.py [--cnnc build/release/cnnc] [--models s3,s0-64] [--windows 5] [--json out.json]

Each figure is the median of --windows runs of `cnnc bench --quiet`, a process each, in which what is compared takes turns. `busy`: the largest share
of the cores that other programs had in one of them; above 10 % the line is worth little. `2 processes`: what two trainings of one thread each, which
need not wait for each other, reach together at the same time: the most that the machine has for two threads. The time to the first step counts from the start of the
process, and its random pictures are made meanwhile.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def bench_together(options, model, *flags, cache, processes):
    """The reports of as many runs at the same time."""
    with tempfile.TemporaryDirectory(prefix="cnnc-scaling-") as folder:
        commands, reports = [], []
        for number in range(processes):
            report = os.path.join(folder, f"bench{number}.json")
            commands.append([options.cnnc, "bench", os.path.join(HERE, "models", model + ".cnn"), "--quiet", "--windows", "1", "--seconds",
                             str(options.seconds), "--json", report, *flags])
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                    env=dict(os.environ, XDG_CACHE_HOME=cache)) for command in commands]
        for command, process in zip(commands, running):
            said = process.communicate()[1]
            if process.returncode:
                sys.exit(f"{' '.join(command)}: status {process.returncode}: {said}")
            with open(command[command.index("--json") + 1]) as file:
                reports.append(json.load(file))
        return reports


def bench(options, model, *flags, cache):
    return bench_together(options, model, *flags, cache=cache, processes=1)[0]


def in_turns(options, model, variants, cache):
    """Reports of each variant's runs; a variant is a tuple of flags. One run of each goes before, to fill the cache."""
    for flags in variants:
        bench(options, model, *flags, cache=cache)
    reports = {flags: [] for flags in variants}
    for _ in range(options.windows):
        for flags in variants:
            reports[flags].append(bench(options, model, *flags, cache=cache))
    return reports


def median(reports, key):
    return statistics.median(report[key] for report in reports)


def busy(reports):
    return max(report["delayed_share"] or 0 for report in reports)


def start(options, model):
    empty, warm = [], []
    for _ in range(options.windows):
        with tempfile.TemporaryDirectory(prefix="cnnc-scaling-") as cache:
            empty.append(bench(options, model, cache=cache))
            warm.append(bench(options, model, cache=cache))
    return dict(empty_s=median(empty, "first_step_seconds"), warm_s=median(warm, "first_step_seconds"),
                kernels=empty[0]["kernels_compiled"], memory_mb=median(empty, "memory_bytes") / 1e6, busy=busy(empty + warm))


def threads(options, model, cache):
    one, two, both = [], [], []
    for _ in range(options.windows + 1):  # the first of each fills the cache
        one.append(bench(options, model, "--threads", "1", cache=cache))
        two.append(bench(options, model, "--threads", "2", cache=cache))
        both.append(bench_together(options, model, "--threads", "1", cache=cache, processes=2))
    single, pair = median(one[1:], "images_per_second"), median(two[1:], "images_per_second")
    most = statistics.median(sum(report["images_per_second"] for report in reports) for reports in both[1:])
    return dict(one=single, two=pair, ratio=pair / single, processes_ratio=most / single, busy=busy(one[1:] + two[1:]))


def batches(options, model, cache):
    variants = tuple(("--batch", str(batch), "--images", str(max(512, batch))) for batch in options.batches)
    reports = in_turns(options, model, variants, cache)
    return dict(rates={flags[1]: median(reports[flags], "images_per_second") for flags in variants},
                busy=busy([report for runs in reports.values() for report in runs]))


def measure(options, model):
    with tempfile.TemporaryDirectory(prefix="cnnc-scaling-") as cache:
        return dict(start=start(options, model), threads=threads(options, model, cache), batches=batches(options, model, cache))


def row(model, result, sizes):
    begin, pair, by_batch = result["start"], result["threads"], result["batches"]
    rates = " | ".join(f"{by_batch['rates'][str(size)]:,.0f}" for size in sizes)
    return (f"| {model} | {begin['kernels']} | {begin['empty_s']:.2f} | {begin['warm_s']:.2f} | {pair['one']:,.0f} | {pair['two']:,.0f} | "
            f"**{pair['ratio']:.2f}** | {pair['processes_ratio']:.2f} | {rates} | {100 * max(part['busy'] for part in result.values()):.0f} % |")


def main():
    known = sorted(os.path.splitext(os.path.basename(path))[0] for path in glob.glob(os.path.join(HERE, "models", "*.cnn")))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cnnc", default=os.path.join(HERE, "..", "..", "build", "release", "cnnc"))
    parser.add_argument("--models", default=",".join(known))
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1, help="length of a window")
    parser.add_argument("--batches", default="8,32,128,512")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    options.batches = [int(size) for size in options.batches.split(",")]
    if set(options.models.split(",")) - set(known):
        parser.error(f"--models takes {', '.join(known)}")
    heads = " | ".join(f"batch {size}" for size in options.batches)
    print(f"| model | kernels | first step, empty cache, s | warm, s | images/s, 1 thread | 2 threads | ratio | ratio of 2 processes | images/s, {heads} | busy |")
    print("|---" * (9 + len(options.batches)) + "|")
    results = {}
    for model in options.models.split(","):
        results[model] = measure(options, model)
        print(row(model, results[model], options.batches), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
