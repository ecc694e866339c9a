# cnnc explain: the whole text for a small model (explain/model.cnn), numbers of bytes masked: they depend on the machine's cache
# (`UPDATE=1 CNNC=… bash tests/golden/test_explain.sh` writes it anew); each reason that a rule gives, with a model that gets
# it; and the JSON.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
here=$PWD/tests/golden/explain

(cd "$here" && "$CNNC" explain model.cnn 2>/dev/null) | sed -E 's/[0-9.]+ ([KMG]i)?B/N B/g' >"$folder/model.txt"
if [ "${UPDATE:-}" ]; then cp "$folder/model.txt" "$here/model.txt"; fi
diff -u "$here/model.txt" "$folder/model.txt" || wrong 'explain prints something else than tests/golden/explain/model.txt'
if awk 'length > 100' "$folder/model.txt" | grep .; then wrong 'lines longer than 100 characters'; fi
cd "$folder"

# gives TEXT LAYERS [FLAG…]: the explanation of a model of these layers has the text, line ends apart.
gives() {
    local text=$1 layers=$2
    shift 2
    printf 'model M {\n    input 16x16x4\n    %b\n    flatten\n    dense 3 -> softmax\n}\ntrain {\n    batch 8\n}\n' "$layers" >m.cnn
    expect 0 '' "$CNNC" explain m.cnn --json m.json "$@"
    tr -s ' \n' ' ' <"$answer" | grep -qF -- "$text" || wrong "explain does not say \"$text\" of: $layers: $(cat "$answer")"
    python3 - "$@" <<'PYTHON' || wrong "the JSON is not what it should be for: $layers"
import json, sys
report = json.load(open("m.json"))
assert report["report"] == "explain"
moved = sum(layer["bytes"] for layer in report["layers"]) + report["other_bytes"]
kernels = sum(kernel["bytes"] for kernel in report["kernels"])
assert abs(moved - kernels) <= 1e-6 * kernels, (moved, kernels)
unfused = sum(layer["unfused_bytes"] for layer in report["layers"]) + report["other_unfused_bytes"]
if "--no-fuse" in sys.argv:
    assert abs(moved - unfused) <= 1e-6 * unfused and len(report["kernels"]) == report["unfused_kernels"], (moved, unfused)
else:
    assert moved < unfused and len(report["kernels"]) < report["unfused_kernels"], (moved, unfused)
for kernel in report["kernels"]:
    assert kernel["part"] in ("forward", "backward", "update") and kernel["what"], kernel
assert all(apart["why"] and apart["parts"] for apart in report["apart"])
PYTHON
}
gives 'conv1: conv + maxpool + bias + relu' 'conv 4, 3x3 -> relu -> maxpool 2'
gives 'conv1: conv + bias + relu + dropout' 'conv 4, 3x3 -> relu -> dropout 10%'
gives 'batchnorm1 forward and backward, not with conv1: it needs a sum over the whole batch' 'conv 4, 3x3 -> batchnorm -> relu'
gives 'layernorm1 forward, not with conv1: it needs a sum over all values of the sample' 'conv 4, 3x3 -> layernorm -> relu'
gives 'maxpool1 forward, not with conv1: the pool'"'"'s windows overlap, leave gaps or reach over the edge: a pixel would be computed more than once (a window of 3x3, stride 2x2) what would change it: a max-pool of 2 with stride 2' \
    'conv 4, 3x3 -> relu -> maxpool 3, stride=2'
gives 'registers, which have room for four (a window of 3x3, stride 3x3)' 'conv 4, 3x3 -> relu -> maxpool 3'
gives 'maxpool1 forward, not with conv1: something beside the pool reads the unpooled values' \
    'a = conv 4, 3x3, pad=same\nfrom a -> maxpool 2\nb = flatten\nfrom a -> flatten -> concat b\nreshape 1x1x1280'
gives 'is needed at full size for the backward pass what would change it: an activation that grows' 'conv 4, 3x3 -> gelu -> maxpool 2'
gives 'conv2: conv + bias + add + maxpool' 'a = conv 4, 1x1\nfrom a -> conv 4, 1x1 -> add a -> maxpool 2'
gives 'only a max-pool is taken in a convolution'"'"'s registers (a window of 2x2, stride 2x2)' 'conv 4, 3x3 -> avgpool 2'
gives 'no convolution or dense layer comes directly before the pool' 'conv 4, 3x3 -> batchnorm -> maxpool 2'
gives 'this fusion is switched off (--no-epilogue)' 'conv 4, 3x3 -> relu' --no-epilogue
gives 'this fusion is switched off (--no-pool)' 'conv 4, 3x3 -> maxpool 2' --no-pool
gives 'this fusion is switched off (--no-sums)' 'conv 4, 3x3 -> relu -> conv 4, 3x3' --no-sums
gives 'relu1 forward and backward, not with conv1: this fusion is switched off' 'conv 4, 3x3 -> relu' --no-fuse
gives '3 x conv: conv + bias + relu' 'repeat 3 {\nconv 4, 3x3, pad=same -> relu\n}'

# Only what an evaluation does; what cannot be written.
expect 0 '3 x conv: conv + bias + relu' "$CNNC" explain m.cnn --eval
if grep -qE '^ +(backward|update) ' "$answer"; then wrong 'explain --eval tells of a backward pass'; fi
expect 2 'is the model itself' "$CNNC" explain m.cnn --json m.cnn
sed 's/conv/cnov/' m.cnn >bad.cnn
expect 1 'unknown-statement' "$CNNC" explain bad.cnn
exit $failed
