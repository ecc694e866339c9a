#!/usr/bin/env bash
# Every dump that docs/internals.md shows of the model walk.cnn is what cnnc prints: the lines of a block marked
# ```walk STAGE stand in the output of `cnnc emit --stage STAGE`, in this order; `…` stands for lines left out. The model itself
# is the block marked ```walk model.
set -euo pipefail
cd "$(dirname "$0")/walk"
exec python3 - "$CNNC" ../../../docs/internals.md <<'PYTHON'
import subprocess
import sys

cnnc, document = sys.argv[1:]
blocks, stage = [], None
for number, line in enumerate(open(document, encoding="utf-8"), 1):
    line = line.rstrip("\n")
    if line.startswith("```walk "):
        stage = line.split()[1]
        blocks.append((stage, number, []))
    elif line.startswith("```"):
        stage = None
    elif stage:
        blocks[-1][2].append(line)
if len(blocks) < 5:
    sys.exit(f"{document}: only {len(blocks)} dumps found")
failures = 0
for stage, number, lines in blocks:
    if stage == "model":
        printed = open("walk.cnn", encoding="utf-8").read()
    else:
        printed = subprocess.run([cnnc, "emit", "--stage", stage, "walk.cnn"], check=True, capture_output=True, text=True).stdout
    rest = iter([line.rstrip() for line in printed.splitlines()])
    for line in lines:
        if line.strip() != "…" and line.rstrip() not in rest:
            print(f"{document}: the {stage} dump at line {number} shows, and cnnc does not print there:\n{line}")
            failures += 1
            break
sys.exit(1 if failures else 0)
PYTHON
