/* Shares are drawn from a beta distribution, as x / (x + y) of two gamma variates, these by the method of
 * Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; as logarithms, since those of
 * small parameters are too small for numbers. */
#include "runtime/augment/mix.h"

#include <math.h>
#include <string.h>

typedef struct {
    double alpha;
} MixArgs;

static const Field mix_fields[] = {
    FIELD(MixArgs, alpha, FIELD_REAL, .least = 0.001, .most = 1000,
          .doc = "both parameters of the beta distribution that the share is drawn from: 1 is uniform, below "
                 "it most "
                 "samples stay nearly as they are, above it they tend to halves"),
    FIELDS_END,
};
const Schema mixup_schema = {
    .word = "mixup",
    .doc = "Blends each sample with the one before it in the batch, after all else, and their labels in the "
           "same "
           "shares, which are drawn anew for each sample.",
    .source = "Zhang et al., mixup: Beyond empirical risk minimization, 2018; Keras, MixUp",
    .places = IN_AUGMENT,
    .fields = mix_fields,
    .args_bytes = sizeof(MixArgs),
    .example = "mixup 0.2",
};
const Schema cutmix_schema = {
    .word = "cutmix",
    .doc = "Puts a rectangle of the sample before it in the batch over each sample, after all else; labels "
           "are mixed "
           "by the areas. Beside mixup, each sample is changed by one of the two.",
    .source = "Yun et al., CutMix, 2019; torchvision, CutMix",
    .places = IN_AUGMENT,
    .fields = mix_fields,
    .args_bytes = sizeof(MixArgs),
    .example = "cutmix 1",
};
const AugmentKind augment_mixup = {.schema = &mixup_schema};
const AugmentKind augment_cutmix = {.schema = &cutmix_schema};

Mix mix_of(CnnStatements data)
{
    Mix mix = {0};
    for (int i = 0; i < data.count; i++) {
        const CnnStatement *mixup = recipe_find(data.items[i].body, &mixup_schema);
        const CnnStatement *cutmix = recipe_find(data.items[i].body, &cutmix_schema);
        mix.mixup = mixup ? ((const MixArgs *)mixup->args)->alpha : mix.mixup;
        mix.cutmix = cutmix ? ((const MixArgs *)cutmix->args)->alpha : mix.cutmix;
    }
    return mix;
}

bool mix_wanted(const Mix *mix)
{
    return mix->mixup > 0 || mix->cutmix > 0;
}

static double draw_normal(Draw *draw)
{
    double length = sqrt(-2 * log(1 - draw_unit(draw))); /* 1 - u is never 0 */
    return length * cos(2 * 3.14159265358979323846 * draw_unit(draw));
}

/* The logarithm of a gamma variate. */
static double draw_log_gamma(Draw *draw, double shape)
{
    double larger = shape < 1 ? shape + 1 : shape, d = larger - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) { /* nearly always once */
        double x = draw_normal(draw), v = (1 + c * x) * (1 + c * x) * (1 + c * x);
        double u = 1 - draw_unit(draw);
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v) + (shape < 1 ? log(1 - draw_unit(draw)) / shape : 0);
    }
}

static double draw_beta(Draw *draw, double alpha)
{
    double first = draw_log_gamma(draw, alpha), second = draw_log_gamma(draw, alpha);
    return 1 / (1 + exp(second - first));
}

/* The part of 0 … extent-1 within `reach` of a random place. */
static int64_t draw_span(Draw *draw, int64_t extent, int64_t reach, int64_t *end)
{
    int64_t middle = (int64_t)(draw_unit(draw) * (double)extent);
    *end = middle + reach < extent ? middle + reach : extent;
    return middle > reach ? middle - reach : 0;
}

Mixture mix_draw(const Mix *mix, Draw *draw, int64_t height, int64_t width)
{
    bool first = draw_unit(draw) < 0.5;
    Mixture mixture = {.piece = mix->cutmix > 0 && (first || mix->mixup <= 0)};
    mixture.share = 1 - draw_beta(draw, mixture.piece ? mix->cutmix : mix->mixup);
    if (!mixture.piece)
        return mixture;
    double half = 0.5 * sqrt(mixture.share);
    mixture.left = draw_span(draw, width, (int64_t)(half * (double)width), &mixture.right);
    mixture.top = draw_span(draw, height, (int64_t)(half * (double)height), &mixture.bottom);
    mixture.share =
        (double)((mixture.bottom - mixture.top) * (mixture.right - mixture.left)) / (double)(height * width);
    return mixture;
}

PIXEL_LOOP
static void values_blend(const float *other, float share, float *own, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        own[i] = own[i] * (1 - share) + other[i] * share;
}

void mix_apply(const Mixture *mixture, int64_t height, int64_t width, int64_t channels, const float *other,
               float *own)
{
    if (!mixture->piece) {
        values_blend(other, (float)mixture->share, own, height * width * channels);
        return;
    }
    size_t bytes = (size_t)((mixture->right - mixture->left) * channels) * sizeof *own;
    for (int64_t y = mixture->top; y < mixture->bottom; y++) {
        int64_t at = (y * width + mixture->left) * channels;
        memcpy(own + at, other + at, bytes);
    }
}
