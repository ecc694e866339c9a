# docs/tutorial-photos.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-photos.md
PATH=$PWD/build/release:$PATH
tutorial_run 10
"$CNNC" fmt --check photos.cnn
tutorial_accuracy photos.cnn photos.safetensors 0.7
[ "$(wc -l <later.csv)" = 61 ] || wrong "later.csv has not a line for each of 60 pictures"
grep -q '^later/disc/0000.png,disc,' later.csv || wrong "later.csv does not name the pictures: $(head -n 2 later.csv)"
grep -q '^cache: .* on disk for decoded samples' log || wrong 'the page has lost its cache'

# The messages that it explains.
mv later/square later/ring
expect 1 "was trained on other classes: its class 1 is 'square', the data's is 'ring'" \
    "$CNNC" eval photos.cnn --weights photos.safetensors --all --set 'data.folder="later"'
mkdir -p all/deeper
mv later all/deeper/all
expect 1 "that is the folder to name" "$CNNC" check photos.cnn --set 'data.folder="all/deeper"'
mkdir all/deeper/all/none
expect 1 "the class folder 'all/deeper/all/none' holds no" "$CNNC" check photos.cnn --set 'data.folder="all/deeper/all"'
expect 1 "'nowhere' is neither in the model's folder '.' nor in the current one" "$CNNC" check photos.cnn --set 'data.folder="nowhere"'
sed '/resize/d; /cache/d' photos.cnn >differ.cnn
expect 1 "pictures differ in size" "$CNNC" run differ.cnn
truncate -s 300 photos/disc/00??.png
expect 1 "more than the 10% that 'bad' allows" "$CNNC" run photos.cnn
exit $failed
