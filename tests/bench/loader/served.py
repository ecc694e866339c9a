"""What the peers of loaders.py share: a loader that measures a window for each line of its standard input."""
import json
import multiprocessing
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import turns

AHEAD = 12  # batches that a loader may have finished while it was not asked: not counted


def cores():
    """Seconds of all cores together that this process and its workers have had."""
    return sum(turns.core_seconds(pid) for pid in [os.getpid()] + [child.pid for child in multiprocessing.active_children()])


def serve(batches, seconds, version):
    """batches: an iterator without end over pairs of pictures and labels."""
    next(batches)
    print(json.dumps(dict(version=version)), flush=True)
    for _ in sys.stdin:
        for _ in range(AHEAD):
            next(batches)
        images, start, before = 0, time.perf_counter(), cores()
        while time.perf_counter() - start < seconds:
            images += next(batches)[0].shape[0]
        elapsed = time.perf_counter() - start
        print(json.dumps(dict(rate=images / elapsed, core_seconds=(cores() - before) / images)), flush=True)
