# Sourced by the tests of what a training survives: a small trainer in a folder of its own, and what disturbs it.
top=$PWD
library=$CNNC_BUILD/tests/libfail_call.so
# In memory, where there is such a folder: thousands of files are synced.
folder=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import training; training.make_model(".")' "$top/tests/faults"
expect 0 'kernels in' "$CNNC" build tiny.cnn -o tiny

# An address sanitizer that is not preloaded itself refuses to start behind another library, and has its own memory.
sanitized=
if ldd ./tiny | grep -q libasan; then
    sanitized=yes
    library=$(ldd ./tiny | awk '$1 ~ /libasan/ { print $3 }'):$library
fi

# train COMMAND…: the same with nothing expected; its exit code is in $code, what it printed in $answer.
train() {
    code=0
    "$@" >"$answer" 2>&1 </dev/null || code=$?
}

# says TEXT MESSAGE: the text stands in what the last command printed.
says() {
    grep -qF -- "$1" "$answer" || wrong "$2: exit code $code; printed: $(tail -n 5 "$answer" | cut -c 1-400)"
}

# until_there FILE TEXT: waits until the text stands in the file of a training that runs; 20 seconds at most.
until_there() {
    local i
    for i in $(seq 2000); do
        if [ -e "$1" ] && grep -qF -- "$2" "$1"; then return 0; fi
        sleep 0.01
    done
    wrong "'$2' does not come in $1"
}
