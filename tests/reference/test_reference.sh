#!/bin/bash
# Trains each case of tests/reference/cases.py with $CNNC and with the float64 reference; they must agree to 1e-4 over 20 steps,
# fused and unfused. CNNC_TEST_CPU: with kernels for that processor, fused only.
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
variants=("" --no-fuse)
if [ "${CNNC_TEST_CPU:-}" ]; then
    variants=("--cpu $CNNC_TEST_CPU")
    if [ "$(uname -m)" != x86_64 ] || { [ "$CNNC_TEST_CPU" != x86-64 ] && ! grep -qw avx2 /proc/cpuinfo; }; then
        echo "skipped: this machine does not run code for $CNNC_TEST_CPU"
        exit 77
    fi
fi
[ "${CNNC_TEST_CPU:-}" ] || "$python" run.py --check-gradients > "$scratch/gradients" || { grep FAIL "$scratch/gradients"; exit 1; }
failed=0
for flags in "${variants[@]}"; do
    echo "cnnc run $flags"
    "$python" run.py --cnnc "$CNNC" --keep "$scratch" --flags="$flags" || failed=1
done
exit $failed
