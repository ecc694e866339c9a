#!/bin/bash
# Stages that are measured (pca, whiten, standardize) against scikit-learn's definitions: see components.py. PYTHON as in test_reference.sh.
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
"$python" components.py "$CNNC" "$scratch"
