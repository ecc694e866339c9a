# The same model, data and seed give the same bits: for 1, 2 and 3 threads, for a second run, for code from the cache and
# compiled anew, with and without fusion, in f32, bf16 and f16.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_patterns.py" data --count 90
cat >m.cnn <<'END'
model Bits {
    input data.shape
    conv 6, 3x3 -> relu -> maxpool 2
    residual {
        conv 6, 3x3, pad=same -> batchnorm -> relu -> dropout 10%
        conv 6, 3x3, pad=same
    }
    depthwise 3x3, pad=same -> groupnorm 2 -> gelu -> avgpool 2, pad=same
    flatten
    dense 16 -> layernorm -> silu -> dropout 30%
    dense data.classes -> softmax
}
data {
    idx "data"
    split validation=20%, seed=1
    standardize
    augment {
        rotate 10deg
        shift 10%, 10%
        flip horizontal
    }
}
train {
    loss cross_entropy, smoothing=5%
    optimizer adamw, rate=0.01, decay=0.01
    schedule { warmup 4 steps -> cosine to=1e-4 }
    clip norm=0.5
    batch 19, accumulate=2 # several slices, and a smaller one at the end
    epochs 6
    seed 3
}
END
# A wide one, whose convolutions are computed by Winograd's filtering.
sed '/^    input/a\    conv 48, 3x3, pad=same -> batchnorm -> relu\n    conv 64, 3x3, pad=same -> batchnorm -> relu' m.cnn |
    sed 's/epochs 6/epochs 2/' >wide.cnn
sed 's/^    seed 3/    precision bf16\n    seed 3/' m.cnn >bf16.cnn
sed 's/bf16/f16/' bf16.cnn >f16.cnn
sed 's/batch 19, accumulate=2.*/batch 1, accumulate=3/; s/epochs 6/epochs 2/' m.cnn >one.cnn # the workers divide each picture
sed 's/flip horizontal/flip horizontal -> randaugment 1 -> mixup 0.4 -> cutmix 1/; s/epochs 6/epochs 2/' m.cnn >mixed.cnn

equal() {
    same "$1.safetensors" "$2.safetensors" "$3: other weights"
    same "$1.losses" "$2.losses" "$3: other losses"
}

for model in m bf16 f16 one wide mixed; do
    trains $model-1 $model.cnn --threads 1
    trains $model-2 $model.cnn --threads 2
    trains $model-3 $model.cnn --threads 3
    trains $model-again $model.cnn --threads 3
    equal $model-1 $model-2 "$model: two threads"
    equal $model-1 $model-3 "$model: three threads"
    equal $model-3 $model-again "$model: the same again"
done
grep -q '^0 kernels compiled' "$answer" || wrong 'a second run compiles again'
trains fresh m.cnn --threads 2 --no-cache
equal m-1 fresh 'compiled without the cache'
trains plain-1 m.cnn --threads 1 --no-fuse
trains plain-3 m.cnn --threads 3 --no-fuse
equal plain-1 plain-3 'unfused, three threads'
trains other m.cnn --seed 4
expect 0 'conv by Winograd' "$CNNC" explain wide.cnn
expect 0 '' "$CNNC" explain wide.cnn --exact
if grep -q Winograd "$answer"; then wrong '--exact leaves convolutions to Winograd'; fi
trains exact wide.cnn --exact
{ cat wide.cnn && printf 'compile {\n    exact true\n}\n'; } >exact.cnn
trains asked exact.cnn
equal exact asked '--exact and exact true'
! cmp -s wide-1.safetensors exact.safetensors || wrong 'Winograd rounds as the convolution does'
near_losses wide-1.losses exact.losses 1e-3 'losses with and without Winograd differ'
[ "$(wc -l <m-1.losses)" = 12 ] || wrong "$(wc -l <m-1.losses) steps are in the log instead of 12"
! cmp -s m-1.safetensors other.safetensors || wrong 'another seed gives the same weights'
! cmp -s m-1.safetensors bf16-1.safetensors || wrong 'bf16 gives the weights of f32'
! cmp -s f16-1.safetensors bf16-1.safetensors || wrong 'f16 gives the weights of bf16'
# Unfused, the order of sums may differ, so only nearly the same.
near_losses m-1.losses plain-1.losses 1e-3 'fused and unfused losses differ'

# Where it runs makes no difference.
mkdir elsewhere
cd elsewhere
trains ../moved ../m.cnn
cd ..
equal m-1 moved 'from another folder'

# A damaged cache is not believed.
for object in cache/cnnc/*.o; do
    printf 'XXXXXXXX' | dd of="$object" bs=1 seek=300 conv=notrunc status=none
done
trains damaged m.cnn
equal m-1 damaged 'a damaged cache'
for object in cache/cnnc/*.o; do
    truncate -s 100 "$object"
done
trains cut m.cnn
equal m-1 cut 'a cache cut short'
exit $failed
