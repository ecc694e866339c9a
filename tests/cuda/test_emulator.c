/* Kernels on the emulator compute what plain C does, whatever the order of their threads; and what is wrong
 * in a kernel is found: each fault below was put into one that is right. */
#include <math.h>

#include "fake_test.h"
#include "runtime/half.h"

enum { BUFFERS = 5, LAUNCHED = 0, LAUNCH_FAILED = 719, ILLEGAL_ADDRESS = 700 };

/* A kernel of kernels/NAME.cu with its arguments; the buffer `result`, and perhaps the last, is compared. */
typedef struct {
    const char *name;
    unsigned grid[3];
    unsigned threads;
    int buffers;
    const void *values[BUFFERS]; /* NULL: written */
    size_t bytes[BUFFERS];
    int result;
    const float *expected[2];
    float tolerance;
    int samples;
} Case;

static float noise(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / (1 << 23) - 1;
}

static void fill(float *values, int count, unsigned seed)
{
    for (int i = 0; i < count; i++)
        values[i] = noise(&seed);
}

enum { SAMPLES = 3 };

static const Case *convolution(void)
{
    static float x[SAMPLES * 16 * 16 * 4], w[9 * 4 * 8], bias[8], y[SAMPLES * 8 * 8 * 8];
    fill(x, sizeof x / sizeof *x, 1);
    fill(w, sizeof w / sizeof *w, 2);
    fill(bias, 8, 3);
    for (int i = 0; i < SAMPLES * 8 * 8 * 8; i++) {
        int k = i % 8, column = i / 8 % 8, row = i / 64 % 8, n = i / 512;
        double best = 0;
        for (int p = 0; p < 4; p++) {
            double sum = bias[k];
            for (int tap = 0; tap < 9; tap++) {
                int r = 2 * row + p / 2 + tap / 3 - 1, c = 2 * column + p % 2 + tap % 3 - 1;
                for (int channel = 0; channel < 4 && r >= 0 && r < 16 && c >= 0 && c < 16; channel++)
                    sum += (double)x[((n * 16 + r) * 16 + c) * 4 + channel] * w[(tap * 4 + channel) * 8 + k];
            }
            best = fmax(best, sum);
        }
        y[i] = (float)best;
    }
    static const Case it = {.name = "convolution",
                            .grid = {8, SAMPLES, 1},
                            .threads = 64,
                            .buffers = 4,
                            .values = {x, w, bias, NULL},
                            .bytes = {sizeof x, sizeof w, sizeof bias, sizeof y},
                            .result = 3,
                            .expected = {y},
                            .tolerance = 1e-5f,
                            .samples = SAMPLES};
    return &it;
}

static const Case *softmax(void)
{
    enum { CLASSES = 300 };
    static float x[SAMPLES * CLASSES], loss[SAMPLES], gradient[SAMPLES * CLASSES];
    static const int label[SAMPLES] = {0, 17, 299};
    fill(x, SAMPLES * CLASSES, 4);
    for (int n = 0; n < SAMPLES; n++) {
        /* The largest lies with the last warp, and is far larger. */
        x[n * CLASSES + 127] = 9;
        double sum = 0;
        for (int i = 0; i < CLASSES; i++)
            sum += exp(x[n * CLASSES + i]);
        for (int i = 0; i < CLASSES; i++)
            gradient[n * CLASSES + i] = (float)(exp(x[n * CLASSES + i]) / sum - (i == label[n]));
        loss[n] = (float)(log(sum) - x[n * CLASSES + label[n]]);
    }
    static const Case it = {.name = "softmax",
                            .grid = {SAMPLES, 1, 1},
                            .threads = 128,
                            .buffers = 4,
                            .values = {x, label, NULL, NULL},
                            .bytes = {sizeof x, sizeof label, sizeof loss, sizeof gradient},
                            .result = 2,
                            .expected = {loss, gradient},
                            .tolerance = 1e-5f,
                            .samples = SAMPLES};
    return &it;
}

static const Case *product(void)
{
    enum { ROWS = 64, COLUMNS = 32, DEPTH = 160 };
    static uint16_t a[ROWS * DEPTH], b[COLUMNS * DEPTH];
    static float c[ROWS * COLUMNS];
    unsigned seed = 5;
    for (int i = 0; i < ROWS * DEPTH; i++)
        a[i] = cnn_bf16_of(noise(&seed));
    for (int i = 0; i < COLUMNS * DEPTH; i++)
        b[i] = cnn_bf16_of(noise(&seed));
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        double sum = 0;
        for (int k = 0; k < DEPTH; k++)
            sum += (double)cnn_bf16_value(a[i / COLUMNS * DEPTH + k]) *
                   cnn_bf16_value(b[i % COLUMNS * DEPTH + k]);
        c[i] = (float)sum;
    }
    static const Case it = {.name = "product",
                            .grid = {1, 1, 1},
                            .threads = 128,
                            .buffers = 3,
                            .values = {a, b, NULL},
                            .bytes = {sizeof a, sizeof b, sizeof c},
                            .result = 2,
                            .expected = {c},
                            .tolerance = 1e-5f,
                            .samples = 1};
    return &it;
}

static float tf32(float value)
{
    return cnn_float_of_bits((cnn_float_bits(value) + 0x1000) & 0xFFFFE000);
}

static const Case *units(void)
{
    static float a[256], b[128], d[256], w[40];
    static const float v[8] = {1.00390625f, -0.1f, 3e-8f, 65519, -1e30f, 0, 1.0029297f, 7};
    fill(a, 256, 6);
    fill(b, 128, 7);
    for (int i = 0; i < 256; i++) {
        int row = i / 8 % 16, column = i % 8;
        double sum = 0;
        for (int k = 0; k < (i < 128 ? 16 : 8); k++) {
            float left = a[row * 16 + k], right = b[k * 8 + column];
            sum += i < 128 ? (double)cnn_f16_value(cnn_f16_of(left)) * cnn_f16_value(cnn_f16_of(right))
                           : (double)tf32(left) * tf32(right);
        }
        d[i] = (float)sum;
    }
    for (int i = 0; i < 8; i++) {
        w[i] = cnn_bf16_value(cnn_bf16_of(v[i]));
        w[8 + i] = cnn_f16_value(cnn_f16_of(v[i]));
        w[16 + i] = tf32(v[i]);
        w[24 + i] = (float)(uint32_t)((uint64_t)cnn_float_bits(v[i]) * 0x10001 >> 32);
        w[32 + i] = v[i];
    }
    static const Case it = {.name = "units",
                            .grid = {1, 1, 1},
                            .threads = 32,
                            .buffers = 5,
                            .values = {a, b, NULL, v, NULL},
                            .bytes = {sizeof a, sizeof b, sizeof d, sizeof v, sizeof w},
                            .result = 2,
                            .expected = {d, w},
                            .tolerance = 1e-6f,
                            .samples = 1};
    return &it;
}

/* The largest difference of what a kernel writes from what it should, NaN counting as infinite; the launch's
 * status. */
static int launch(const Case *it, Handle module, bool reversed, float *difference)
{
    setenv("CNNC_FAKE_CUDA_ORDER", reversed ? "reverse" : "forward", 1);
    Handle function;
    assert_int_equal(cuda.cuModuleGetFunction(&function, module, it->name), 0);
    Pointer memory[BUFFERS], guard = 0;
    int slices = 1, samples = it->samples;
    void *arguments[BUFFERS + 3];
    for (int i = 0; i < it->buffers; i++) {
        memory[i] = to_device(it->values[i], it->bytes[i]);
        arguments[i] = &memory[i];
    }
    arguments[it->buffers] = &guard;
    arguments[it->buffers + 1] = &samples;
    arguments[it->buffers + 2] = &slices;
    int status = cuda.cuLaunchKernel(function, it->grid[0], it->grid[1], it->grid[2], it->threads, 1, 1, 0,
                                     NULL, arguments, NULL);
    *difference = 0;
    for (int result = 0; result < 2 && status == LAUNCHED; result++) {
        if (!it->expected[result])
            continue;
        /* the second is the last */
        int buffer = result == 0 ? it->result : it->buffers - 1;
        float *values = malloc(it->bytes[buffer]);
        assert_int_equal(cuda.cuMemcpyDtoH_v2(values, memory[buffer], it->bytes[buffer]), 0);
        for (size_t i = 0; i < it->bytes[buffer] / sizeof *values; i++) {
            if (values[i] == it->expected[result][i])
                continue; /* both infinite, perhaps */
            float apart =
                fabsf(values[i] - it->expected[result][i]) / fmaxf(1, fabsf(it->expected[result][i]));
            *difference = fmaxf(*difference, isnan(apart) ? INFINITY : apart);
        }
        free(values);
    }
    for (int i = 0; i < it->buffers; i++)
        cuda.cuMemFree_v2(memory[i]);
    return status;
}

static void expect_right(const Case *it)
{
    Handle module = load(kernel_text(it->name));
    for (int reversed = 0; reversed < 2; reversed++) {
        float difference;
        assert_int_equal(launch(it, module, reversed, &difference), LAUNCHED);
        if (!(difference <= it->tolerance))
            fail_msg("%s is wrong by %g", it->name, (double)difference);
    }
    assert_int_equal(cuda.cuModuleUnload(module), 0);
}

static void computes_a_convolution(void **state)
{
    (void)state;
    expect_right(convolution());
}

static void computes_a_softmax(void **state)
{
    (void)state;
    expect_right(softmax());
}

static void computes_a_product_by_tensor_cores(void **state)
{
    (void)state;
    expect_right(product());
}

static void computes_what_every_primitive_says(void **state)
{
    (void)state;
    expect_right(units());
}

/* A fault in a kernel: its text with `old` made `new`. */
typedef struct {
    const char *what;
    const Case *(*of)(void);
    const char *old, *new;
    const char *told; /* of the message; NULL: the numbers are wrong, in one of the two orders at least */
} Mutant;

static void finds(void **state)
{
    const Mutant *mutant = *state;
    const Case *it = mutant->of();
    Handle module = load(replace(kernel_text(it->name), mutant->old, mutant->new));
    bool wrong = false, failed = false;
    free(take_record());
    for (int reversed = 0; reversed < 2 && !failed; reversed++) {
        float difference;
        failed = launch(it, module, reversed, &difference) != LAUNCHED;
        wrong = wrong || !(difference <= it->tolerance);
    }
    if (mutant->told) {
        assert_true(failed);
        expect_noted(mutant->told);
    } else {
        assert_false(failed);
        assert_true(wrong);
    }
    cuda.cuModuleUnload(module);
}

static const Mutant mutants[] = {
    {"a load without its barrier", convolution, "CNNC_BARRIER(); /* loaded */", "", NULL},
    {"a tile that is loaded anew before all have used it", convolution, "CNNC_BARRIER(); /* used */", "",
     NULL},
    {"padding that is looked at one row late", convolution, "r >= 0 && r < 16", "r >= 0 && r <= 16",
     "behind the end of an allocation of 12288 bytes"},
    {"an index outside a shared array", convolution, "picture[p / 2 + tap / 3][2",
     "picture[1 + p / 2 + tap / 3][2", "kernel convolution, block (0, 0, 0), thread 0: line"},
    {"a write outside shared memory", convolution, "picture[i / 36][i / 2 % 18][i % 2] =",
     "picture[i / 36 - 1][i / 2 % 18][i % 2] =", "index -1 is outside the array"},
    {"a write far from the result", convolution, "y[((sample", "y[-(1LL << 38) + ((sample",
     "which is nowhere"},
    {"a write just behind the result", convolution, "y[((sample", "y[8 + ((sample",
     "behind the end of an allocation"},
    {"a write just before the result", convolution, "y[((sample", "y[-8 + ((sample",
     "convolution has written before an allocation of 6144 bytes"},
    {"sums in the place of maxima that are still read", softmax, "CNNC_BARRIER(); /* between */", "", NULL},
    {"maxima that are read before they are there", softmax, "CNNC_BARRIER(); /* maxima */", "", NULL},
    {"a barrier for some warps", softmax, "CNNC_BARRIER(); /* between */",
     "if (warp < 2)\n CNNC_BARRIER();\n else\n CNNC_BARRIER();\n",
     "threads of a block at different places: thread 0 at"},
    {"a barrier for some threads of a warp", softmax, "CNNC_BARRIER(); /* between */",
     "if (CNNC_THREAD % 2 == 0)\n CNNC_BARRIER();\n", "threads of a warp at different places: thread 0 at"},
    {"a thread that leaves", softmax, "CNNC_BARRIER(); /* between */",
     "if (CNNC_THREAD == 127)\n return;\nCNNC_BARRIER();", "thread 127 at the end"},
    {"a shuffle that half a warp takes part in", softmax, "sum += cnnc_shuffle_xor(sum, mask);",
     "if (CNNC_THREAD % 32 < 16)\n sum += cnnc_shuffle_xor(sum, mask);",
     "threads of a warp at different places"},
    {"a wait that is one group short", product, "cnnc_copy_wait(2)", "cnnc_copy_wait(3)", NULL},
    {"no wait", product, "cnnc_copy_wait(2);", "", NULL},
    {"copies that belong to no group", product, "cnnc_copy_commit();", "", NULL},
    {"a stage that is used before the others' copies are there", product, "CNNC_BARRIER(); /* arrived */", "",
     NULL},
    {"a stage that is copied to while it is read", product, "CNNC_BARRIER(); /* used */", "", NULL},
    {"rows that are not aligned", product, "PITCH = SLICE + 8", "PITCH = SLICE + 4", "not a multiple of 16"},
    {"a copy to the memory of the GPU", product, "cnnc_copy16(&rows[step % STAGES][i / 4][i % 4 * 8]",
     "cnnc_copy16(c", "a place that is not in shared memory"},
    {"a division by zero", units, "lane / 4, t", "lane / (samples - 1), t", "a division by zero"},
    {"shared memory that nobody has written", units, "i < 128; i += 32", "i < 96; i += 32", NULL},
    {"a stack without end", units, "float four[4];",
     "volatile char deep[100000];\ndeep[0] = 1;\nw += deep[0] - 1;\nfloat four[4];", "its stack is full"},
};
enum { MUTANTS = sizeof mutants / sizeof *mutants };

/* With an argument: the tests whose names fit it. */
int main(int count, char **arguments)
{
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    struct CMUnitTest tests[4 + MUTANTS] = {
        cmocka_unit_test_setup_teardown(computes_a_convolution, open_context, close_context),
        cmocka_unit_test_setup_teardown(computes_a_softmax, open_context, close_context),
        cmocka_unit_test_setup_teardown(computes_a_product_by_tensor_cores, open_context, close_context),
        cmocka_unit_test_setup_teardown(computes_what_every_primitive_says, open_context, close_context),
    };
    for (int i = 0; i < MUTANTS; i++)
        tests[4 + i] = (struct CMUnitTest){.name = mutants[i].what,
                                           .test_func = finds,
                                           .setup_func = open_context,
                                           .teardown_func = close_context,
                                           .initial_state = (void *)(uintptr_t)&mutants[i]};
    return cmocka_run_group_tests(tests, open_fake, close_fake);
}
