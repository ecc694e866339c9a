"""Makes one call after another of a training fail, and looks after each whether anything was lost.

    python3 faults.py TRAINER LIBRARY FOLDER [--share 1.0]

FOLDER is where the trainer's model was built (training.py). After each fault: the training ends, with a message where it ends badly;
no temporary file is left and no weight file is half written; the newest checkpoint that was announced opens; going on from it gives
the weights of a training that nothing happened to, to the bit. --share: of the faults of the table below.
"""
import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from training import Trainer

RUN, DATA = "run-", "pictures/"  # parts of paths
ONCE, EVER = False, True
# Kind of call, cause, once or for ever after, on which files, faults: spread over all calls of a run.
TABLE = [
    ("write", "ENOSPC", ONCE, RUN, 60), ("write", "ENOSPC", EVER, RUN, 30), ("write", "EIO", ONCE, RUN, 30),
    ("write", "EDQUOT", EVER, RUN, 10), ("write", "short", ONCE, RUN, 30), ("write", "EINTR", ONCE, RUN, 15),
    ("fsync", "EIO", ONCE, RUN, 40), ("fsync", "ENOSPC", EVER, RUN, 15), ("fsync", "EINTR", ONCE, RUN, 10),
    ("rename", "EIO", ONCE, RUN, 20), ("rename", "ENOSPC", EVER, RUN, 10),
    ("open", "EMFILE", ONCE, RUN, 40), ("open", "EACCES", EVER, RUN, 20), ("open", "EROFS", ONCE, RUN, 10),
    ("close", "EIO", ONCE, RUN, 30), ("close", "ENOSPC", EVER, RUN, 10),
    ("unlink", "EIO", ONCE, RUN, 10), ("ftruncate", "EIO", ONCE, RUN, 5), ("opendir", "EMFILE", ONCE, RUN, 10),
    ("mkdir", "ENOSPC", ONCE, RUN, 1), ("flock", "ENOLCK", ONCE, RUN, 1), ("pthread_create", "EAGAIN", ONCE, "", 10),
    ("open", "EMFILE", ONCE, DATA, 20), ("pread", "ENOMEM", ONCE, DATA, 20), ("pread", "EINTR", ONCE, DATA, 5),
    ("pread", "short", ONCE, DATA, 5), ("fopen", "EMFILE", ONCE, "", 5),
    ("alloc", "ENOMEM", ONCE, "", 110), ("alloc", "ENOMEM", EVER, "", 40),
]
TEXTS = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EDQUOT": "Disk quota exceeded",
         "EMFILE": "Too many open files", "EACCES": "Permission denied", "EROFS": "Read-only file system",
         "ENOLCK": "No locks available", "EAGAIN": "Resource temporarily unavailable"}
# Faults of these are told, whether the training can go on or not. (That an old checkpoint cannot be removed hurts nobody.)
TOLD = ("write", "fsync", "rename", "mkdir", "flock", "ftruncate", "pthread_create")


class Faults:
    def __init__(self, trainer):
        self.trainer = trainer
        result = trainer.run("run-whole", self.flags("run-whole"))
        if result.code != 0 or "could not be read and left out" not in result.text:
            sys.exit(f"WRONG: the training without faults ends with {result.code}: {result.text}")
        self.weights = trainer.weights("run-whole")
        self.injected, self.ended, self.wrong = 0, 0, []

    @staticmethod
    def flags(name):
        return ["--out", name, "--threads", "2"]

    def calls(self, kind, path):
        """How many of them a training makes."""
        fault = {"FAIL_CALL": kind} | ({"FAIL_PATH": path} if path else {})
        result = self.trainer.run("run-count", self.flags("run-count"), fault)
        self.trainer.remove("run-count")
        return result.calls

    def one(self, kind, cause, ever, path, at):
        name = f"run-{kind}-{cause}-{'ever' if ever else 'once'}-{at}-{path.strip('/')}"
        fault = {"FAIL_CALL": kind, "FAIL_WITH": cause, "FAIL_AT": str(at)}
        fault |= ({"FAIL_PATH": path} if path else {}) | ({"FAIL_EVER": "1"} if ever else {})
        result = self.trainer.run(name, self.flags(name), fault)
        if not result.injected:
            return  # another run, another number of calls: the total is judged
        wrong = self.judge(name, kind, cause, result)
        self.injected += 1
        self.ended += result.code != 0
        if wrong:
            self.wrong.append(f"WRONG: {name}: {'; '.join(wrong)}\n    printed: " + result.text[-600:].replace("\n", "\n    "))
        else:
            self.trainer.remove(name)

    def judge(self, name, kind, cause, result):
        errors = sum(line.startswith("error: ") for line in result.text.split("\n"))
        wrong = []
        if result.code not in (0, 1, 2, 3) or errors != (result.code != 0):
            wrong.append(f"it ends with {result.code} and {errors} errors")
        if kind in TOLD and cause in TEXTS and TEXTS[cause] not in result.text:
            wrong.append(f"nothing is said of '{TEXTS[cause]}'")
        if result.code == 0 and self.trainer.weights(name)[0] != self.weights[0] and "last.safetensors" not in result.text:
            wrong.append("other weights")
        if kind != "unlink" and self.trainer.leftovers(name):
            wrong.append(f"left behind: {self.trainer.leftovers(name)}")
        wrong += self.trainer.announced(name)[1] + self.trainer.broken(name) + self.trainer.go_on(name)
        if self.trainer.weights(name) != self.weights:
            wrong.append("other weights after it went on")
        return wrong

    def row(self, pool, share, kind, cause, ever, path, count):
        calls = self.calls(kind, path)
        count = min(calls, max(1, round(count * share)))
        if calls == 0:
            self.wrong.append(f"WRONG: a training makes no call of {kind} on '{path}'")
        spread = [1 + i * (calls - 1) // max(1, count - 1) for i in range(count)]
        return [pool.submit(self.one, kind, cause, ever, path, at) for at in spread]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("trainer", "library", "folder"):
        parser.add_argument(name)
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--only", help="kinds of calls, with commas")
    options = parser.parse_args()
    faults = Faults(Trainer(options.trainer, options.library, options.folder))
    rows = [row for row in TABLE if not options.only or row[0] in options.only.split(",")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in [future for row in rows for future in faults.row(pool, options.share, *row)]:
            future.result()
    print("\n".join(faults.wrong[:20]))
    print(f"{faults.injected} faults injected, {faults.ended} trainings ended by them, {len(faults.wrong)} wrong")
    sys.exit(bool(faults.wrong) or faults.injected < 0.9 * options.share * sum(row[4] for row in rows))


main()
