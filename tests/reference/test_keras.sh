#!/bin/bash
# Every layer, and networks of stdlib/, exported to Keras and run by it, where it is installed: see keras_samples.py.
set -u
cd "$(dirname "$0")"
python=${PYTHON:-}
if [ -z "$python" ] || ! "$python" -c 'import keras, tensorflow' 2>/dev/null; then
    echo "skipped: it takes a Python with Keras (pip install tensorflow), which PYTHON=… names"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1
if ! [ -x "$CNNC_BUILD/tests/onnx_samples" ] || ! "$CNNC_BUILD/tests/onnx_samples" "$scratch" keras || ! ls "$scratch"/*.keras >/dev/null; then
    echo "skipped: cnnc was built without libhdf5, cJSON, libarchive or protobuf-c"
    exit 77
fi
"$python" keras_samples.py "$scratch"
