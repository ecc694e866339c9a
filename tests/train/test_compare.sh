# cnnc compare: the table, the JSON and the chart; what is the same and what differs between variants; the rewrite that it
# measures, against the model that one would write by hand; and what it says to mistakes.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 26 >/dev/null
cd "$folder"
cat >pool.cnn <<'MODEL'
model Pool {
    input data.shape
    conv 4, 3x3 -> relu -> maxpool 2
    conv 8, 3x3, pad=same -> batchnorm -> gelu -> maxpool 2
    flatten
    dense 8 -> relu -> dropout 20%
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 26x26
    scale 0..1
}
train {
    optimizer adam
    batch 8
    epochs 1
    checkpoint every=1 epoch
}
MODEL

# The rewrite: the bits of the strided model, also from other weights than its own.
sed -e '/checkpoint/d' pool.cnn >plain.cnn
sed -e 's/conv 4, 3x3 -> relu -> maxpool 2/conv 4, 3x3, stride=2 -> relu/' \
    -e 's/conv 8, 3x3, pad=same -> batchnorm -> gelu -> maxpool 2/conv 8, 3x3, stride=2, pad=[1, 0, 1, 0] -> batchnorm -> gelu/' \
    plain.cnn >strided.cnn
expect 0 '' "$CNNC" run plain.cnn --save start.safetensors
for way in '' '--no-fuse' '--threads 1'; do
    expect 0 'rewrite stride_for_pool: conv1 and maxpool1; conv2 and maxpool2' \
        "$CNNC" run plain.cnn --rewrite stride_for_pool --start start.safetensors --log a.jsonl --save a.safetensors $way
    expect 0 '' "$CNNC" run strided.cnn --start start.safetensors --log b.jsonl --save b.safetensors $way
    losses a.jsonl >a.losses
    losses b.jsonl >b.losses
    same a.losses b.losses "stride_for_pool has other losses than the strided model, with '$way'"
    same a.safetensors b.safetensors "stride_for_pool learns other weights than the strided model, with '$way'"
done
[ "$(wc -l <a.losses)" -ge 5 ] || wrong 'too few steps to compare'
{ cat plain.cnn && printf 'compile {\n    rewrite stride_for_pool\n}\n'; } >asked.cnn
expect 0 'rewrite stride_for_pool: conv1 and maxpool1' "$CNNC" show asked.cnn
expect 0 'rewrite stride_for_pool: conv1 and maxpool1' "$CNNC" check asked.cnn
expect 0 'rewrite stride_for_pool: conv1 and maxpool1' "$CNNC" eval asked.cnn --weights a.safetensors
expect 0 'rewrite stride_for_pool: nothing in this model fits it' "$CNNC" check strided.cnn --rewrite stride_for_pool
expect 0 '' "$CNNC" check asked.cnn --rewrite none
if grep -q 'rewrite' "$answer"; then wrong '--rewrite none makes a rewrite'; fi
"$CNNC" emit --stage graph plain.cnn >never.txt
"$CNNC" emit --stage graph asked.cnn --rewrite none >none.txt
sed 's/asked\.cnn/plain.cnn/' none.txt | cmp -s - never.txt || wrong '--rewrite none is not the model as it is written'
expect 0 'rewrite stride_for_pool: conv1' "$CNNC" build asked.cnn -o trainer
expect 0 '' ./trainer --start start.safetensors --save c.safetensors
same a.safetensors c.safetensors 'the trainer of a rewritten model learns other weights'

# The table.
measured() {
    expect 0 '' "$CNNC" compare --steps 3 --rounds 2 "$@"
    cp "$answer" table
}
lines() { # lines COUNT PATTERN: so many lines of the table are so
    [ "$(grep -cE -- "$2" table)" = "$1" ] || wrong "not $1 lines \"$2\": $(cat table)"
}
row='^%s +[0-9.]+ +[0-9,]+ +[0-9]+ +[0-9.]+ [KM]?i?B +[0-9.]+ [KM]?i?B +[0-9]+ %% +%s +%s +%s$'
figure='([0-9.]+e[-+][0-9]+|none)'
measured pool.cnn
lines 1 '^variant +ms/step +images/s +kernels +moved/step +memory +peak +loss +gradients +weights$'
lines 1 "$(printf "$row" unfused - - -)"
lines 1 "$(printf "$row" fused "$figure" "$figure" "$figure")"
lines 1 'Medians of 2 rounds of 3 steps or more, batch 8, [0-9]+ threads?\. peak: share of the [0-9]+ GFLOP/s'
lines 1 '^(un)?fused is the fastest\.$'
lines 1 '^(un)?fused is ([0-9.]+ times as fast as|[0-9.]+ % faster than) (un)?fused, in [0-2] of 2 rounds: too few rounds'
lines 0 'another function'
measured pool.cnn --each
for fusion in $("$CNNC" passes | sed '1,/^Fusions/d; /^$/,$d' | awk '/^  [a-z]/ { print $1 }'); do
    lines 1 "^no-$fusion +[0-9]"
done
[ "$(grep -c '^no-.* B\|^no-.*iB' table)" -ge 8 ] || wrong 'fewer than 8 fusions were left out'

# The JSON: complete, and it fits together.
measured pool.cnn --variants unfused,fused,bf16,stride_for_pool,stride_for_pool+bf16+no-pool --json r.json --epochs 1
lines 1 '^bf16, stride_for_pool, stride_for_pool\+bf16\+no-pool learn another function than unfused'
lines 1 '^stride_for_pool gets [0-9.]+ % of the validation part right, unfused [0-9.]+ %: '
lines 1 '^After 1 epoch, on the validation part$'
if [ -e checkpoints ]; then wrong 'a comparison left checkpoints'; fi
python3 - r.json <<'PYTHON' || wrong 'r.json: see above'
import json, math, sys
report = json.load(open(sys.argv[1]))
assert report["report"] == "compare" and report["model"] == "pool.cnn" and report["batch"] == 8, report
assert report["rounds"] == 2 and report["steps"] == 3 and report["epochs"] == 1 and report["threads"] >= 1
assert report["peak_flops"] > 1e9 and report["target"]
variants = {v["name"]: v for v in report["variants"]}
names = ["unfused", "fused", "bf16", "stride_for_pool", "stride_for_pool+bf16+no-pool"]
assert list(variants) == names, list(variants)
for v in variants.values():
    assert len(v["round_seconds"]) == 2 and abs(sum(v["round_seconds"]) / 2 - v["step_seconds"]) < 1e-9, v
    assert math.isclose(v["images_per_second"], 8 / v["step_seconds"], rel_tol=1e-6), v
    assert math.isclose(v["peak_share"], v["flops"] / v["step_seconds"] / report["peak_flops"], rel_tol=1e-6), v
    assert v["kernels"] > 5 and v["moved_bytes"] > 1e4 and v["memory_bytes"] > 1e4 and 0 < v["loss"] < 100, v
first, fused, bf16, strided, _ = variants.values()
for kind in "gradient_difference", "weight_difference":
    assert first[kind] == {"relative": 0, "tensor": None}, first
    assert 0 <= fused[kind]["relative"] < 1e-4, fused
    assert 1e-4 < bf16[kind]["relative"] and bf16[kind]["tensor"], bf16
assert first["loss_difference"] == 0 <= fused["loss_difference"] < 1e-5 < bf16["loss_difference"]
assert fused["kernels"] < first["kernels"] and fused["moved_bytes"] < first["moved_bytes"]
assert bf16["memory_bytes"] < fused["memory_bytes"] and strided["flops"] < 0.5 * fused["flops"]
assert [v["other_function"] for v in variants.values()] == [False, False, True, True, True]
assert "conv1 and maxpool1" in strided["rewrites"] and fused["rewrites"] == ""
assert [bool(v["trained"]) for v in variants.values()] == [True, False, True, True, True]
assert strided["trained"]["part"] == "validation" and strided["trained"]["samples"] == 18
assert 0 <= strided["trained"]["accuracy"] <= 1 and strided["trained"]["loss"] > 0
assert report["fastest"] == min(variants.values(), key=lambda v: v["step_seconds"])["name"]
assert report["verdict"].startswith(report["fastest"] + " is the fastest.\n"), report["verdict"]
PYTHON

# The chart.
if ldd "$CNNC" | grep -q libcairo; then
    measured pool.cnn --plot chart.png
    measured pool.cnn --plot chart.svg
    python3 - <<'PYTHON' || wrong 'a chart is not what it should be: see above'
import struct, xml.dom.minidom
head = open("chart.png", "rb").read(24)
width, height = struct.unpack(">II", head[16:])
assert head[:8] == b"\x89PNG\r\n\x1a\n" and width > 600 and height > 150, (head, width, height)
assert xml.dom.minidom.parse("chart.svg").documentElement.tagName == "svg"
PYTHON
    measured pool.cnn --plot chart.png # an old one may be replaced
else
    expect 3 'built without cairo' "$CNNC" compare pool.cnn --plot chart.png
fi

# Mistakes, before anything is measured.
expect 2 "there is no variant 'fuse'; did you mean 'fused'?" "$CNNC" compare pool.cnn --variants fuse
expect 2 'there are fused, unfused, f32, bf16, f16, untuned, exact, stride_for_pool, no-elementwise' \
    "$CNNC" compare pool.cnn --variants fused,something_else
expect 2 "there is no variant 'bf17'" "$CNNC" compare pool.cnn --variants fused,stride_for_pool+bf17
expect 2 "'fused' stands twice" "$CNNC" compare pool.cnn --variants fused,bf16,fused
expect 2 'takes names, separated by commas' "$CNNC" compare pool.cnn --variants fused,,bf16
expect 2 'learn another function' "$CNNC" compare pool.cnn --epochs 2
expect 2 'ends neither with .png nor with .svg' "$CNNC" compare pool.cnn --plot chart.gif
expect 2 'nowhere' "$CNNC" compare pool.cnn --plot nowhere/chart.png
expect 2 'nowhere' "$CNNC" compare pool.cnn --json nowhere/r.json
expect 2 'is not a report' "$CNNC" compare pool.cnn --json a.jsonl
expect 2 'is the model itself' "$CNNC" compare pool.cnn --json pool.cnn
printf 'mine' >mine.svg
expect 2 'is not a picture in SVG' "$CNNC" compare pool.cnn --plot mine.svg
expect 2 "there is no rewrite 'stride'" "$CNNC" check pool.cnn --rewrite stride
expect 2 '--rounds must be from 1' "$CNNC" compare pool.cnn --rounds 0
sed 's/stride_for_pool/pool_for_stride/' asked.cnn >bad.cnn
expect 1 "takes none or stride_for_pool, not 'pool_for_stride'" "$CNNC" check bad.cnn
sed '/^data {/,/^}/d; s/data.shape/26x26x3/; s/data.classes/3/' plain.cnn >nodata.cnn
expect 1 "has no 'data' section" "$CNNC" compare nodata.cnn
exit $failed
