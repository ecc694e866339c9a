# The messages. For each tests/golden/errors/NAME.cnn, what `cnnc check` prints to stderr is NAME.err, and the exit code is 1,
# 2 where -D or --set is not of its form, or 0 where there are warnings only (BLESS=1 writes the files anew). And each example of docs/errors.md makes the error under which it stands.
set -eu
root=$PWD
cnnc=$(realpath "$CNNC")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
cases=0
examples=0

# check COMMAND…: the exit code must be 1, 2 after bad-setting, or 0 after warnings only; stderr goes to $folder/err.
check() {
    local status=0 expected=1
    "$@" >"$folder/out" 2>"$folder/err" || status=$?
    if grep -q 'warning: ' "$folder/err" && ! grep -q 'error: ' "$folder/err"; then
        expected=0
    elif grep -qF '[bad-setting]' "$folder/err"; then
        expected=2
    fi
    [ $status = $expected ] && return
    echo "$*: exit code $status instead of $expected"
    tail -n 5 "$folder/err"
    failed=1
}

cd tests/golden/errors
for model in *.cnn; do
    cases=$((cases + 1))
    check "$cnnc" check "$model"
    if [ "${BLESS:-}" ]; then
        cp "$folder/err" "${model%.cnn}.err"
    elif ! diff -u "${model%.cnn}.err" "$folder/err"; then
        echo "tests/golden/errors/$model: other messages (BLESS=1 accepts them)"
        failed=1
    fi
done

# The first example of each section of docs/errors.md, as $folder/SLUG.cnn or $folder/SLUG.sh.
awk -v folder="$folder" '
/^## / { slug = $2; file = "" }
/^```/ && file { close(file); file = ""; slug = ""; next }
/^```(cnn|sh)$/ && slug { file = folder "/" slug "." substr($0, 4); printf "" >file; next }
file { print >file }' "$root/docs/errors.md"
mkdir "$folder/bin" "$folder/work"
ln -s "$cnnc" "$folder/bin/cnnc"
PATH=$folder/bin:$PATH
cd "$folder/work"
for slug in $(sed -n 's/^## *//p' "$root/docs/errors.md"); do
    examples=$((examples + 1))
    rm -rf "$folder/work"/*
    if [ -e "$folder/$slug.cnn" ]; then
        cp "$folder/$slug.cnn" model.cnn
        check cnnc check model.cnn
    elif [ ! -e "$folder/$slug.sh" ]; then
        echo "docs/errors.md: '$slug' has no example"
        failed=1
        continue
    elif grep -q '^cnnc ' "$folder/$slug.sh"; then
        check bash "$folder/$slug.sh"
    else
        bash "$folder/$slug.sh"
        check cnnc check model.cnn
    fi
    if ! grep -qF "[$slug]" "$folder/err"; then
        echo "docs/errors.md: the example of '$slug' gives instead:"
        sed 's/^/    /' "$folder/err"
        failed=1
    fi
done

echo "$cases models with mistakes, $examples examples of docs/errors.md"
[ $cases -gt 0 ] && [ $examples -gt 0 ] && exit $failed
