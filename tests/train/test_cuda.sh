# A training on a GPU that is none (tests/cuda): the very text of the kernels, compiled for the processor, behind a fake driver; its numbers
# beside the CPU's, its interruption and going on, its messages.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 40 --size 12 >/dev/null
cat >m.cnn <<'END'
model A {
    input data.shape
    conv 8, 3x3, pad=same -> relu -> maxpool 2
    residual { conv 8, 3x3, pad=same -> batchnorm -> relu }
    depthwise 3x3, pad=same -> relu
    flatten -> dropout 20%
    dense 16 -> relu -> dense data.classes -> softmax
}
data {
    folder "shapes"
    split validation=20%, seed=1
    resize 12x12
    standardize
}
train {
    loss cross_entropy -> optimizer adam, rate=0.01
    batch 16
    epochs 4
}
END

# Without a driver: what is missing, and the exit code of a machine that cannot.
expect 3 'the device cuda: there is no NVIDIA driver here' env CNNC_CUDA_LIB=/nonexistent "$CNNC" run m.cnn --device cuda
expect 2 "'sm_70' is no GPU architecture from sm_80 on" "$CNNC" emit m.cnn --stage cuda --gpu sm_70
expect 2 "there is no device 'gpu'; it is auto, cpu or cuda" "$CNNC" run m.cnn --device gpu

export CNNC_CUDA_LIB=$CNNC_BUILD/tests/cuda/lib
trains cpu m.cnn --device cpu
trains gpu m.cnn --device cuda
near_losses gpu.losses cpu.losses 1e-4 'a GPU learns something else than the CPU'

# Interrupted and gone on with: the same bits.
expect 0 '' "$CNNC" run m.cnn --device cuda --quiet --out half --epochs 2
expect 0 '' "$CNNC" run m.cnn --device cuda --quiet --resume=half --epochs 4
expect 0 '' "$CNNC" run m.cnn --device cuda --quiet --out whole
same whole/last.safetensors half/last.safetensors 'a training on a GPU that was gone on with'

# What was learnt there is evaluated alike here.
for device in cuda cpu; do
    expect 0 '' "$CNNC" eval m.cnn --weights whole/best.safetensors --device $device
    grep -o 'loss.*' "$answer" >$device.eval
done
same cuda.eval cpu.eval 'an evaluation on a GPU'

# By tensor cores, whose products are of bf16.
trains small m.cnn --device cuda --set train.precision=bf16 --epochs 2
head -n "$(wc -l <small.losses)" cpu.losses >some.losses
near_losses small.losses some.losses 0.05 'the tensor cores learn something else'
expect 0 'cnnc_mma_bf16(c0[j]' "$CNNC" emit m.cnn --stage cuda --gpu sm_90 --set train.precision=bf16
exit $failed
