# docs/tutorial-unbalanced.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-unbalanced.md
PATH=$PWD/build/release:$PATH
tutorial_run 10
"$CNNC" fmt --check plain.cnn balanced.cnn
grep -q '^balance weights: a sample of the rarest class counts as much as' log || wrong 'the weights are not told'

# The accuracy is fair, the rarest class is lost; balanced, it is not.
tutorial_accuracy plain.cnn plain.safetensors 0.75
share() { # MODEL LINE: the share of a line of its table, in percent
    "$CNNC" eval "$1.cnn" --weights "$1.safetensors" | sed -n "s/^  $2 .* \([0-9.]*\) %.*/\1/p"
}
less() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }'
}
less "$(share plain disc)" 35 || wrong "unbalanced, the rare class is right in $(share plain disc) %: there is nothing to be seen"
less "$(share plain disc)" "$(share balanced disc)" || wrong 'balance does not help the rare class'
less "$(share plain 'mean of the classes')" "$(share balanced 'mean of the classes')" || wrong 'balance does not help the mean of the classes'
exit $failed
