# docs/tutorial-unbalanced.md does what it says.
set -eu
. tests/train/tutorial.sh tutorial-unbalanced.md
PATH=$PWD/build/release:$PATH
tutorial_run 10
"$CNNC" fmt --check plain.cnn balanced.cnn
grep -q '^balance weights: a sample of the rarest class counts as much as' log || wrong 'the weights are not told'

# The accuracy is fair, the rarest class is lost; balanced, it is not. The log has the tables of both.
share() { # NUMBER LINE: the share of a line of one of the tables, in percent
    sed -n "s/^  $2 .* \([0-9.]*\) %.*/\1/p" log | sed -n "$1p"
}
less() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }'
}
grep '^test ' log | head -n 1 | awk '{ exit !($5 >= 0.75) }' || wrong "unbalanced, the accuracy is not even fair: $(grep '^test ' log)"
less "$(share 1 disc)" 35 || wrong "unbalanced, the rare class is right in $(share 1 disc) %: there is nothing to be seen"
less "$(share 1 disc)" "$(share 2 disc)" || wrong 'balance does not help the rare class'
less "$(share 1 'mean of the classes')" "$(share 2 'mean of the classes')" || wrong 'balance does not help the mean of the classes'
exit $failed
