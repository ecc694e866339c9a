#!/bin/bash
# The learning rates that tests/unit/test_rate.c expects are those that PyTorch computes, where PyTorch is installed.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && [ -z "${PYTHON:-}" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import torch' 2>/dev/null; then
    echo "skipped: $python has no torch (pip install torch)"
    exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python" rates_torch.py
