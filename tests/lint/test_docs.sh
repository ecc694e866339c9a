# The documents say what the program does: docs/reference.md is what `cnnc help --markdown` prints; every error that the compiler
# reports has a section in docs/errors.md, and every section an error; every package that is installed stands in docs/dependencies.md;
# docs/import.md lists what can be imported.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

"$CNNC" help --markdown >"$folder/reference.md"
if ! diff -u docs/reference.md "$folder/reference.md"; then
    echo "docs/reference.md is not what the tables say: build/release/cnnc help --markdown >docs/reference.md"
    failed=1
fi

git ls-files 'compiler/*.c' 'compiler/*.h' 'grammar/*' | xargs perl tests/lint/slugs.pl >"$folder/calls"
cut -d ' ' -f 1 "$folder/calls" | sort -u >"$folder/reported"
sed -n 's/^### *`\{0,1\}\([a-z0-9-]*\)`\{0,1\} *$/\1/p; s/^## *`\{0,1\}\([a-z0-9-]*\)`\{0,1\} *$/\1/p' docs/errors.md |
    sort >"$folder/explained"
test -s "$folder/reported" || { echo "no call that reports an error was found"; exit 1; }

for slug in $(uniq -d "$folder/explained"); do
    echo "docs/errors.md has two sections '$slug'"
    failed=1
done
for slug in $(comm -23 "$folder/reported" "$folder/explained"); do
    echo "docs/errors.md lacks a section '$slug': $(grep "^$slug " "$folder/calls" | cut -d ' ' -f 2 | tr '\n' ' ')"
    failed=1
done
for slug in $(comm -13 "$folder/reported" "$folder/explained"); do
    echo "docs/errors.md explains '$slug', which nothing reports"
    failed=1
done

# Each package that is installed is accounted for.
packages=$(sed -n 's/^build_packages=(\(.*\))$/\1/p' cmake/setup.sh
    sed -e ':join' -e '/\\$/ { N; s/\\\n//; b join }' run test | sed -n 's/^install_missing "[^"]*" //p'
    sed -n 's/==.*//p' tests/requirements.txt)
for package in $packages; do
    if ! grep -qF "\`$package\`" docs/dependencies.md; then
        echo "docs/dependencies.md does not say what '$package' is for"
        failed=1
    fi
done

# What docs/import.md lists is what can be imported. same_words TABLE WHAT: two files, one word a line, "have" and "told".
same_words() {
    sort -u "$folder/have" >"$folder/have.sorted"
    sort -u "$folder/told" >"$folder/told.sorted"
    test -s "$folder/have.sorted" || { echo "no $2 was found in $1"; failed=1; }
    for word in $(comm -3 "$folder/have.sorted" "$folder/told.sorted"); do
        echo "docs/import.md and $1 list other $2: '$word' stands in one of them"
        failed=1
    done
}
table=compiler/exchange/onnx_operators.def
grep -o 'OPERATOR([A-Z][A-Za-z]*' $table | sed 's/OPERATOR(//' >"$folder/have"
sed -n '/^| operator |/,/^$/ s/^| \([^|]*\)|.*/\1/p' docs/import.md | grep -o '[A-Z][A-Za-z]*' >"$folder/told"
same_words $table operators
table=compiler/exchange/keras_layers.def
grep -o 'KERAS_LAYER([A-Z][A-Za-z0-9]*' $table | sed 's/KERAS_LAYER(//' >"$folder/have"
sed -n '/^| layer |/,/^$/ s/^| \([^|]*\)|.*/\1/p' docs/import.md | grep -o '[A-Z][A-Za-z0-9]*' >"$folder/told"
same_words $table layers
table=compiler/exchange/darknet_layers.c
sed -n 's/^    {"\([a-z_]*\)", "[a-z_]*", read_[a-z_]*},$/\1/p' $table >"$folder/have"
sed -n '/^Networks that classify:/,/with the activations/p' docs/import.md | grep -o '`\[[a-z_]*\]`' | tr -d '`[]' >"$folder/told"
same_words $table sections
sed -n '/^} activations/,/^};/p' $table | grep -o '{"[a-z0-9]*"' | tr -d '{"' >"$folder/have"
sed -n '/with the activations/,/\./ s/.*the activations \([^.]*\)\..*/\1/p' docs/import.md | sed 's/, \| and /\n/g' >"$folder/told"
same_words $table activations

# Links between documents lead somewhere.
for page in README.md $(git ls-files 'docs/*.md' 'examples/*.md' 'tests/*.md'); do
    for target in $(grep -o '](\([^)#:]*\))' "$page" | sed 's/^](//; s/)$//' || true); do
        if [ ! -e "$(dirname "$page")/$target" ]; then
            echo "$page: nothing is at '$target'"
            failed=1
        fi
    done
done
exit $failed
