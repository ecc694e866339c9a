#!/bin/bash
# The pictures that tests/unit/test_augment_peers.c expects are those that Keras and torchvision compute, where these are installed.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && [ -z "${PYTHON:-}" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import keras, scipy, torchvision' 2>/dev/null; then
    echo "skipped: $python has no keras, scipy and torchvision (tests/bench/peers/README.md installs them)"
    exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python" augment_peers.py
