/* A small image with hand-written kernels, for the tests of the device, the training and the image file: it
 * learns the weights of out = sum(w * x) from labels, by phases of all kinds. */
#ifndef TEST_IMAGE_H
#define TEST_IMAGE_H

#include <math.h>
#include <string.h>

#include "runtime/image.h"

enum { WIDTH = 6, BATCH = 10, SLICE = 4, CHUNK = 3, SLICES = 3 };

static inline const float *sample_of(void *const *buffers, int i, int64_t n)
{
    return (const float *)((uintptr_t)buffers[i] + (uintptr_t)n * WIDTH * sizeof(float));
}

/* buffers: input, weights, product (of a chunk) */
static void code_product(void *const *buffers, const CnnCall *call)
{
    const float *weights = buffers[1];
    for (int64_t n = call->begin; n < call->end; n++) {
        float *out = (float *)((uintptr_t)buffers[2] + (uintptr_t)n * WIDTH * sizeof(float));
        for (int i = 0; i < WIDTH; i++)
            out[i] = sample_of(buffers, 0, n)[i] * weights[i];
    }
}

/* buffers: product, label, output (of the batch), error (of a chunk) */
static void code_error(void *const *buffers, const CnnCall *call)
{
    const float *label = buffers[1];
    float *output = buffers[2];
    for (int64_t n = call->begin; n < call->end; n++) {
        float sum = 0;
        for (int i = 0; i < WIDTH; i++)
            sum += sample_of(buffers, 0, n)[i];
        output[n] = sum;
        *(float *)((uintptr_t)buffers[3] + (uintptr_t)n * sizeof(float)) = sum - label[n];
    }
}

/* buffers: input, error, partial gradient and loss of the slice: WIDTH + 1 */
static void code_partial(void *const *buffers, const CnnCall *call)
{
    float *partial = buffers[2];
    if (call->first)
        memset(partial, 0, (WIDTH + 1) * sizeof(float));
    for (int64_t n = call->begin; n < call->end; n++) {
        float error = *(const float *)((uintptr_t)buffers[1] + (uintptr_t)n * sizeof(float));
        for (int i = 0; i < WIDTH; i++)
            partial[i] += error * sample_of(buffers, 0, n)[i];
        partial[WIDTH] += error * error;
    }
}

/* buffers: partials, gradient and loss; its axis is WIDTH + 1 */
static void code_sum(void *const *buffers, const CnnCall *call)
{
    const float *partial = buffers[0];
    float *sum = buffers[1];
    for (int64_t i = call->begin; i < call->end; i++) {
        sum[i] = 0;
        for (int64_t s = 0; s < call->slices; s++)
            sum[i] += partial[s * (WIDTH + 1) + i];
    }
}

/* buffers: gradient and loss, loss */
static void code_loss(void *const *buffers, const CnnCall *call)
{
    (void)call;
    *(float *)buffers[1] = ((const float *)buffers[0])[WIDTH];
}

/* buffers: sum so far of the gradients, gradient, first_micro; its axis is WIDTH */
static void code_accumulate(void *const *buffers, const CnnCall *call)
{
    float *total = buffers[0];
    const float *gradient = buffers[1], *first = buffers[2];
    for (int64_t i = call->begin; i < call->end; i++)
        total[i] = gradient[i] + (*first == 1 ? 0 : total[i]);
}

/* buffers: weights, sum of the gradients, rate, inverse_count; its axis is WIDTH */
static void code_update(void *const *buffers, const CnnCall *call)
{
    float *weights = buffers[0];
    const float *total = buffers[1], *rate = buffers[2], *inverse_count = buffers[3];
    for (int64_t i = call->begin; i < call->end; i++)
        weights[i] -= *rate * *inverse_count * total[i];
}

/* buffers: output, label, number of outputs within a half of their labels; over the whole batch */
static void code_metric(void *const *buffers, const CnnCall *call)
{
    const float *output = buffers[0], *label = buffers[1];
    float near = 0;
    for (int64_t n = 0; n < call->samples; n++)
        near += fabsf(output[n] - label[n]) < 0.5f;
    *(float *)buffers[2] = near;
}

static CnnCode *const test_code[] = {code_product, code_error,      code_partial, code_sum,
                                     code_loss,    code_accumulate, code_update,  code_metric};

enum { PRODUCT, ERROR, PARTIAL, SUM, LOSS, ACCUMULATE, UPDATE, METRIC };
enum {
    B_INPUT,
    B_LABEL,
    B_WEIGHTS,
    B_PRODUCT,
    B_ERROR,
    B_OUTPUT,
    B_PARTIALS,
    B_SUM,
    B_LOSS,
    B_TOTAL,
    B_FIRST,
    B_RATE,
    B_INVERSE,
    B_METRIC
};

#define TEST_PLACE STEP_FORWARD, "test.cnn:3:5"
#define SCALAR(member)                                                                                       \
    {                                                                                                        \
#member, SEGMENT_SCALAR, DTYPE_F32, LEAD_NONE, offsetof(CnnScalars, member), 4, 0, TEST_PLACE        \
    }
static const CnnBuffer test_buffers[] = {
    [B_INPUT] = {"input", SEGMENT_INPUT, DTYPE_F32, LEAD_BATCH, 0, BATCH *WIDTH * 4, WIDTH * 4, TEST_PLACE},
    [B_LABEL] = {"label", SEGMENT_LABEL, DTYPE_F32, LEAD_BATCH, 0, BATCH * 4, 4, TEST_PLACE},
    [B_WEIGHTS] = {"w", SEGMENT_STATE, DTYPE_F32, LEAD_NONE, 64, WIDTH * 4, 0, TEST_PLACE},
    [B_PRODUCT] = {"product", SEGMENT_WORKER, DTYPE_F32, LEAD_BATCH, 0, CHUNK *WIDTH * 4, WIDTH * 4,
                   TEST_PLACE},
    [B_ERROR] = {"error", SEGMENT_WORKER, DTYPE_F32, LEAD_BATCH, 128, CHUNK * 4, 4, TEST_PLACE},
    [B_OUTPUT] = {"output", SEGMENT_BATCH, DTYPE_F32, LEAD_BATCH, 0, BATCH * 4, 4, TEST_PLACE},
    [B_PARTIALS] = {"partials", SEGMENT_BATCH, DTYPE_F32, LEAD_SLICE, 64, SLICES *(WIDTH + 1) * 4,
                    (WIDTH + 1) * 4, TEST_PLACE},
    [B_SUM] = {"sum", SEGMENT_BATCH, DTYPE_F32, LEAD_NONE, 192, (WIDTH + 1) * 4, 0, TEST_PLACE},
    [B_LOSS] = {"loss", SEGMENT_BATCH, DTYPE_F32, LEAD_NONE, 256, 4, 0, TEST_PLACE},
    [B_TOTAL] = {"grad.w", SEGMENT_STATE, DTYPE_F32, LEAD_NONE, 128, WIDTH * 4, 0, TEST_PLACE},
    [B_FIRST] = SCALAR(first_micro),
    [B_RATE] = SCALAR(rate),
    [B_INVERSE] = SCALAR(inverse_count),
    [B_METRIC] = {"accuracy", SEGMENT_BATCH, DTYPE_F32, LEAD_NONE, 320, 4, 0, TEST_PLACE},
};

#define USES(...)                                                                                            \
    .buffer_count = (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), .buffers = (const int[])              \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define WRITES(...)                                                                                          \
    .write_count = (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), .writes = (const int[])                \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define STEP(index, text, work, ...)                                                                         \
    {                                                                                                        \
        .name = text, .label = text, .where = "test.cnn:1", .flops = (work), .code = (index), .grain = 1,    \
        __VA_ARGS__                                                                                          \
    }
static const CnnStep test_train_steps[] = {
    STEP(PRODUCT, "product", 6, USES(B_INPUT, B_WEIGHTS, B_PRODUCT), WRITES(B_PRODUCT)),
    STEP(ERROR, "error", 6, USES(B_PRODUCT, B_LABEL, B_OUTPUT, B_ERROR), WRITES(B_OUTPUT, B_ERROR)),
    STEP(PARTIAL, "partial", 12, USES(B_INPUT, B_ERROR, B_PARTIALS), WRITES(B_PARTIALS)),
    STEP(SUM, "sum", 1e9, USES(B_PARTIALS, B_SUM), WRITES(B_SUM), .extent = WIDTH + 1),
    STEP(LOSS, "loss", 1, USES(B_SUM, B_LOSS), WRITES(B_LOSS), .extent = 1),
    STEP(METRIC, "metric", 1, USES(B_OUTPUT, B_LABEL, B_METRIC), WRITES(B_METRIC), .extent = 1),
    STEP(ACCUMULATE, "accumulate", 1e9, USES(B_TOTAL, B_SUM, B_FIRST), WRITES(B_TOTAL), .extent = WIDTH),
    STEP(UPDATE, "update", 1e9, USES(B_WEIGHTS, B_TOTAL, B_RATE, B_INVERSE), WRITES(B_WEIGHTS),
         .extent = WIDTH),
};
static const CnnPhase test_train_phases[] = {
    {PHASE_CHUNKED, WHEN_ALWAYS, 0, 3, CHUNK},
    {PHASE_WHOLE, WHEN_ALWAYS, 3, 4, 0},
    {PHASE_WHOLE, WHEN_UPDATE, 7, 1, 0},
};
static const CnnPhase test_eval_phases[] = {
    {PHASE_CHUNKED, WHEN_ALWAYS, 0, 3, CHUNK},
    {PHASE_WHOLE, WHEN_ALWAYS, 3, 3, 0},
};
static const CnnMetric test_metrics[] = {{"accuracy", B_METRIC}};

static const CnnTensor test_tensors[] = {
    {"w", DTYPE_F32, 2, {WIDTH, 1}, 64, true, true, INIT_UNIFORM, 0.5, 7},
    {"grad.w", DTYPE_F32, 2, {WIDTH, 1}, 128, false, false, INIT_ZEROS, 0, 0},
};
static const float test_table[] = {1, 2, 3};
static const CnnSource test_sources[] = {{"resolved.cnn", "model Line { }\n"}};

static const CnnImage test_image = {
    .recipe = {.model_name = "Line", .model_path = "test.cnn", .rate = 0.1},
    .summary = "a line\n",
    .recipe_text = "model Line\n",
    .source_count = 1,
    .sources = test_sources,
    .input_shape = {3, {1, WIDTH, 1}},
    .classes = 0,
    .input_dtype = DTYPE_F32,
    .label_dtype = DTYPE_F32,
    .label_width = 1,
    .train = {BATCH, SLICE, 14, test_buffers, 8, test_train_steps, 3, test_train_phases, 384, 192, B_LOSS,
              B_OUTPUT, 1, test_metrics, -1, false},
    .eval = {BATCH, SLICE, 14, test_buffers, 6, test_train_steps, 2, test_eval_phases, 384, 192, B_LOSS,
             B_OUTPUT, 1, test_metrics, -1, false},
    .tensor_count = 2,
    .tensors = test_tensors,
    .state_bytes = 192,
    .table = test_table,
    .table_bytes = sizeof test_table,
    .code_count = 8,
    .code = test_code,
    .target = "test",
    .needs = "",
};

#endif
