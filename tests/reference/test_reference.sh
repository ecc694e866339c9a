#!/bin/bash
# Trains each case of tests/reference/cases.py with $CNNC and with the float64 reference; they must agree to 1e-4 over 20 steps,
# fused and unfused, and fused with kernels for plainer processors.
# PYTHON names an interpreter that has numpy (default: python3, or the virtual environment under $CNNC_BUILD/venv).
set -u
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import numpy' 2>/dev/null; then
    echo "skipped: $python has no numpy (pip install numpy)"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=$scratch/cache
"$python" run.py --check-gradients >"$scratch/gradients" || {
    grep FAIL "$scratch/gradients"
    exit 1
}
# The reference trains each case once, cnnc as often as there are flags.
variants=(--flags= --flags=--no-fuse)
if [ "$(uname -m)" = x86_64 ]; then
    variants+=(--flags='--cpu x86-64')
    if grep -qw avx2 /proc/cpuinfo; then variants+=(--flags='--cpu x86-64-v3'); fi
fi
"$python" run.py --cnnc "$CNNC" --keep "$scratch" "${variants[@]}"
