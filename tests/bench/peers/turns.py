"""Candidates that take turns on one machine, so that what else it does falls on all of them alike."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

# `epoch 3/5  loss 0.3012  accuracy 0.8904  …  2310 images/s  23.4 s  (waited 3 % for data)`, and the test's line
EPOCH_LINE = re.compile(r"^epoch \d+/\d+ .* ([\d.]+) s\b(?:.*waited (\d+) %)?")
TEST_LINE = re.compile(r"^test\b.* accuracy ([\d.]+)")


class Served:
    """A process that measures a window for each line of its standard input, and answers with a line of JSON; the first answer comes when it is
    ready. It and the processes that it starts are stopped between the windows."""

    def __init__(self, command, environment={}):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        process_group=0, env={**os.environ, **environment})
        self.ready = self.answer()
        self.signal(signal.SIGSTOP)

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        sys.exit(f"{' '.join(self.process.args)} ended without an answer")

    def window(self):
        self.signal(signal.SIGCONT)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.signal(signal.SIGSTOP)
        return answer

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) / 1024

    def close(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


def read_epoch(line, result):
    """Takes what a line of a training says, either as JSON or as cnnc's report."""
    if line.startswith("{"):
        entry = json.loads(line)
        result["epochs"] += [entry["seconds"]] if "epoch" in entry else []
        result.update({key: entry[key] for key in ("test_accuracy", "version") if key in entry})
        return
    epoch, test = EPOCH_LINE.search(line), TEST_LINE.search(line)
    if epoch:
        result["epochs"].append(float(epoch.group(1)))
        result["waited"] += [int(epoch.group(2))] if epoch.group(2) else []
    elif test:
        result["test_accuracy"] = float(test.group(1))


def train(command, environment, epochs):
    """A whole training in a process of its own. epochs: seconds of each; cores: seconds of all cores together from its start to the end of the
    first epoch, and of each later epoch; waited: % of each epoch, where it says so."""
    result, cores, start = {"epochs": [], "waited": []}, [], time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **environment})
        for line in process.stdout:
            read_epoch(line, result)
            if len(result["epochs"]) > len(cores):
                cores.append(core_seconds(process.pid))
                result.setdefault("first_epoch_s", time.perf_counter() - start)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if process.returncode != 0 or len(result["epochs"]) != epochs:
            sys.exit(f"{' '.join(command)}: status {process.returncode}, {len(result['epochs'])} epochs\n{errors.read()[-3000:]}")
    result["cores"] = [after - before for before, after in zip([0] + cores, cores)]
    result["maxrss_mb"] = usage.ru_maxrss / 1024
    return result


def core_seconds(process):
    """Seconds of all cores together that a process has had so far."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine():
    with open("/proc/cpuinfo") as file:
        lines = file.read().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return dict(cpu=next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "?"), cpus=os.cpu_count(),
                kernel=os.uname().release, features=[flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_tile") if flag in flags])
