# The commands that read a model, on a small one: what they print, and what is the same whichever way it is reached.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 30 --size 24 >/dev/null
rm "$folder"/shapes/disc/002?.png # so that the classes are unequal
cd "$folder"
cat >m.cnn <<'END'
let width = 4
model M {
    input data.shape
    stem = conv width, 3x3 -> relu -> maxpool 2
    from stem -> conv width, 3x3, pad=same -> add stem
    flatten
    dense 8 -> relu -> dropout 20%
    dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 12x12
    scale 0..1
}
train {
    optimizer adam
    batch 8
    epochs 2
}
END
failed=0
wrong() {
    echo "$*"
    failed=1
}
# prints TEXT ARGUMENT…: the command succeeds and prints the text, blanks apart.
prints() {
    local text=$1
    shift
    "$CNNC" "$@" >out 2>err || wrong "cnnc $*: exit code $?: $(cat err)"
    tr -s ' ' <out | grep -qF -- "$text" || wrong "cnnc $*: \"$text\" is not in: $(cat out)"
}

# The table: 3*3*3*4 + 4 parameters; 10 * 10 * 4 * (2 * 27 + 1) operations.
prints 'conv1 conv 10x10x4 112 22.0 k' show m.cnn
prints '"maxpool1" -> "add1"' show --dot m.cnn
prints 'conv1 conv 10x10x2 56 11.0 k' show -D width=2 m.cnn
prints 'batch 16' check --batch 16 m.cnn
prints 'batch 5' check --set train.batch=5 m.cnn
prints '64 training, 16 validation' check m.cnn
prints ' disc 16 ####' check m.cnn
for stage in ast program graph plan kernel llvm asm; do
    prints '' emit --stage $stage m.cnn
    [ -s out ] || wrong "cnnc emit --stage $stage printed nothing"
done
prints 'kernel conv1:' emit --stage kernel --kernel conv1: m.cnn

# Fused or not, from the cache or not: the same weights, to the bit where nothing but the way differs.
prints ' 0 from the cache' run m.cnn --save fresh.safetensors
prints '0 kernels compiled' run m.cnn --save cached.safetensors
prints ' 0 from the cache' run m.cnn --no-cache --threads 1 --save no-cache.safetensors
cmp fresh.safetensors cached.safetensors || wrong 'a cached kernel is another kernel'
cmp fresh.safetensors no-cache.safetensors || wrong 'other numbers without the cache, on one thread'
prints 'kernels compiled' run m.cnn --no-fuse --epochs 1
"$CNNC" emit --stage plan --no-fuse m.cnn >unfused
prints '' emit --stage plan --fuse none m.cnn
cmp out unfused || wrong '--fuse none is not --no-fuse'
"$CNNC" emit --stage plan m.cnn >fused
prints '' emit --stage plan --fuse=all m.cnn
cmp out fused || wrong '--fuse=all leaves fusions out'
prints 'is the fastest' compare --steps 3 m.cnn
prints 'accuracy' eval m.cnn --weights fresh.safetensors --outputs out.npy
[ -s out.npy ] || wrong 'eval wrote no outputs'

# The standalone trainer: needs no LLVM, trains to the same bits.
prints 'trainer' build m.cnn -o trainer
if ldd trainer | grep -q LLVM; then
    wrong 'the trainer needs LLVM'
fi
./trainer --save built.safetensors >out 2>&1 || wrong "the trainer: exit code $?: $(cat out)"
cmp fresh.safetensors built.safetensors || wrong 'the trainer trains to other weights than cnnc run'

# The memory that check foresees is what a run takes, to the rounding of what is printed.
foreseen=$("$CNNC" check --batch 4096 m.cnn 2>/dev/null | sed -n 's/^memory: \([0-9.]* MiB\) .*/\1/p')
taken=$("$CNNC" run --batch 4096 --steps 1 m.cnn 2>/dev/null | sed -n 's/.* threads*, \([0-9.]* MiB\)$/\1/p')
echo "${foreseen% MiB} ${taken% MiB}" | awk '{ d = $1 - $2; exit !($2 > 20 && d < 0.5 && d > -0.5) }' ||
    wrong "check foresees $foreseen of memory, run takes $taken"

# Mistakes: one message, the right exit code, nothing half-written.
fails() {
    local status=$1 text=$2 got=0
    shift 2
    "$CNNC" "$@" >out 2>&1 || got=$?
    if [ $got != "$status" ] || ! grep -qF -- "$text" out; then
        wrong "cnnc $*: exit code $got, expected $status and \"$text\": $(cat out)"
    fi
}
fails 1 '[unknown-define]' check -D height=3 m.cnn
fails 2 "no kernel's name contains 'zzz'" emit --stage kernel --kernel zzz m.cnn
fails 1 'missing.safetensors' eval m.cnn --weights missing.safetensors
fails 2 'nowhere' build m.cnn -o nowhere/trainer
sed 's/^train {/compile { fuse poll }\ntrain {/' m.cnn >bad.cnn
fails 1 "there is no fusion 'poll'" check bad.cnn
sed 's/dense data.classes/dense 7/' m.cnn >bad.cnn
fails 1 '[output-classes]' check bad.cnn
exit $failed
