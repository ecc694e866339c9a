# `cnnc import`: what it writes of a darknet network is checked, predicts and trains at once; what it cannot take, it says.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
python3 tests/data/make_shapes.py "$folder/shapes" --count 8 --size 16 >/dev/null
cd "$folder"

# numbers FILE COUNT: a .weights file of version 0.2 with this many numbers, all 1/64.
numbers() {
    python3 -c 'import struct, sys
open(sys.argv[1], "wb").write(struct.pack("<iiiq", 0, 2, 0, 0) + struct.pack("<f", 1 / 64) * int(sys.argv[2]))' "$1" "$2"
}

net='[net]
height=12
width=12
channels=3
'
# Three residuals that are alike, between layers that are not.
{
    printf '%s[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=leaky\n' "$net"
    for _ in 1 2 3; do
        printf '[convolutional]\nbatch_normalize=1\nfilters=2\nsize=1\nactivation=leaky\n'
        printf '[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=linear\n[shortcut]\nfrom=-3\nactivation=leaky\n'
    done
    printf '[maxpool]\nsize=2\nstride=2\n[avgpool]\n[connected]\noutput=2\nactivation=linear\n[softmax]\n'
} >net.cfg
count=$((4 * 4 + 108 + 3 * (4 * 2 + 8 + 4 + 72) + 2 + 8))
numbers net.weights $count
expect 0 "net.cnn: $count weights, in net.safetensors" "$CNNC" import net.cfg net.weights -o net.cnn
cat >expected <<'END'
# Made of net.cfg and net.weights by `cnnc import`. To go on from its weights:
#     cnnc run net.cnn --start net.safetensors
model net {
    input 12x12x3
    conv 4, 3x3, pad=1, name="conv_0" -> batchnorm eps=1e-5, name="norm_0" -> leaky 0.1
    repeat 3 {
        residual {
            conv 2, 1x1 -> batchnorm eps=1e-5 -> leaky 0.1
            conv 4, 3x3, pad=1
        }
        leaky 0.1
    }
    maxpool 2
    globalpool avg
    dense 2, name="dense_12" -> softmax
}

data {
    # To train on, name the data here. Pictures in a folder for each class:
    # folder "photos"
    resize 12x12, fit=crop
    scale 0..1
}

train {
    loss cross_entropy
    optimizer sgd, rate=0.001, momentum=0.9, decay=0.0001
    batch 32
    epochs 10
}
END
same net.cnn expected "another text: $(diff expected net.cnn)"
expect 0 'names no source' "$CNNC" check net.cnn
expect 0 'shapes/' "$CNNC" predict net.cnn --weights net.safetensors shapes
expect 1 "names no source, such as: folder" "$CNNC" run net.cnn --start net.safetensors --no-out

# With the folder of the pictures and the names of the classes, both in other places.
mkdir sub
ls shapes >names.txt
classes=$(wc -l <names.txt)
sed "s/output=2/output=$classes/" net.cfg >named.cfg
numbers named.weights $((count - 10 + 5 * classes))
expect 0 '' "$CNNC" import named.weights named.cfg -o sub/n.cnn --data shapes --classes names.txt
expect 0 '' "$CNNC" check sub/n.cnn
expect 0 'mean of the classes' "$CNNC" eval sub/n.cnn --weights sub/n.safetensors --all
expect 0 'weights written' "$CNNC" run sub/n.cnn --start sub/n.safetensors --epochs 1 --no-out --save on.safetensors
grep -q "$(head -n 1 names.txt)" "$answer" || "$CNNC" predict sub/n.cnn --weights sub/n.safetensors shapes | grep -q "$(head -n 1 names.txt)" ||
    wrong "the names of the classes are lost"
echo a >one.txt
expect 1 'names 1 classes, one a line, and the network has 2' "$CNNC" import net.cfg net.weights -o x.cnn --classes one.txt
[ ! -e x.cnn ] || wrong "x.cnn was written"

# Structure alone.
expect 0 'the files have no values for them' "$CNNC" import net.cfg -o bare.cnn
[ ! -e bare.safetensors ] || wrong "weights of nothing"

# Weight files that are not those of the network.
numbers short.weights $((count - 20))
expect 1 "'short.weights' ends in the kernel of layer 8, [convolutional], net.cfg:43:1: 62 numbers are there, and it needs 72" \
    "$CNNC" import net.cfg short.weights -o x.cnn
numbers long.weights $((count + 3))
expect 1 "'long.weights' has 3 numbers more than the network takes, behind layer 12, [connected]" "$CNNC" import net.cfg long.weights -o x.cnn
head -c 1001 net.weights >cut.weights
expect 1 "'cut.weights' has 1001 bytes, which are no whole number of weights" "$CNNC" import net.cfg cut.weights -o x.cnn
head -c 7 net.weights >tiny.weights
expect 1 "'tiny.weights' has 7 bytes" "$CNNC" import net.cfg tiny.weights -o x.cnn
head -c 18 net.weights >header.weights
expect 1 "'header.weights' ends in its header, after 18 bytes" "$CNNC" import net.cfg header.weights -o x.cnn
cp "$(ls shapes/*/* | head -n 1)" picture.weights
expect 1 "'picture.weights' is no darknet weight file" "$CNNC" import net.cfg picture.weights -o x.cnn
expect 2 "a .weights file has numbers only" "$CNNC" import net.weights -o x.cnn
expect 1 "cannot open 'no.weights'" "$CNNC" import net.cfg no.weights -o x.cnn

# The command line.
expect 2 "import: -o must say which model file to write: -o net.cnn" "$CNNC" import net.cfg
expect 2 "-o names a model file, which ends with .cnn, not 'net.txt'" "$CNNC" import net.cfg -o net.txt
expect 2 "'net.pb' ends as no file that can be imported" "$CNNC" import net.pb -o x.cnn
expect 2 "the files are not of one network" "$CNNC" import net.cfg net.pb -o x.cnn
expect 2 "the files are not of one network" "$CNNC" import net.cfg net.cfg -o x.cnn
echo 'no weights' >x.safetensors
expect 2 "'x.safetensors' is there already and is not a weight file" "$CNNC" import net.cfg net.weights -o x.cnn

# refused TEXT LINE…: a network with these lines behind its [net] is refused with a message that has the text.
refused() {
    local text=$1
    shift
    { printf '%s' "$net"; printf '%s\n' "$@"; } >bad.cfg
    expect 1 "$text" "$CNNC" import bad.cfg -o y.cnn
}
refused "bad.cfg:5:1: error: cnnc has nothing that does what [local] does" '[local]' 'size=3'
refused "[yolo]: the network finds objects" '[yolo]'
refused "bad.cfg:6:12: error: cnnc has no activation 'leaki'" '[convolutional]' 'activation=leaki'
grep -q "did you mean 'leaky'" "$answer" || wrong "no suggestion"
refused "'xnor' of [convolutional] is not known here" '[convolutional]' 'xnor=1'
refused "bad.cfg:6:9: error: 'filters' is an integer from 1 to 1048576" '[convolutional]' 'filters=many'
refused "'filters' is an integer" '[convolutional]' 'filters=99999999999999999999'
refused "'probability' is a number from 0 to 0.999" '[dropout]' 'probability=2'
refused "a window of 20x20 is larger than its input of 12x12" '[maxpool]' 'size=1' '[convolutional]' 'size=20'
refused "a pool with a window of 17x17" '[upsample]' '[maxpool]' 'size=17' 'stride=9'
refused "neither '[section]' nor 'option=value'" '[softmax]' 'groups'
refused "a section is written [name]" '[softmax'
refused "'size' stands twice in this section" '[maxpool]' 'size=2' 'size=3'
refused "there is no layer 4 before this one, which is number 0" '[route]' 'layers=4'
refused "there is no layer -3 before this one" '[avgpool]' '[shortcut]' 'from=-3'
refused "[route] needs 'layers'" '[route]'
refused "[shortcut] needs 'from'" '[shortcut]'
refused "[scale_channels] needs one layer as 'from'" '[scale_channels]'
refused "'layers' is at most 64 integers, separated by commas" '[route]' 'layers=-1,,2'
refused "'add' cannot join values of 6x6x1 and 12x12x1" '[convolutional]' '[maxpool]' 'size=2' 'stride=2' '[shortcut]' 'from=-2'
refused "3 channels and 4 filters do not fall into 2 groups" '[convolutional]' 'filters=4' 'groups=2'
refused "the network ends with a picture of 12x12x1" '[convolutional]'
refused "a softmax over all values of a picture" '[softmax]'
refused "'temperature' is a number from 1 to 1" '[avgpool]' '[softmax]' 'temperature=2'
printf 'height=3\n' >bad.cfg
expect 1 "an option before the first section" "$CNNC" import bad.cfg -o y.cnn
printf '[avgpool]\n' >bad.cfg
expect 1 "the first section is [net], not [avgpool]" "$CNNC" import bad.cfg -o y.cnn
printf '[net]\nheight=3\n' >bad.cfg
expect 1 "[net] needs height, width and channels" "$CNNC" import bad.cfg -o y.cnn
printf '# nothing\n' >bad.cfg
expect 1 "the file has no section" "$CNNC" import bad.cfg -o y.cnn
printf '[net]\n\0' >bad.cfg
expect 1 "a zero byte: this is no text" "$CNNC" import bad.cfg -o y.cnn
[ ! -e y.cnn ] || wrong "y.cnn was written"
exit $failed
