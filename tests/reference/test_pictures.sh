#!/bin/bash
# Pictures of every format and kind as cnnc decodes them, against Pillow. PYTHON as in test_reference.sh.
set -u
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
    echo "skipped: $python has no numpy or no Pillow (pip install numpy pillow)"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1
"$python" pictures.py --decode "$CNNC_BUILD/tests/decode" --folder "$scratch"
