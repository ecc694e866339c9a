/* What changes of colour have in common: maps of each value, and of each pixel. */
#include "runtime/augment/augment.h"

const float grey_weight[3] = {0.299f, 0.587f, 0.114f};

/* Values that are gone through at once: whole pixels of all usual numbers of channels. Pixels of others are
 * gone through one by one. */
enum { PERIOD = 48 };

/* What each value of a period is changed with: a value of the channel it belongs to. */
typedef struct {
    int64_t values; /* of the period */
    float room[3][PERIOD];
    const float *a, *black, *white; /* [values] */
} Period;

static void period_make(const Layout *layout, const float *a, Period *period)
{
    int64_t channels = layout->channels;
    *period = (Period){.values = channels, .a = a, .black = layout->black, .white = layout->white};
    if (PERIOD % channels != 0)
        return;
    for (int64_t i = 0; i < PERIOD; i++) {
        period->room[0][i] = a[i % channels];
        period->room[1][i] = layout->black[i % channels];
        period->room[2][i] = layout->white[i % channels];
    }
    period->values = PERIOD;
    period->a = period->room[0];
    period->black = period->room[1];
    period->white = period->room[2];
}

PIXEL_LOOP
static void values_stretch(const Period *period, float factor, float *value, int64_t count)
{
    const float *origin = period->a, *black = period->black, *white = period->white;
    for (int64_t first = 0, values = period->values; first < count; first += values) {
        int64_t block = count - first < values ? count - first : values;
        for (int64_t i = 0; i < block; i++) {
            float stretched = origin[i] + (value[first + i] - origin[i]) * factor;
            stretched = stretched < black[i] ? black[i] : stretched;
            value[first + i] = stretched > white[i] ? white[i] : stretched;
        }
    }
}

void picture_stretch(const Layout *layout, const float *origin, float factor, Picture *picture)
{
    Period period;
    period_make(layout, origin, &period);
    values_stretch(&period, factor, picture->data, picture->height * picture->width * picture->channels);
}

PIXEL_LOOP
static void values_add(const Period *period, float factor, const float *share, float *value, int64_t count)
{
    const float *black = period->black, *white = period->white;
    for (int64_t first = 0, values = period->values; first < count; first += values) {
        int64_t block = count - first < values ? count - first : values;
        for (int64_t i = 0; i < block; i++) {
            float sum = value[first + i] + share[first + i] * factor * (white[i] - black[i]);
            sum = sum < black[i] ? black[i] : sum;
            value[first + i] = sum > white[i] ? white[i] : sum;
        }
    }
}

void picture_add(const Layout *layout, const float *share, float factor, Picture *picture)
{
    Period period;
    period_make(layout, layout->black, &period);
    values_add(&period, factor, share, picture->data, picture->height * picture->width * picture->channels);
}

PIXEL_LOOP
static void periods_sum(const float *value, int64_t periods, double sum[PERIOD])
{
    for (; periods > 0; periods--, value += PERIOD)
        for (int64_t i = 0; i < PERIOD; i++)
            sum[i] += (double)value[i];
}

void picture_means(const Picture *picture, float *mean)
{
    int64_t channels = picture->channels, pixels = picture->height * picture->width;
    int64_t count = pixels * channels, first = 0;
    const float *value = picture->data;
    double sum[PERIOD] = {0};
    if (PERIOD % channels == 0) {
        periods_sum(value, count / PERIOD, sum);
        first = count / PERIOD * PERIOD;
    }
    for (int64_t c = 0; c < channels; c++) {
        double all = 0;
        for (int64_t i = first + c; i < count; i += channels)
            all += (double)value[i];
        for (int64_t i = c; i < PERIOD && first > 0; i += channels)
            all += sum[i];
        mean[c] = (float)(all / (double)pixels);
    }
}

/* Each channel of a pixel: weight[0] * red + weight[1] * green + weight[2] * blue + add, kept between black
 * and white. */
typedef struct {
    float weight[3], add, black, white;
} ColourMix;

static inline float colour_mix(const ColourMix *mix, float red, float green, float blue)
{
    float mixed = mix->weight[0] * red + mix->weight[1] * green + mix->weight[2] * blue + mix->add;
    mixed = mixed < mix->black ? mix->black : mixed;
    return mixed > mix->white ? mix->white : mixed;
}

PIXEL_LOOP
static void pixels_mix(const ColourMix mixes[3], float *value, int64_t pixels)
{
    const ColourMix of_red = mixes[0], of_green = mixes[1], of_blue = mixes[2];
    for (int64_t i = 0; i < pixels; i++) {
        float red = value[3 * i], green = value[3 * i + 1], blue = value[3 * i + 2];
        value[3 * i] = colour_mix(&of_red, red, green, blue);
        value[3 * i + 1] = colour_mix(&of_green, red, green, blue);
        value[3 * i + 2] = colour_mix(&of_blue, red, green, blue);
    }
}

/* Colours are mixed as shares of the way from black to white, since channels may have been standardized
 * differently. */
void picture_saturate(const Layout *layout, float factor, Picture *picture)
{
    ColourMix mixes[3];
    for (int c = 0; c < 3; c++) {
        float extent = layout->white[c] - layout->black[c];
        mixes[c] = (ColourMix){.add = layout->black[c], .black = layout->black[c], .white = layout->white[c]};
        for (int from = 0; from < 3; from++) {
            float weight = grey_weight[from] * (1 - factor) + (from == c ? factor : 0);
            weight *= extent / (layout->white[from] - layout->black[from]);
            mixes[c].weight[from] = weight;
            mixes[c].add -= weight * layout->black[from];
        }
    }
    pixels_mix(mixes, picture->data, picture->height * picture->width);
}
