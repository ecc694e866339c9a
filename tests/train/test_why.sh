# cnnc why: the split adds up, the ideas are tried, ranked and told alike in the table and the JSON; each idea can be written, passes
# the check, and keeps what the user wrote; what it says to mistakes; and that it leaves nothing behind.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 26 >/dev/null
cd "$folder"
cat >m.cnn <<'MODEL'
# shapes, a first try
model Why {
    input data.shape
    conv 16, 3x3 -> relu -> maxpool 2  # edges
    flatten
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 26x26
    augment {
        rotate 20deg
        flip horizontal  # shapes have no sides
    }
    standardize
}
train {
    optimizer adam
    batch 8
}
MODEL
mkdir elsewhere

# The table and the JSON.
expect 0 "Where the epoch's time goes" "$CNNC" why m.cnn --seconds 1 --threads 2 --json w.json \
    --ideas bf16,cache_disk,loader_threads_1
cp "$answer" table
if awk 'length > 100' table | grep .; then wrong 'lines longer than 100 characters'; fi
ls cache/cnnc/samples-* runs 2>/dev/null && wrong 'it leaves files behind'
python3 - w.json table <<'PYTHON' || wrong "the figures do not fit each other: $(cat table)"
import json, math, re, sys
report = json.load(open(sys.argv[1]))
table = open(sys.argv[2]).read()
assert report["report"] == "why" and report["model"] == "m.cnn" and report["batch"] == 8 and report["threads"] == 2
assert report["images"] == 72 and report["validation_images"] == 18
parts = [report[key + "_seconds"] for key in ("wait", "forward", "backward", "update", "between", "slowed", "validation")]
assert all(part >= 0 for part in parts) and math.isclose(sum(parts), report["epoch_seconds"], rel_tol=0.02), (parts, report)
assert min(report[key + "_core_seconds"] for key in ("reading", "transforming", "augmenting")) > 0
assert report["loader_images_per_second"] > 0 and report["images_per_second"] > 0 and report["bound"]
assert {layer["layer"] for layer in report["layers"]} <= {"conv1", "relu1", "maxpool1", "flatten1", "dense1", "softmax1"}
assert report["layers"][0]["seconds"] == max(layer["seconds"] for layer in report["layers"])
ideas = {idea["name"]: idea for idea in report["ideas"]}
for name in "bf16", "cache_disk", "loader_threads_1":
    idea = ideas.pop(name)
    assert "refused" not in idea and 0.01 < idea["factor"] < 100, idea
    assert math.isclose(idea["epoch_seconds"] * idea["factor"], report["epoch_seconds"], rel_tol=1e-6), idea
    assert idea["change"] and idea["cost"] and idea["memory_bytes"] > 1e4 and idea["helps"] == (idea["factor"] >= idea["least_factor"]), idea
    assert idea["base_moved"] >= 1 and idea["least_factor"] >= max(1.03, idea["base_moved"]), idea
    assert re.search(r"^  %s +[\d.]+ m?s +[\d.]+ x  " % name, table, re.M), name
assert not ideas, ideas
assert ("The model as it is took up to" in table) == (max(idea["base_moved"] for idea in report["ideas"]) > 1.03), report["ideas"]
factors = [idea["factor"] for idea in report["ideas"]]
assert factors == sorted(factors, reverse=True), factors
PYTHON

# Each idea as a model: it passes the check, and the comments are where they were.
for idea in bf16 stride_for_pool half_input half_width batch_16 cache_memory cache_disk without_rotate without_augment; do
    expect 0 "$idea" "$CNNC" why m.cnn --apply $idea -o $idea.cnn
    expect 0 '' "$CNNC" check $idea.cnn
    grep -q '^# shapes, a first try$' $idea.cnn && grep -q 'maxpool 2  # edges$' $idea.cnn || wrong "$idea.cnn lost a comment"
    [ "$(diff m.cnn $idea.cnn | grep -c '^[<>]')" -le 5 ] || wrong "$idea.cnn differs in more than it should: $(diff m.cnn $idea.cnn)"
done
grep -q '^    resize 13x13$' half_input.cnn || wrong 'half_input.cnn has another size'
grep -q '^    conv 8, 3x3' half_width.cnn || wrong 'half_width.cnn has other filters'
expect 0 '' "$CNNC" why m.cnn --apply cache_memory,batch_16,bf16 -o three.cnn
sed -e 's/batch 8/batch 16/' -e 's/^    resize 26x26$/&\n    cache memory/' -e 's/^    batch 16$/&\n    precision bf16/' m.cnn | cmp - three.cnn ||
    wrong "three ideas at once: $(diff m.cnn three.cnn)"
expect 0 '' "$CNNC" run three.cnn --no-out
# What the command line says is in it; in another folder, the data are named by their whole paths.
expect 0 '' "$CNNC" why m.cnn --set train.batch=4 --rewrite stride_for_pool --apply bf16 -o set.cnn
for line in 'batch size=4' 'precision bf16' 'rewrite stride_for_pool'; do
    grep -q "$line" set.cnn || wrong "set.cnn has no '$line'"
done
expect 0 '' "$CNNC" why m.cnn --apply bf16 -o elsewhere/bf16.cnn
(cd / && expect 0 '' "$CNNC" check "$folder/elsewhere/bf16.cnn")
sed -e 's/data.shape/26x26x3/' -e '/resize/d' -e 's/augment {/resize 26x26\n    augment {/' m.cnn >fixed.cnn
expect 0 '' "$CNNC" why fixed.cnn --apply half_input -o fixed_half.cnn
grep -q 'input 13x13x3' fixed_half.cnn || wrong 'the input that is written out is not halved'

# Mistakes.
expect 2 'go together' "$CNNC" why m.cnn --apply bf16
expect 2 'go together' "$CNNC" why m.cnn -o x.cnn
expect 2 "--ideas: this model has no idea 'x'" "$CNNC" why m.cnn --ideas x
expect 2 'has nothing to choose' "$CNNC" why m.cnn --ideas bf16 --apply bf16 -o x.cnn
expect 2 "this model has no idea 'half'; it has bf16, f16, stride_for_pool, half_input" "$CNNC" why m.cnn --apply half -o x.cnn
expect 2 'call cnnc run with --loader-threads' "$CNNC" why m.cnn --threads 2 --apply loader_threads_4 -o x.cnn
expect 2 'is the model itself' "$CNNC" why m.cnn --apply bf16 -o m.cnn
expect 2 'it would be overwritten' "$CNNC" why m.cnn --apply bf16 -o three.cnn
expect 2 'nowhere' "$CNNC" why m.cnn --apply bf16 -o nowhere/x.cnn
expect 2 'nowhere' "$CNNC" why m.cnn --json nowhere/w.json
sed '/^data {/,/^}/d; s/data.shape/26x26x3/; s/data.classes/3/' m.cnn >nodata.cnn
expect 1 "has no 'data' section" "$CNNC" why nodata.cnn
expect 1 "has no 'data' section" "$CNNC" why nodata.cnn --apply bf16 -o x.cnn
printf 'let filters = 16\n' >part.cnn
{ echo 'import "./part.cnn"'; sed 's/conv 16/conv filters/' m.cnn; } >imports.cnn
expect 2 'takes no -D, --set or --batch here' "$CNNC" why imports.cnn --batch 4 --apply bf16 -o x.cnn
expect 2 "must be in its folder" "$CNNC" why imports.cnn --apply bf16 -o elsewhere/x.cnn
expect 0 '' "$CNNC" why imports.cnn --apply bf16 -o imports_bf16.cnn
[ ! -e x.cnn ] || wrong 'a model was written in spite of a mistake'
exit $failed
