# docs/tutorial-sounds.md does what it says; and what becomes of a bad recording, and of recordings in an archive.
set -eu
. tests/train/tutorial.sh tutorial-sounds.md
mkdir sounds
if "$CNNC" check sounds.cnn 2>&1 | grep -q 'built without libsndfile'; then
    echo "skipped: this cnnc was built without libsndfile"
    exit 77
fi
PATH=$PWD/build/release:$PATH
tutorial_run 6

"$CNNC" fmt --check sounds.cnn
test -s sounds.safetensors
tutorial_accuracy sounds.cnn sounds.safetensors 0.85

# Recordings of which nobody knows what they are, where those of the training are gone; and why.
"$CNNC" eval sounds.cnn --weights sounds.safetensors --all --outputs sounds.csv >/dev/null
mv sounds trained
one=$(tail -n 1 sounds.csv | cut -d , -f 1) answer_of=$(tail -n 1 sounds.csv | cut -d , -f 3)
cp "trained/${one#*/}" one.wav
expect 0 "one.wav  $answer_of  " "$CNNC" predict sounds.cnn --weights sounds.safetensors one.wav
expect 0 "why.png: what speaks for $answer_of in one.wav" "$CNNC" predict sounds.cnn --weights sounds.safetensors --why why.png one.wav
echo 'no recording' >none.wav
expect 1 'none.wav: ' "$CNNC" predict sounds.cnn --weights sounds.safetensors none.wav
mv trained sounds

# The trainer trains as cnnc does; so does one thread, and so do the same recordings in an archive.
python3 -m zipfile -c sounds.zip sounds
sed 's/audio .*/archive "sounds.zip" { audio "sounds", seconds=1, rate=16000 }/' sounds.cnn >zipped.cnn
"$CNNC" run sounds.cnn --epochs 1 --threads 1 --save again.safetensors >/dev/null
cmp again.safetensors sounds2.safetensors
"$CNNC" build zipped.cnn -o train-zipped >/dev/null
./train-zipped --epochs 1 --save again.safetensors >/dev/null
cmp again.safetensors sounds2.safetensors

# One that is cut off is left out and named; where many are, or `bad stop` is said, nothing is trained.
truncate -s 9000 sounds/rising/0003.wav
expect 0 'sounds/rising/0003.wav: truncated or damaged: the file ends before its sound does' "$CNNC" run sounds.cnn --epochs 1
sed 's/^    standardize/    standardize\n    bad stop/' sounds.cnn >stop.cnn
expect 1 'sounds/rising/0003.wav: truncated or damaged' "$CNNC" run stop.cnn --epochs 1
truncate -s 0 sounds/steady/*.wav
expect 1 "more than the 10% that 'bad' allows" "$CNNC" run sounds.cnn --epochs 1
sed 's/, seconds=1//' sounds.cnn >endless.cnn
expect 1 "'audio' needs 'seconds'" "$CNNC" check endless.cnn
exit $failed
