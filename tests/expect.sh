# Sourced by test scripts: commands with what is expected of them. A script ends with `exit $failed`.
failed=0
answer=$(mktemp) # what the last command printed
trap 'rm -rf "${folder:-}" "$answer"' EXIT

wrong() {
    echo "WRONG: $*"
    failed=1
}

# expect STATUS TEXT COMMAND…: its exit code, and a text that stands in what it prints, if one is given. A failure says
# one thing only, in words of ours: no sanitizer's report, no assertion, no second error for the same cause.
expect() {
    local status=$1 text=$2 got=0 errors
    shift 2
    "$@" >"$answer" 2>&1 </dev/null || got=$?
    errors=$(grep -c 'error: ' "$answer" || true)
    if [ "$got" != "$status" ] || { [ "$text" ] && ! grep -qF -- "$text" "$answer"; } ||
        { [ "$status" != 0 ] && [ "$status" != 130 ] && [ "$errors" != 1 ]; } ||
        grep -qE 'Sanitizer|runtime error:|internal error|LLVM ERROR|Assertion|core dumped' "$answer"; then
        wrong "$*: exit code $got and $errors errors, expected $status with \"$text\"; printed:"
        tail -n 12 "$answer" | cut -c 1-300 | sed 's/^/    /'
    fi
}

# The same bytes in two files.
same() {
    cmp -s "$1" "$2" || wrong "$3 ($1, $2)"
}

# What a log says about numbers: all but the time.
losses() {
    sed 's/, "seconds": .*//' "$1"
}

# trains NAME FLAG…: weights and losses of a run, as NAME.safetensors and NAME.losses.
trains() {
    local name=$1
    shift
    expect 0 'weights written' "$CNNC" run "$@" --save "$name.safetensors" --log "$name.jsonl"
    losses "$name.jsonl" >"$name.losses"
}

# near_losses FILE FILE LIMIT MESSAGE: line by line, the losses are the same up to a share of LIMIT.
near_losses() {
    paste -d ' ' "$1" "$2" | awk -v limit="$3" '
        { split($0, half, /"loss": /); a = half[2] + 0; b = half[3] + 0; d = a - b; if (d < 0) d = -d; if (d > limit * a || a == 0) bad = 1 }
        END { exit bad || NR == 0 }' || wrong "$4: $(paste "$1" "$2")"
}
