# Networks as libraries of C, and as bare objects: the outputs of `cnnc eval` to the bit; several in one program, used by several
# threads; trained and saved; wrong calls are told.
set -eu
top=$PWD
. tests/expect.sh
folder=$(mktemp -d)
export XDG_CACHE_HOME=$folder/cache
cd "$folder"
python3 "$top/tests/data/make_patterns.py" data --count 48
for name in Small Other; do
    cat >$name.cnn <<END
model $name {
    input data.shape
    conv $([ $name = Small ] && echo 5 || echo 7), 3x3 -> batchnorm -> relu -> maxpool 2
    flatten
    dense data.classes -> softmax
}
data {
    idx "data"
    split validation=25%, seed=1
    standardize
}
train {
    optimizer adam, rate=0.01
    batch 10
    epochs 2
}
END
    trains $name $name.cnn --no-out
    expect 0 'test  loss' "$CNNC" eval $name.cnn --weights $name.safetensors --outputs $name.npy
    expect 0 'kernels' "$CNNC" build $name.cnn --library $name.a --embed-weights $name.safetensors
done
expect 0 'kernels' "$CNNC" build Small.cnn --library small.so
expect 0 'kernels' "$CNNC" build Small.cnn --bare small-bare.o --embed-weights Small.safetensors

# ---- A caller: both networks, in three threads, beside each other ----
cat >caller.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Other.h"
#include "Small.h"

enum { SAMPLES = 12, TIMES = 20 };
static uint8_t samples[SAMPLES][SMALL_HEIGHT][SMALL_WIDTH][SMALL_CHANNELS];

static void check(int fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "error: %s\n", what);
        exit(1);
    }
}

static void *use_other(void *network)
{
    static float first[SAMPLES][OTHER_OUTPUTS], again[SAMPLES][OTHER_OUTPUTS];
    check(other_predict(network, &samples[0][0][0][0], OTHER_HEIGHT, OTHER_WIDTH, SAMPLES, first[0]) == 0, "other");
    for (int i = 0; i < TIMES; i++) {
        other_predict(network, &samples[0][0][0][0], OTHER_HEIGHT, OTHER_WIDTH, SAMPLES, again[0]);
        check(memcmp(first, again, sizeof first) == 0, "other answers");
    }
    fwrite(first, 1, sizeof first, stderr);
    return NULL;
}

static void *use_small(void *network)
{
    float first[SAMPLES][SMALL_OUTPUTS], again[SAMPLES][SMALL_OUTPUTS];
    check(small_predict(network, &samples[0][0][0][0], SMALL_HEIGHT, SMALL_WIDTH, SAMPLES, first[0]) == 0, "small");
    for (int i = 0; i < TIMES; i++) {
        small_predict(network, &samples[0][0][0][0], SMALL_HEIGHT, SMALL_WIDTH, SAMPLES, again[0]);
        check(memcmp(first, again, sizeof first) == 0, "small answers");
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char error[512];
    float outputs[SAMPLES][SMALL_OUTPUTS];
    pthread_t threads[3];
    FILE *file = fopen(argv[1], "rb");
    check(argc > 1 && file && fseek(file, 16, SEEK_SET) == 0 && fread(samples, 1, sizeof samples, file) == sizeof samples, "data");
    fclose(file);
    check(small_abi() == SMALL_ABI, "ABI");
    check(!small_open("nowhere.safetensors", 1, error, sizeof error) && strstr(error, "nowhere"), "opened nothing");
    small_network *small = small_open(NULL, 2, error, sizeof error);
    other_network *other = other_open("Other.safetensors", 1, error, sizeof error);
    check(small && other, error);
    check(pthread_create(&threads[0], NULL, use_small, small) == 0 && pthread_create(&threads[1], NULL, use_other, other) == 0 &&
              pthread_create(&threads[2], NULL, use_small, small) == 0,
          "threads");
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check(small_predict(small, &samples[0][0][0][0], SMALL_HEIGHT, SMALL_WIDTH, SAMPLES, outputs[0]) == 0, small_error(small));
    fwrite(outputs, 1, sizeof outputs, stdout);
    check(small_predict(small, &samples[0][0][0][0], SMALL_HEIGHT + 1, SMALL_WIDTH, 1, outputs[0]) == 1 &&
              strstr(small_error(small), "the network takes"),
          "a sample of another size");
    check(small_class(small, 0) && !small_class(small, SMALL_OUTPUTS) && !small_class(small, -1), "names");

    /* Trained on what it gets, it knows it better. */
    static float input[SMALL_BATCH][SMALL_INPUT];
    int32_t labels[SMALL_BATCH];
    float loss, before = 0;
    for (int i = 0; i < SMALL_BATCH; i++) {
        labels[i] = i % SMALL_OUTPUTS;
        for (int k = 0; k < SMALL_INPUT; k++)
            input[i][k] = (float)(k % SMALL_OUTPUTS == labels[i]);
    }
    for (int i = 0; i < 30; i++) {
        check(small_train(small, input[0], labels, SMALL_BATCH, 0.01f, &loss) == 0, small_error(small));
        before = i ? before : loss;
    }
    check(loss < before / 2, "nothing is learnt");
    check(small_forward(small, input[0], SMALL_BATCH, outputs[0]) == 0, "forward");
    labels[0] = SMALL_OUTPUTS;
    check(small_train(small, input[0], labels, 1, 0.01f, NULL) == 1 && strstr(small_error(small), "has class"), "a class that there is not");
    check(small_train(small, input[0], labels, SMALL_BATCH + 1, 0.01f, NULL) == 2, "more than a batch");
    check(small_save(small, "trained.safetensors") == 0, small_error(small));
    check(small_save(small, "nowhere/w.safetensors") != 0, "saved nowhere");
    small_close(small);
    small_close(NULL);
    other_close(other);
    return 0;
}
END
sanitizer=
if grep -q '^CNNC_SANITIZE:BOOL=ON' "$CNNC_BUILD/CMakeCache.txt"; then
    sanitizer=-fsanitize=address,undefined
fi
test_images=$(ls data/t10k-images*)
expect 0 '' cc -std=c11 -Wall -Wextra -Werror $sanitizer caller.c Small.a Other.a -lpng -ljpeg -lz -lpthread -lm -o caller
./caller "$test_images" >outputs 2>others || wrong "the caller: $(tail -n 3 others)"
for pair in 'Small outputs' 'Other others'; do
    set -- $pair
    bytes=$(wc -c <$2)
    tail -c $bytes $1.npy >wanted
    same wanted $2 "$1: the library's outputs and those of cnnc eval"
done
expect 0 'test  loss' "$CNNC" eval Small.cnn --weights trained.safetensors

# ---- A thread with a small stack: what kernels keep there lies on threads of the library's own ----
cat >Wide.cnn <<END
model Wide {
    input data.shape
    conv 64, 3x3 -> relu -> conv 128, 3x3, stride=2 -> relu
    globalpool avg -> dense data.classes -> softmax
}
data {
    idx "data"
    resize 28x28
    scale 0..1
}
train {
    batch 8
}
END
trains Wide Wide.cnn --no-out --epochs 1
expect 0 'kernels' "$CNNC" build Wide.cnn --library Wide.a --embed-weights Wide.safetensors
cat >narrow.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include "Wide.h"

#ifdef __SANITIZE_ADDRESS__
enum { STACK = 512 << 10 }; /* its frames are larger */
#else
enum { STACK = 64 << 10 };
#endif
enum { BELOW = 4 << 20 }; /* nothing may be touched there: a guard page is skipped by large frames */

static void *use(void *threads)
{
    static float input[WIDE_BATCH][WIDE_INPUT];
    static uint8_t sample[WIDE_HEIGHT][WIDE_WIDTH][WIDE_CHANNELS];
    float outputs[WIDE_OUTPUTS];
    int32_t labels[WIDE_BATCH] = {0};
    char error[512];
    wide_network *network = wide_open(NULL, *(int *)threads, error, sizeof error);
    int fine = network && wide_predict(network, &sample[0][0][0], WIDE_HEIGHT, WIDE_WIDTH, 1, outputs) == 0 &&
               wide_train(network, input[0], labels, WIDE_BATCH, 0.01f, NULL) == 0 &&
               wide_save(network, "narrow.safetensors") == 0;
    wide_close(network);
    return fine ? threads : NULL;
}

int main(void)
{
    char *room = mmap(NULL, BELOW + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect(room + BELOW, STACK, PROT_READ | PROT_WRITE) != 0)
        return 1;
    for (int threads = 1; threads <= 2; threads++) {
        pthread_attr_t attributes;
        pthread_t thread;
        void *answer = NULL;
        pthread_attr_init(&attributes);
        if (pthread_attr_setstack(&attributes, room + BELOW, STACK) != 0 || pthread_create(&thread, &attributes, use, &threads) != 0)
            return 1;
        pthread_join(thread, &answer);
        if (!answer)
            return 1;
    }
    return 0;
}
END
expect 0 '' cc -std=c11 -Wall -Wextra -Werror $sanitizer narrow.c Wide.a -lpng -ljpeg -lz -lpthread -lm -o narrow
expect 0 '' ./narrow

# Only the functions of the header can be seen.
[ "$(nm -D --defined-only small.so | awk '{ print $3 }' | grep -v '^small_' | tr '\n' ' ')" = '' ] || wrong "small.so shows $(nm -D --defined-only small.so)"
[ "$(nm --defined-only -g Small.a | awk 'NF == 3 { print $3 }' | grep -vc '^small_')" = 0 ] || wrong 'Small.a shows more than it should'
cat >without.py <<'END'
import ctypes

library = ctypes.CDLL("./small.so")
library.small_open.restype = ctypes.c_void_p
error = ctypes.create_string_buffer(200)
assert not library.small_open(None, 1, error, ctypes.c_size_t(200)) and b"no weights are inside" in error.value, error.value
END
[ -n "$sanitizer" ] || python3 without.py || wrong 'a library without weights inside'

# ---- Bare ----
[ -z "$(nm -u small-bare.o | grep -vE ' U (memcpy|memset)$')" ] || [ -n "$sanitizer" ] || wrong "the bare object needs $(nm -u small-bare.o)"
cat >bare.c <<'END'
#include <math.h>
#include <stdio.h>

#include "small-bare.h"

int main(int argc, char **argv)
{
    enum { SAMPLES = 12 };
    FILE *file = fopen(argv[argc - 1], "rb");
    if (!file || fseek(file, 16, SEEK_SET) != 0)
        return 1;
    for (int i = 0; i < SAMPLES; i++) {
        unsigned char sample[SMALL_INPUT];
        float input[SMALL_INPUT], outputs[SMALL_OUTPUTS];
        if (fread(sample, 1, sizeof sample, file) != sizeof sample)
            return 1;
        for (int k = 0; k < SMALL_INPUT; k++)
            input[k] = ((float)sample[k] - SMALL_DATA_MEAN[0]) / SMALL_DATA_DEVIATION[0];
        small_predict(input, outputs);
        for (int k = 0; k < SMALL_OUTPUTS; k++)
            printf("%.9g\n", (double)outputs[k]);
    }
    return 0;
}
END
expect 0 '' cc -std=c11 -Wall -Wextra -Werror bare.c small-bare.o -lm -o bare
./bare "$test_images" >bare.txt || wrong 'the bare object'
python3 - <<'END' || wrong 'the bare object has other outputs'
import struct

wanted = open("outputs", "rb").read()
wanted = struct.unpack("<%df" % (len(wanted) // 4), wanted)
found = [float(line) for line in open("bare.txt")]
assert len(wanted) == len(found) and all(abs(a - b) < 1e-5 for a, b in zip(wanted, found))
END

# ---- Mistakes ----
expect 2 'ends neither in .so nor in .a' "$CNNC" build Small.cnn --library small
expect 2 'contradict each other' "$CNNC" build Small.cnn --library small.so -o small
expect 2 'weights must be inside' "$CNNC" build Small.cnn --bare small.o
expect 2 'one sample at a time' "$CNNC" build Small.cnn --bare small.o --embed-weights Small.safetensors --batch 4
expect 2 'takes one processor' "$CNNC" build Small.cnn --bare small.o --embed-weights Small.safetensors --march x86-64,x86-64-v3
expect 2 '--static is for programs' "$CNNC" build Small.cnn --library small.so --static
echo text >text.a
expect 2 "is not a library" "$CNNC" build Small.cnn --library text.a
echo 'int mine;' >mine.h
expect 2 'is not a header that cnnc wrote' "$CNNC" build Small.cnn --library mine.so
expect 2 'cannot write' "$CNNC" build Small.cnn --library nowhere/small.so
expect 3 'cannot start the linker' env PATH=/nowhere "$CNNC" build Small.cnn --library late.so
[ ! -e late.so ] && [ ! -e late.h ] && [ -z "$(ls | grep part)" ] || wrong 'left behind'
exit $failed
