# Data ten times larger than all the memory that a training may take: a folder of pictures, an array, `cache disk`. The limit
# is that of `ulimit -v` (the address space, code and libraries included), so the trainings are standalone trainers.
set -eu
. tests/expect.sh
if nm -D "$CNNC" 2>/dev/null | grep -q __asan_init || nm "$CNNC" 2>/dev/null | grep -q __asan_init; then
    echo 'the address sanitizer takes more address space than any limit leaves'
    exit 77
fi
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
limit_mib=28

# 281 MiB, as samples of 256x256x3 bytes: pictures that are stored, not packed; and an array with holes in it.
python3 - <<'EOF'
import os, struct, zlib
SIZE, COUNT = 256, 1500


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def begin(path, shape):
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    file = open(path, "wb")
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
    return file


row = bytes(range(256)) * 3
for c in range(2):
    os.makedirs(f"pictures/{c}")
    raw = b"".join(b"\0" + bytes([c * 90 + y % 90]) + row[1:] for y in range(SIZE))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(raw, 0)) + chunk(b"IEND", b"")
    for i in range(COUNT // 2):
        with open(f"pictures/{c}/{i:04}.png", "wb") as file:
            file.write(png)
with begin("x.npy", (COUNT, SIZE, SIZE, 3)) as file:
    file.truncate(file.tell() + COUNT * SIZE * SIZE * 3)
with begin("y.npy", (COUNT,)) as file:
    file.write(bytes(i % 2 for i in range(COUNT)))
EOF
data_mib=$((1500 * 256 * 256 * 3 >> 20))
[ $data_mib -ge $((10 * limit_mib)) ] || wrong "$data_mib MiB of data are less than ten times the limit"

# model NAME SOURCE: NAME, a trainer.
model() {
    cat >"$1.cnn" <<END
model Limited {
    input data.shape
    avgpool 8 -> conv 4, 3x3 -> relu
    flatten -> dense data.classes -> softmax
}
data {
    $2
    split validation=10%, seed=1
    scale 0..1
}
train {
    batch 2
    epochs 2
}
END
    expect 0 'kernels in' "$CNNC" build "$1.cnn" -o "$1"
}
# limited NAME: it trains to its end. (Each thread's stack is address space too.)
limited() {
    expect 0 'weights written' bash -c "ulimit -s 256 -v $((limit_mib * 1024)); exec ./$1 --threads 2 --save $1.safetensors"
}

model arrays 'arrays x="x.npy", y="y.npy"'
model folder 'folder "pictures"'
model cached 'folder "pictures" -> cache disk'
model memory 'folder "pictures" -> cache memory'
limited arrays
limited folder
limited cached
grep -q "^cache: $data_mib\.[0-9] MiB on disk" "$answer" || wrong "the size of the cache: $(cat "$answer")"
same folder.safetensors cached.safetensors 'with cache disk: other weights'
limited cached
grep -q '^cache: decoded samples are in ' "$answer" || wrong "the cache is not whole: $(cat "$answer")"
same folder.safetensors cached.safetensors 'from the whole cache: other weights'
limited memory
grep -q '^the cache needs 0.3 GiB of memory, and 0.0 GiB are free' "$answer" || wrong "cache memory: $(cat "$answer")"
exit $failed
