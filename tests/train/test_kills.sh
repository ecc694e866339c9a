# A training that is killed goes on as if it had not been: 100 kills at random moments, half of them in the middle of a write, a
# rename, a sync (tests/faults/kills.py); to the bit, on other numbers of threads. CNNC_KILLS: more of them, for a night.
set -eu
. tests/expect.sh
. tests/train/faults.sh
if [ $sanitized ]; then
    CNNC_KILLS=20
fi
python3 "$top/tests/faults/kills.py" ./tiny "$library" "$folder" --kills "${CNNC_KILLS:-100}" --seed "${CNNC_SEED:-1}" >"$answer" || failed=1
cat "$answer"
exit $failed
