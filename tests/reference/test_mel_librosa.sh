#!/bin/bash
# The spectrograms that tests/unit/test_data_audio.c expects are those that librosa computes, where librosa is installed.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
[ -x "${CNNC_BUILD:-}/venv/bin/python3" ] && [ -z "${PYTHON:-}" ] && python=$CNNC_BUILD/venv/bin/python3
if ! "$python" -c 'import librosa' 2>/dev/null; then
    echo "skipped: $python has no librosa (pip install librosa)"
    exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python" mel_librosa.py
