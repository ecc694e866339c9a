# docs/tutorial-photos.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-photos.md
PATH=$PWD/build/release:$PATH
tutorial_run 10
mv trained photos
"$CNNC" fmt --check photos.cnn
tutorial_accuracy photos.cnn photos.safetensors 0.7
[ "$(wc -l <later.csv)" = 61 ] || wrong "later.csv has not a line for each of 60 pictures"
grep -q '^later/disc/0000.png,disc,' later.csv || wrong "later.csv does not name the pictures: $(head -n 2 later.csv)"
grep -q '^cache: .* on disk for decoded samples' log || wrong 'the page has lost its cache'
[ "$(wc -l <kinds.csv)" = 61 ] || wrong "kinds.csv has not a line for each of 60 pictures"
[ "$(grep -cE '^new/[ab]\.png  (disc|square|triangle)  [0-9.]+ %$' log)" -ge 2 ] || wrong "predict says nothing of the new pictures: $(grep new/ log)"
awk -F '[/,]' '$2 == $4 { right++ } END { exit !(right >= 40) }' kinds.csv || wrong "of 60 pictures, too few are recognised: $(cat kinds.csv)"
head -c 8 why.png | grep -q PNG || wrong 'why.png is no picture'

# The messages that it explains.
mv new/b.png new/c.png && head -c 60 new/c.png >new/b.png
expect 1 '1 of 2 files could not be read' "$CNNC" predict photos.cnn --weights photos.safetensors new/a.png new/b.png
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
