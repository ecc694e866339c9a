"""The learning rates that `onecycle`, `plateau` and `cosine restarts=` must give: PyTorch's. Needs torch.

    python3 rates_torch.py --write     writes ../unit/rates_expected.h, which tests/unit/test_rate.c compares cnnc with
    python3 rates_torch.py             checks that the file still is what PyTorch computes
"""
import os
import re
import sys

import torch
from torch.optim import lr_scheduler as schedulers

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "rates_expected.h")
RATE, STEPS = 0.5, 40
# As watched_values in tests/unit/test_rate.c: falls, rests, falls by too little, rises.
WATCHED = [2.0, 1.5, 1.2, 1.2, 1.19, 1.0, 1.1, 1.1, 1.0, 0.99, 1.0, 1.2, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]

# PyTorch's patience is one less: it counts the epochs that are still forgiven.
PLATEAU = {"threshold_mode": "abs", "eps": 0}
CASES = {
    "onecycle": lambda o: schedulers.OneCycleLR(o, 0.8, STEPS, cycle_momentum=False),
    "onecycle_options": lambda o: schedulers.OneCycleLR(o, RATE, STEPS, pct_start=0.45, div_factor=10, final_div_factor=100,
                                                       cycle_momentum=False),
    "restarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 8, eta_min=0.01),
    "restarts_longer": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, T_mult=2),
    "plateau": lambda o: schedulers.ReduceLROnPlateau(o, factor=0.2, patience=1, threshold=0.0, **PLATEAU),
    "plateau_options": lambda o: schedulers.ReduceLROnPlateau(o, factor=0.5, patience=2, threshold=0.05, min_lr=0.2, **PLATEAU),
    "plateau_accuracy": lambda o: schedulers.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=3, threshold=0.0, **PLATEAU),
}


def rates(name, make):
    """The rate of each step, or, of a plateau, of each epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    scheduler = make(optimizer)
    values = []
    for value in WATCHED if name.startswith("plateau") else range(STEPS):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if name.startswith("plateau"):
            scheduler.step(value)
        elif len(values) < STEPS:
            scheduler.step()
    return values


def text():
    lines = [f"/* Written by tests/reference/rates_torch.py with PyTorch {torch.__version__}. */"]
    for name, make in CASES.items():
        values = rates(name, make)
        lines.append(f"static const double rates_{name}[{len(values)}] = {{")
        numbers = [f"{value:.12g}," for value in values]
        lines += ["    " + " ".join(numbers[i:i + 6]) for i in range(0, len(numbers), 6)]
        lines.append("};")
    return "\n".join(lines) + "\n"


def numbers_of(source):
    return [float(number) for number in re.findall(r"([-+0-9.e]+),", source)]


if "--write" in sys.argv:
    with open(PATH, "w") as file:
        file.write(text())
else:
    with open(PATH) as file:
        stored, computed = numbers_of(file.read()), numbers_of(text())
    if len(stored) != len(computed) or any(abs(a - b) > 1e-11 * abs(b) for a, b in zip(stored, computed)):
        sys.exit("tests/unit/rates_expected.h is not what PyTorch computes: python3 tests/reference/rates_torch.py --write")
    print(f"{len(stored)} rates are PyTorch's")
