"""Kills trainings at random moments, and goes on with each on another number of threads, until it is done.

    python3 kills.py TRAINER LIBRARY FOLDER [--kills 100] [--seed 1]

Half of the kills come after a random time, half in the middle of a random call that writes the run folder. Between them come
signals that ask a training to stop. A checkpoint that was announced before must be there after it, and the weights at the end be
those of a training that was never disturbed.
"""
import argparse
import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from training import Trainer

CALLS = {"write": 300, "rename": 20, "fsync": 40, "open": 60, "unlink": 15, "ftruncate": 4}  # about as many as a training makes
KILLS_MOST = 4  # of one training, signals among them
STOPS = 0.2  # of these


class Kills:
    def __init__(self, trainer):
        self.trainer, self.lock = trainer, threading.Lock()
        self.kills, self.stops, self.trainings, self.wrong = 0, 0, 0, []
        start = time.monotonic()
        if trainer.run("run-whole", ["--out", "run-whole", "--threads", "2"]).code != 0:
            sys.exit("WRONG: the training that is not killed fails")
        self.seconds = time.monotonic() - start
        self.weights = trainer.weights("run-whole")

    def kill(self, name, flags, chance):
        """Starts a training that is to be killed. Whether it was."""
        if self.trainer.library and chance.random() < 0.5:
            call = chance.choice(list(CALLS))
            fault = {"FAIL_CALL": call, "FAIL_WITH": "kill", "FAIL_PATH": "run-", "FAIL_AT": str(chance.randint(1, CALLS[call]))}
            return self.trainer.run(name, flags, fault).code == -9
        process = self.trainer.start(name, flags)
        time.sleep(chance.uniform(0, 1.1 * self.seconds))
        process.kill()
        return self.trainer.end(name, process).code == -9

    def stop(self, name, flags, chance):
        """Asks a training to stop. What is wrong with how it does."""
        number = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        process = self.trainer.start(name, flags)
        time.sleep(chance.uniform(0, 1.1 * self.seconds))
        process.send_signal(number)
        result = self.trainer.end(name, process)
        said = "stopped by" in result.text and "error: " not in result.text
        if result.code in (0, -number) or (result.code == 130 and said):  # done before, or not yet begun
            return []
        return [f"{number.name}: it ends with {result.code}: {result.text[-300:]}"]

    def training(self, number, seed):
        name, chance = f"run-{number}", random.Random(f"{seed} {number}")
        wrong, done, stops = [], 0, 0
        for _ in range(chance.randint(1, KILLS_MOST)):
            newest, broken = self.trainer.announced(name, whole=False)
            flags = [f"--resume={name}"] if newest >= 0 else ["--out", name]
            if newest < 0:
                self.trainer.remove(name)
            flags += ["--threads", str(chance.randint(1, 3))]
            if chance.random() < STOPS:
                stops += 1
                wrong += self.stop(name, flags, chance)
            else:
                done += self.kill(name, flags, chance)
            later, broken = self.trainer.announced(name, whole=False)
            wrong += broken + self.trainer.broken(name)
            if later < newest:
                wrong.append(f"the checkpoint of step {newest} was announced, now that of {later}")
        wrong += self.trainer.go_on(name, ["--threads", str(chance.randint(1, 3))])
        if self.trainer.leftovers(name):
            wrong.append(f"left behind: {self.trainer.leftovers(name)}")
        if self.trainer.weights(name) != self.weights:
            wrong.append("other weights")
        with self.lock:
            self.trainings += 1
            self.kills += done
            self.stops += stops
            if wrong:
                self.wrong.append(f"WRONG: {name}, seed {seed}: {'; '.join(wrong)}")
            else:
                self.trainer.remove(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("trainer", "library", "folder"):
        parser.add_argument(name)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kills = Kills(Trainer(options.trainer, options.library, options.folder))
    number = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while kills.kills < options.kills and number < 10 * options.kills:
            futures = [pool.submit(kills.training, number + i, options.seed) for i in range(2 * os.cpu_count())]
            number += len(futures)
            for future in futures:
                future.result()
    print("\n".join(kills.wrong[:20]))
    print(f"{kills.kills} kills and {kills.stops} signals in {kills.trainings} trainings, {len(kills.wrong)} wrong")
    sys.exit(bool(kills.wrong) or kills.kills < options.kills)


main()
