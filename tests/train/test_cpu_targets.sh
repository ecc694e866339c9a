# Whole trainings with kernels for plainer processors: the same bits as on this machine where multiply-adds are fused, nearly the same
# where they are not; for any number of threads, from saved weights, evaluated, and built.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
cpus=()
if [ "$(uname -m)" = x86_64 ]; then
    cpus=(x86-64)
    grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo && cpus+=(x86-64-v3)
fi
if [ ${#cpus[@]} = 0 ]; then
    echo "skipped: there is no plainer processor than $(uname -m)"
    exit 77
fi
python3 "$top/tests/data/make_patterns.py" data --count 60
cat >m.cnn <<'END'
model Targets {
    input data.shape
    conv 6, 3x3 -> relu -> maxpool 2
    residual {
        conv 6, 3x3, pad=same -> batchnorm -> relu -> dropout 10%
        conv 6, 3x3, pad=same, dilation=2
    }
    depthwise 3x3, pad=same -> groupnorm 2 -> gelu -> avgpool 2, pad=same
    conv 18, 1x1, bias=false -> batchnorm -> silu
    conv 12, 3x3, stride=2, groups=2 -> tanh
    flatten
    dense 17 -> layernorm -> sigmoid
    dense data.classes -> softmax
}
data {
    idx "data"
    split validation=20%, seed=1
    standardize
}
train {
    loss cross_entropy, smoothing=5%
    optimizer adamw, rate=0.01, decay=0.01
    clip norm=0.5
    batch 19
    epochs 3
    seed 3
}
END
sed 's/^    seed 3/    precision bf16\n    seed 3/' m.cnn >bf16.cnn
sed 's/bf16/f16/' bf16.cnn >f16.cnn

for model in m bf16 f16; do
    trains $model $model.cnn
    for cpu in "${cpus[@]}"; do
        trains $model-$cpu $model.cnn --cpu $cpu --threads 1
        trains again $model.cnn --cpu $cpu --threads 2
        same $model-$cpu.safetensors again.safetensors "$model on $cpu: two threads"
        near_losses $model.losses $model-$cpu.losses "$([ $model = m ] && echo 1e-3 || echo 2e-2)" "$model on $cpu"
        trains plain $model.cnn --cpu $cpu --no-fuse
        near_losses $model.losses plain.losses "$([ $model = m ] && echo 1e-3 || echo 2e-2)" "$model on $cpu, unfused"
    done
    cmp -s $model.safetensors $model-x86-64.safetensors && grep -qw fma /proc/cpuinfo &&
        wrong "$model: fused and separate multiply-adds give the same bits: is it other code?"
done
for cpu in "${cpus[@]}"; do
    [ $cpu != x86-64-v3 ] || same m.safetensors m-$cpu.safetensors "$cpu: other bits than this machine"

    # Weights go from one processor to another.
    trains onward-$cpu m.cnn --cpu $cpu --start m.safetensors --epochs 1 --seed 4
    [ $cpu != x86-64-v3 ] || trains onward m.cnn --start m.safetensors --epochs 1 --seed 4
    [ $cpu != x86-64-v3 ] || same onward.safetensors onward-$cpu.safetensors "$cpu: from weights of this machine"

    # The same evaluation of the same weights.
    expect 0 'test  loss' "$CNNC" eval m.cnn --weights m.safetensors
    sed 's/  [0-9]* images.*//' "$answer" >one.txt
    expect 0 'test  loss' "$CNNC" eval m.cnn --weights m.safetensors --cpu $cpu
    sed 's/  [0-9]* images.*//' "$answer" >two.txt
    same one.txt two.txt "$cpu: the loss of eval"

    sed "s/^train {/compile { cpu \"$cpu\" }\n&/" m.cnn >named.cnn
    expect 0 'trainer' "$CNNC" build named.cnn -o trainer
    expect 0 'weights written' ./trainer --save built.safetensors
    same m-$cpu.safetensors built.safetensors "$cpu: the trainer"
done
exit $failed
