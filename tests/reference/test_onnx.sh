#!/bin/bash
# Every layer, and networks of stdlib/, exported to ONNX and run by ONNX Runtime: see onnx_samples.py. PYTHON as in test_reference.sh.
set -u
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import onnx, onnxruntime' 2>/dev/null; then
    echo "skipped: $python has no onnx and onnxruntime (pip install onnx onnxruntime)"
    exit 77
fi
if ! [ -x "$CNNC_BUILD/tests/onnx_samples" ]; then
    echo "skipped: cnnc was built without protobuf-c"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1
"$CNNC_BUILD/tests/onnx_samples" "$scratch" && "$python" onnx_samples.py "$scratch"
