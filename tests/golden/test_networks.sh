# docs/networks.md says of each network of stdlib/ how large it is: `cnnc show` counts as many parameters and multiply-adds. The numbers of the page
# are those of torchvision, or of the paper. Each model of the page is one that `cnnc check` accepts.
set -eu
page=docs/networks.md
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME=$folder/cache
failed=0
wrong() {
    echo "$*"
    failed=1
}

# The rows: | `network` | file | input | classes | parameters | multiply-adds | …
sed -n 's/^| `\([^`]*\)` | \([a-z0-9]*\) | \([0-9x]*\) | \([0-9]*\) | \([0-9,]*\) | \([0-9,]*\) |.*/\1|\2|\3|\4|\5|\6/p' "$page" >"$folder/rows"
while IFS='|' read -r network file input classes expected_parameters expected_multiply_adds; do
    last=" -> dense $classes"
    [ "$file" != squeezenet ] || last=
    printf 'import "%s"\nmodel M { input %s -> %s%s }\n' "$file" "$input" "$network" "$last" >"$folder/model.cnn"
    "$CNNC" show "$folder/model.cnn" >"$folder/out" 2>&1 || wrong "cnnc show of $network: $(cat "$folder/out")"
    parameters=$(awk '$1 == "total" { print $2 }' "$folder/out")
    multiply_adds=$(sed -n 's/.* \([0-9,]*\) multiply-adds .*/\1/p' "$folder/out")
    [ "$parameters $multiply_adds" = "$expected_parameters $expected_multiply_adds" ] ||
        wrong "$network: $parameters parameters and $multiply_adds multiply-adds, in $page $expected_parameters and $expected_multiply_adds"
done <"$folder/rows"
for file in stdlib/*.cnn; do
    name=$(basename "$file" .cnn)
    grep -qx "import \"$name\"" "$page" || wrong "$page shows no use of $file"
    [ "$name" = blocks ] || grep -qF "|$name|" "$folder/rows" || wrong "$page does not tell how large the networks of $file are"
done

python3 tests/data/make_shapes.py "$folder/shapes" --count 2 --size 64 >/dev/null
awk -v folder="$folder" '/^```cnn$/ { file = folder "/" ++count ".cnn"; next } /^```/ { file = ""; next } file { print >file }' "$page"
for model in "$folder"/[0-9]*.cnn; do
    printf 'data {\n    folder "shapes"\n    resize 64x64\n}\n' >>"$model"
    "$CNNC" check "$model" >"$folder/out" 2>&1 || wrong "$(cat "$model" "$folder/out")"
done
exit $failed
