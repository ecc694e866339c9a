#!/bin/bash
# `cnnc import` of networks in ONNX against the package onnx's tests of operators, and against PyTorch, where these are installed: see onnx_import.py.
set -u
cd "$(dirname "$0")"
python=${PYTHON:-}
if [ -z "$python" ] || ! "$python" -c 'import onnx.backend.test.case.node' 2>/dev/null; then
    echo "skipped: it takes minutes, and a Python with onnx (pip install onnx torch torchvision), which PYTHON=… names"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=$scratch/cache PYTHONWARNINGS=ignore
if "$CNNC" import "$0.onnx" -o "$scratch/x.cnn" 2>&1 | grep -q 'built without protobuf-c'; then
    echo "skipped: this cnnc was built without protobuf-c"
    exit 77
fi
status=0
"$python" onnx_import.py nodes "$CNNC" "$scratch" || status=1
if "$python" -c 'import torchvision' 2>/dev/null; then
    "$python" onnx_import.py torch "$CNNC" "$scratch" || status=1
else
    echo "networks of torchvision: not compared, $python has no torchvision"
fi
exit $status
