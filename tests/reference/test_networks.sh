#!/bin/bash
# The networks of stdlib/ against torchvision's with the same weights: see networks.py. PYTHON names an interpreter that has torchvision.
set -u
cd "$(dirname "$0")"
for python in "${PYTHON:-}" "${CNNC_BUILD:-}/venv/bin/python3" python3 ''; do
    [ "$python" ] && "$python" -c 'import torchvision' 2>/dev/null && break
done
if [ -z "$python" ]; then
    echo "skipped: there is no Python with torchvision (pip install torch torchvision; PYTHON=… names it)"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=$scratch/cache
"$python" networks.py "$CNNC" "$scratch"
