"""A training that takes some hundredths of a second, what disturbs it, and what must be true afterwards.

Its model has all whose state must survive: dropout, batch normalization, augmentation, an accumulation, adam, early stopping, and
two pictures in its folder that cannot be read.
"""
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import zlib

MODEL = """model Tiny {
    input data.shape
    conv 4, 3x3 -> batchnorm -> relu -> maxpool 2 -> dropout 20%
    flatten
    dense data.classes -> softmax
}
data {
    folder "pictures"
    split validation=20%, seed=1
    standardize
    augment {
        shift 10%, 10%
        flip horizontal
    }
    bad skip, at_most=10%
}
train {
    optimizer adam, rate=0.05
    schedule { warmup 2 steps -> cosine to=1e-4 }
    batch 6, accumulate=2
    epochs 4
    seed 5
    stop patience=3
    checkpoint every=2 steps, keep=2
}
"""
SIZE, CLASSES, EACH = 8, 2, 20
SLOW = 60  # seconds after which a training hangs


def picture(noise):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((noise * 37 + x * 11 + y * 23) % 251 for x in range(SIZE)) for y in range(SIZE))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_model(folder):
    for c in range(CLASSES):
        os.makedirs(f"{folder}/pictures/{c}")
        for i in range(EACH):
            with open(f"{folder}/pictures/{c}/{i:02}.png", "wb") as file:
                png = picture(c * 100 + i)
                file.write(png[:60] if i == 7 else png)
    with open(f"{folder}/tiny.cnn", "w") as file:
        file.write(MODEL)


class Result:
    """How a training ended: its exit code, what it printed, and what the preloaded library did."""

    def __init__(self, code, text, log):
        self.code, self.text = code, text
        found = re.match(r"calls (\d+) injected (\d+)", log)
        self.calls, self.injected = (int(found[1]), int(found[2])) if found else (0, 0)


class Trainer:
    """Runs trainings of one trainer, each in a folder of its own below `folder`."""

    def __init__(self, program, library, folder):
        self.program, self.library, self.folder = program, library, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, flags, fault=None):
        """A process; `fault`: variables of fail_call.c."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FAIL_")}
        if fault:
            environment |= fault | {"LD_PRELOAD": self.library, "FAIL_LOG": self.path(name + ".calls")}
        with open(self.path(name + ".out"), "wb") as out:
            return subprocess.Popen([self.program, *flags], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT)

    def end(self, name, process, fault=None):
        try:
            code = process.wait(SLOW)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = "hangs"
        log = ""
        if fault:
            with open(self.path(name + ".calls")) as file:
                log = file.read()
        with open(self.path(name + ".out"), errors="replace") as file:
            return Result(code, file.read(), log)

    def run(self, name, flags, fault=None):
        return self.end(name, self.start(name, flags, fault), fault)

    def weights(self, name):
        """The bytes of a run's weight files."""
        return [read(self.path(f"{name}/{file}.safetensors")) for file in ("last", "best")]

    def announced(self, name, whole=True):
        """The newest checkpoint that a run said was safe, and what is wrong with what it says. `whole`: all lines are."""
        newest, wrong = -1, []
        lines = (read(self.path(f"{name}/events.jsonl")) or b"").decode().split("\n")
        for i, line in enumerate(lines):
            try:
                event = json.loads(line) if line else {}
            except ValueError:
                event = {}
                if whole or i + 1 < len(lines):
                    wrong.append(f"line {i + 1} of events.jsonl is no object: {line[:80]}")
            if event.get("event") == "checkpoint":
                newest = event["step"]
        return newest, wrong

    def go_on(self, name, flags=()):
        """Resumes a run to its end. Returns what is wrong: a checkpoint lost, other bits. A run that has announced no checkpoint may
        begin anew."""
        newest, wrong = self.announced(name, whole=False)
        result = self.run(name, [f"--resume={name}", *flags])
        found = re.search(r"goes on in \S+ after step (\d+) of", result.text)
        none = re.search(r"there is no (folder|checkpoint)", result.text)
        if none and newest < 0:
            shutil.rmtree(self.path(name), ignore_errors=True)
            result = self.run(name, ["--out", name, *flags])
        elif not found or int(found[1]) < newest:
            wrong.append(f"the checkpoint of step {newest} is lost: {result.text[-500:]}")
        if result.code != 0:
            wrong.append(f"going on ends with {result.code}: {result.text[-500:]}")
        return wrong

    def broken(self, name):
        """The weight files of a run that are not whole."""
        files = glob.glob(self.path(f"{name}/*.safetensors"))
        return [f"{os.path.basename(path)} is not whole" for path in files if not is_whole(read(path))]

    def leftovers(self, name):
        return [os.path.basename(path) for path in glob.glob(self.path(f"{name}/*.tmp"))]

    def remove(self, name):
        shutil.rmtree(self.path(name), ignore_errors=True)
        for ending in (".calls", ".out"):
            if os.path.exists(self.path(name + ending)):
                os.remove(self.path(name + ending))


def is_whole(data):
    """Whether the bytes of a weight file have the checksum that stands in them."""
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8:8 + length])
    except ValueError:
        return False
    return header["__metadata__"]["cnn.crc32"] == f"{zlib.crc32(data[8 + length:]):08x}"


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
