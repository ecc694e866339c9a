# Archives of every kind as programs make them: a training on each gives the bits of one on the folder; a trainer reads them too.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_shapes.py" shapes --count 12 --size 12 >/dev/null
long=$(printf 'n%.0s' {1..180})
cp shapes/disc/0001.png "shapes/disc/$long.png"
ln shapes/disc/0002.png shapes/square/linked.png
model() {
    cat >m.cnn <<END
model A {
    input data.shape
    conv 4, 3x3 -> relu -> maxpool 2
    flatten -> dense data.classes -> softmax
}
data {
    $1
    split validation=20%, seed=1
    resize 12x12
}
train {
    loss cross_entropy -> optimizer sgd, rate=0.1
    batch 8
    epochs 2
}
END
}
model 'folder "shapes"'
trains plain m.cnn
tar --format=gnu -cf x.tar shapes
tar --format=pax --sort=name -cf y.tar shapes
tar --format=posix -czf x.tar.gz shapes && cp x.tar.gz x.tgz
kinds='x.tar y.tar x.tar.gz x.tgz'
for pair in bzip2:x.tar.bz2:-j xz:x.tar.xz:-J zstd:x.tar.zst:--zstd; do
    IFS=: read -r program name flag <<<"$pair"
    command -v "$program" >/dev/null || continue
    tar "$flag" -cf "$name" shapes
    kinds+=" $name"
done
for name in $kinds; do
    model "archive \"$name\" { folder \"shapes\" }"
    trains "$name" m.cnn
    same plain.safetensors "$name.safetensors" "$name"
    case $name in
    *.tar) ! grep -q unpacked "$answer" || wrong "$name is unpacked" ;;
    *) grep -q "the archive is unpacked in $folder/cache/cnnc/$name-" "$answer" || wrong "$name: not told where it is" ;;
    esac
done
expect 0 "archive: unpacked in $folder/cache/cnnc/" "$CNNC" check m.cnn
[ "$(ls cache/cnnc/*.tar | wc -l)" = "$(wc -w <<<"${kinds//?.tar /}")" ] || wrong "not one file for each: $(ls cache/cnnc)"
# A trainer needs libarchive only where it reads an archive.
expect 0 '' "$CNNC" build m.cnn -o trainer
rm -r cache
expect 0 'weights written' ./trainer --save t.safetensors
same plain.safetensors t.safetensors 'the trainer'
model 'folder "shapes"'
expect 0 '' "$CNNC" build m.cnn -o trainer
! ldd trainer | grep -q libarchive || wrong 'a trainer that reads a folder needs libarchive'
# On a terminal a bar shows how far the unpacking is, once.
rm -r cache
model 'archive "x.tar.gz" { folder "shapes" }'
TERM=xterm script -qec "'$CNNC' check m.cnn" /dev/null >terminal </dev/null || wrong 'check fails on a terminal'
grep -q 'unpacking ' terminal || wrong 'no bar while an archive is unpacked'
TERM=xterm script -qec "'$CNNC' check m.cnn" /dev/null >terminal </dev/null || wrong 'check fails on a terminal'
! grep -q 'unpacking ' terminal || wrong 'a bar where nothing is unpacked'
# Damaged ones: one error, and nothing is left in the cache folder.
rm -r cache
for name in $kinds; do
    [ "$name" = "${name%.tar}" ] || continue
    head -c -40 "$name" >"cut-$name"
    model "archive \"cut-$name\" { folder \"shapes\" }"
    expect 1 "cut-$name: " "$CNNC" check m.cnn
done
[ -z "$(ls cache/cnnc | grep "tar$\|part$" || true)" ] || wrong "left in the cache: $(ls cache/cnnc)"
exit $failed
