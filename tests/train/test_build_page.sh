# docs/build.md does what it says: its programs, libraries and callers.
set -eu
. tests/train/tutorial.sh build.md
if [ "$(uname -m)" != x86_64 ]; then
    echo 'skipped: the page names processors of x86-64'
    exit 77
fi
if grep -q '^CNNC_SANITIZE:BOOL=ON' "$CNNC_BUILD/CMakeCache.txt"; then
    echo 'skipped: what the page builds has no sanitizers'
    exit 77
fi
tutorial_run 20
[ "$(grep -c '^square ' log)" = 3 ] || wrong "the callers say: $(grep '^square ' log)"
[ "$(grep '^square ' log | awk '{ print substr($2, 1, 4) }' | sort -u | wc -l)" = 1 ] || wrong 'C and Python get other answers'
grep -qx ' *U memcpy' log || grep -q 'nm -u shapes-bare.o' log || wrong 'no object for bare machines'
[ -z "$(nm -u shapes-bare.o | grep -vE ' U (memcpy|memset)$')" ] || wrong "the bare object needs $(nm -u shapes-bare.o)"
exit $failed
