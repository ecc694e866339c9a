# docs/tutorial-archive.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-archive.md
PATH=$PWD/build/release:$PATH
tutorial_run 12
"$CNNC" fmt --check zipped.cnn
tutorial_accuracy zipped.cnn shapes.safetensors 0.5
grep -q "$folder/cache" log || wrong 'nothing says where the unpacked archive lies'

# The folder gives the same numbers; the other way of packing, too.
sed 's/archive .*/folder "shapes"/' zipped.cnn >plain.cnn
"$CNNC" run plain.cnn --save plain.safetensors >/dev/null
same plain.safetensors shapes.safetensors 'a folder and its zip train to other weights'
"$CNNC" run tarred.cnn --save tarred.safetensors >/dev/null
same plain.safetensors tarred.safetensors 'a folder and its tar train to other weights'

# The messages that it explains.
try() { # SOURCE TEXT
    sed "s|archive .*|$1|" zipped.cnn >wrong.cnn
    expect 1 "$2" "$CNNC" check wrong.cnn
}
try 'archive "shapes.zip" { folder "." }' "'shapes.zip' holds one class only, 'shapes': at least two are needed; if they are the 3 folders in 'shapes.zip/shapes', that is the folder to name"
try 'archive "shapes.zip" { folder "shaps" }' "'shapes.zip/shaps' is not in the archive"
try 'archive "shapes.zip"' "'archive' needs statements in { }"
try 'folder "shapes.zip"' "'shapes.zip' is a file, not a folder"
head -c 5000 shapes.zip >short.zip
try 'archive "short.zip" { folder "shapes" }' 'short.zip: not a zip archive, or one that is cut short'
exit $failed
