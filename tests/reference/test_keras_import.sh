#!/bin/bash
# `cnnc import` of networks of Keras against Keras itself, where it is installed: see keras_import.py.
set -u
cd "$(dirname "$0")"
python=${PYTHON:-}
if [ -z "$python" ] || ! "$python" -c 'import keras, tensorflow' 2>/dev/null; then
    echo "skipped: it takes minutes, and a Python with Keras (pip install tensorflow), which PYTHON=… names"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=$scratch/cache PYTHONWARNINGS=ignore
if "$CNNC" import "$0.keras" -o "$scratch/x.cnn" 2>&1 | grep -q 'built without libhdf5'; then
    echo "skipped: this cnnc was built without libhdf5 and cJSON"
    exit 77
fi
status=0
"$python" keras_import.py layers "$CNNC" "$scratch" || status=1
"$python" keras_import.py networks "$CNNC" "$scratch" || status=1
exit $status
