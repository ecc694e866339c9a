/* As Pillow's ImageOps and ImageEnhance define them, and torchvision after it; but nothing is rounded to
 * bytes that needs no bytes. */
#include "runtime/augment/tones.h"

#include <string.h>

enum { BYTES = 256 };

static int64_t picture_values(const Picture *picture)
{
    return picture->height * picture->width * picture->channels;
}

/* A row that is neither the first nor the last: out = between + (value - smoothed) * (factor - 1). */
PIXEL_LOOP
static void row_sharpen(const float *in, int64_t values, int64_t channels, float more, float *out)
{
    const float *above = in - values, *below = in + values;
    for (int64_t i = channels; i < values - channels; i++) {
        float ring = above[i - channels] + above[i] + above[i + channels] + in[i - channels] +
                     in[i + channels] + below[i - channels] + below[i] + below[i + channels];
        out[i] = in[i] + (in[i] - (ring + 5 * in[i]) / 13) * more;
    }
}

CnnStatus tones_sharpen(const Layout *layout, float factor, Sample *sample, CnnError *error)
{
    const Picture *picture = sample->now;
    int64_t channels = picture->channels, values = picture->width * channels;
    TRY(picture_reserve(sample->spare, picture->height, picture->width, channels, DTYPE_F32, error));
    const float *in = picture->data;
    float *out = sample->spare->data;
    memcpy(out, in, (size_t)picture_values(picture) * sizeof *out);
    for (int64_t y = 1; y < picture->height - 1; y++)
        row_sharpen(in + y * values, values, channels, factor - 1, out + y * values);
    sample_swap(sample);
    picture_stretch(layout, layout->black, 1, sample->now); /* what goes beyond black or white */
    return CNN_OK;
}

CnnStatus tones_contrast(const Layout *layout, float factor, Sample *sample, CnnError *error)
{
    TRY(bytes_reserve(sample->work, (size_t)layout->channels * sizeof(float), error));
    float *mean = (float *)sample->work->data;
    picture_means(sample->now, mean);
    if (layout->channels == 3) {
        float grey = 0;
        for (int c = 0; c < 3; c++)
            grey += grey_weight[c] * (mean[c] - layout->black[c]) / (layout->white[c] - layout->black[c]);
        for (int c = 0; c < 3; c++)
            mean[c] = layout->black[c] + grey * (layout->white[c] - layout->black[c]);
    }
    picture_stretch(layout, mean, factor, sample->now);
    return CNN_OK;
}

/* The byte that a value of a channel is nearest to. */
static inline int channel_byte(const Layout *layout, int64_t c, float value)
{
    float share = (value - layout->black[c]) / (layout->white[c] - layout->black[c]);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (int)(share * (BYTES - 1) + 0.5f);
}

/* Replaces the bytes of a channel by those of a table. */
static void channel_map(const Layout *layout, int64_t c, const int table[BYTES], Picture *picture)
{
    float *value = picture->data, level[BYTES];
    for (int i = 0; i < BYTES; i++)
        level[i] = layout->black[c] + (layout->white[c] - layout->black[c]) * (float)table[i] / (BYTES - 1);
    for (int64_t i = c; i < picture_values(picture); i += picture->channels)
        value[i] = level[channel_byte(layout, c, value[i])];
}

void tones_posterize(const Layout *layout, int bits, Picture *picture)
{
    int table[BYTES];
    for (int i = 0; i < BYTES; i++)
        table[i] = i >> (8 - bits) << (8 - bits);
    for (int64_t c = 0; c < picture->channels; c++)
        channel_map(layout, c, table, picture);
}

void tones_solarize(const Layout *layout, float threshold, Picture *picture)
{
    float *value = picture->data;
    for (int64_t c = 0; c < picture->channels; c++) {
        float sum = layout->black[c] + layout->white[c];
        float from = layout->black[c] + threshold * (layout->white[c] - layout->black[c]);
        for (int64_t i = c; i < picture_values(picture); i += picture->channels)
            value[i] = value[i] >= from ? sum - value[i] : value[i];
    }
}

void tones_autocontrast(const Layout *layout, Picture *picture)
{
    float *value = picture->data;
    int64_t count = picture_values(picture);
    for (int64_t c = 0; c < picture->channels; c++) {
        float least = value[c], most = value[c];
        for (int64_t i = c; i < count; i += picture->channels) {
            least = value[i] < least ? value[i] : least;
            most = value[i] > most ? value[i] : most;
        }
        float factor = most > least ? (layout->white[c] - layout->black[c]) / (most - least) : 1;
        float add = most > least ? layout->black[c] - least * factor : 0;
        for (int64_t i = c; i < count; i += picture->channels)
            value[i] = channel_clip(layout, c, value[i] * factor + add);
    }
}

/* What histogram equalization makes of each byte. False: of too few pixels, or of one value alone: nothing.
 */
static bool equalize_table(const int64_t frequency[BYTES], int table[BYTES])
{
    int64_t count = 0, last = 0, sum = 0;
    for (int i = 0; i < BYTES; i++) {
        count += frequency[i];
        last = frequency[i] ? frequency[i] : last;
    }
    int64_t step = (count - last) / (BYTES - 1);
    for (int i = 0; i < BYTES && step > 0; i++) {
        int64_t rank = (sum + step / 2) / step;
        table[i] = rank < BYTES ? (int)rank : BYTES - 1;
        sum += frequency[i];
    }
    return step > 0;
}

void tones_equalize(const Layout *layout, Picture *picture)
{
    const float *value = picture->data;
    for (int64_t c = 0; c < picture->channels; c++) {
        int64_t frequency[BYTES] = {0};
        int table[BYTES];
        for (int64_t i = c; i < picture_values(picture); i += picture->channels)
            frequency[channel_byte(layout, c, value[i])]++;
        if (equalize_table(frequency, table))
            channel_map(layout, c, table, picture);
    }
}
