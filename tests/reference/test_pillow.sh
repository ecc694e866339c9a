#!/bin/bash
# The pictures that tests/unit/test_resize.c and test_randaugment.c expect are those that Pillow computes.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && [ -z "${PYTHON:-}" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
    echo "skipped: $python has no numpy or no pillow (pip install numpy pillow)"
    exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
"$python" resize_pillow.py
"$python" tones_pillow.py
