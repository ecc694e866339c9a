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
