# Nothing is lost when calls of the system fail: 500 faults and more, one after another, in writes, reads, syncs, renames, memory
# and threads, with the check after each (tests/faults/faults.py). CNNC_FAULTS: a larger share of all calls, 10 say, for a night.
set -eu
. tests/expect.sh
. tests/train/faults.sh
share=${CNNC_FAULTS:-1}
if [ $sanitized ]; then # for what leaks on the way out; memory itself is the sanitizer's
    python3 "$top/tests/faults/faults.py" ./tiny "$library" "$folder" --share 0.1 \
        --only write,fsync,rename,open,close,pread,pthread_create >"$answer" || failed=1
else
    python3 "$top/tests/faults/faults.py" ./tiny "$library" "$folder" --share "$share" >"$answer" || failed=1
fi
cat "$answer"
exit $failed
