/* Mixing the samples of a batch, for `mixup` and `cutmix`. What is drawn depends on the seed, the epoch and
 * the position in it alone; whom a sample is mixed with, on the order of the epoch, which is random. */
#include <math.h>
#include <string.h>

#include "runtime/data/pipeline.h"
#include "runtime/rng.h"

/* own, mixed with a share of other. The class that has the larger share is named first. */
static void label_mix(Dtype dtype, double share, const void *other, void *own)
{
    if (dtype == DTYPE_F32) {
        float a = *(float *)own, b = *(const float *)other;
        *(float *)own = (float)(a * (1 - share) + b * share);
        return;
    }
    MixedLabel *label = own;
    label->other = ((const MixedLabel *)other)->label;
    label->share = (int32_t)rint(share * MIXED_LABEL_ONE);
    if (label->share > MIXED_LABEL_ONE / 2)
        *label = (MixedLabel){label->other, label->label, MIXED_LABEL_ONE - label->share};
}

static Draw draw_of_place(const CnnData *data, int64_t epoch, int64_t position)
{
    Random4 random = cnn_random4(data->seed, (uint32_t)position, (uint32_t)((uint64_t)position >> 32),
                                 (uint32_t)epoch, PURPOSE_MIX);
    return draw_begin((uint64_t)random.word[1] << 32 | random.word[0], 0);
}

void data_mix_batch(const CnnData *data, int64_t epoch, int64_t first, int64_t samples, float *input,
                    void *label, void *spare)
{
    Dims shape = cnn_data_shape(data);
    int64_t height = shape.value[0], width = shape.value[1], channels = shape.value[2];
    size_t values = (size_t)(height * width * channels), bytes = data_label_bytes(data);
    float *last = spare;
    unsigned char *labels = label, *last_label = (unsigned char *)(last + values);
    if (samples < 2)
        return;
    memcpy(last, input + (size_t)(samples - 1) * values, values * sizeof *last);
    memcpy(last_label, labels + (size_t)(samples - 1) * bytes, bytes);
    for (int64_t i = samples - 1; i >= 0; i--) { /* backwards: the one before is still as it was */
        Draw draw = draw_of_place(data, epoch, first + i);
        Mixture mixture = mix_draw(&data->mix, &draw, height, width);
        const float *other = i > 0 ? input + (size_t)(i - 1) * values : last;
        const unsigned char *other_label = i > 0 ? labels + (size_t)(i - 1) * bytes : last_label;
        mix_apply(&mixture, height, width, channels, other, input + (size_t)i * values);
        label_mix(cnn_data_label_dtype(data), mixture.share, other_label, labels + (size_t)i * bytes);
    }
}
