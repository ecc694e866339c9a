/* First values of tensors: each element has a Philox block of its own, so that shapes and threads do not
 * matter. */
#include "runtime/init.h"

#include <math.h>
#include <string.h>

#include "runtime/half.h"
#include "runtime/rng.h"

int64_t cnn_tensor_elements(const CnnTensor *tensor)
{
    int64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= tensor->dim[i];
    return elements;
}

uint64_t cnn_tensor_bytes(const CnnTensor *tensor)
{
    return (uint64_t)cnn_tensor_elements(tensor) * dtype_bytes(tensor->dtype);
}

/* Element i's block of random words; `attempt` counts the blocks that were of no use. */
static Random4 init_block(uint64_t seed, uint32_t key, int64_t i, uint32_t attempt)
{
    uint32_t high = (uint32_t)((uint64_t)i >> 32);
    return cnn_random4(seed, (uint32_t)i, high ^ (attempt << 16), key, PURPOSE_INIT);
}

/* Two independent normal numbers from two words. */
static void normal_pair(const uint32_t *word, double out[2])
{
    double radius = sqrt(-2 * log(1 - cnn_uniform(word[0]))),
           angle = 2 * 3.14159265358979323846 * cnn_uniform(word[1]);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

static double init_truncated_normal(uint64_t seed, uint32_t key, int64_t i)
{
    for (uint32_t attempt = 0;; attempt++) {
        Random4 block = init_block(seed, key, i, attempt);
        double normal[4];
        normal_pair(&block.word[0], &normal[0]);
        normal_pair(&block.word[2], &normal[2]);
        for (int k = 0; k < 4; k++)
            if (fabs(normal[k]) <= 2)
                return normal[k];
    }
}

static double init_element(const CnnTensor *tensor, uint64_t seed, int64_t i)
{
    switch (tensor->init) {
    case INIT_ZEROS:
        return 0;
    case INIT_ONES:
        return 1;
    case INIT_CONSTANT:
        return tensor->init_a;
    case INIT_UNIFORM:
        return tensor->init_a * (2 * cnn_uniform(init_block(seed, tensor->init_key, i, 0).word[0]) - 1);
    case INIT_NORMAL: {
        double normal[2];
        normal_pair(init_block(seed, tensor->init_key, i, 0).word, normal);
        return tensor->init_a * normal[0];
    }
    case INIT_TRUNCATED_NORMAL:
        return tensor->init_a * init_truncated_normal(seed, tensor->init_key, i);
    }
    return 0;
}

void cnn_init_tensor(const CnnTensor *tensor, uint64_t seed, void *out, int64_t begin, int64_t end)
{
    uint64_t bytes = dtype_bytes(tensor->dtype);
    if (tensor->init == INIT_ZEROS) {
        memset((char *)out + (uint64_t)begin * bytes, 0, (uint64_t)(end - begin) * bytes);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        double value = init_element(tensor, seed, i);
        switch (tensor->dtype) {
        case DTYPE_F32:
            ((float *)out)[i] = (float)value;
            break;
        case DTYPE_BF16:
            ((uint16_t *)out)[i] = cnn_bf16_of((float)value);
            break;
        case DTYPE_F16:
            ((uint16_t *)out)[i] = cnn_f16_of((float)value);
            break;
        case DTYPE_I32:
            ((int32_t *)out)[i] = (int32_t)value;
            break;
        case DTYPE_U8:
            ((uint8_t *)out)[i] = (uint8_t)value;
            break;
        case DTYPE_COUNT:
            break;
        }
    }
}

void cnn_init_share(const CnnImage *image, uint64_t seed, char *state, int worker, int threads)
{
    enum { PIECE = 1 << 14 };
    int64_t number = 0;
    for (int i = 0; i < image->tensor_count; i++) {
        const CnnTensor *tensor = &image->tensors[i];
        int64_t elements = cnn_tensor_elements(tensor);
        for (int64_t begin = 0; begin < elements; begin += PIECE) {
            int64_t end = begin + PIECE < elements ? begin + PIECE : elements;
            if (number++ % threads == worker)
                cnn_init_tensor(tensor, seed, state + tensor->offset, begin, end);
        }
    }
}
