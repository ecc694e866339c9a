/* `mel`: a sound becomes its log-mel spectrogram, by the definitions of librosa 0.11: melspectrogram(power=2,
 * center=True, htk=False, norm='slaney') and power_to_db(ref=1, amin=1e-10, top_db=80). The scale of
 * frequencies is that of Slaney, "Auditory Toolbox", technical report 1998-010, Interval Research. */
#include <math.h>
#include <stdlib.h>

#include "runtime/data/sound.h"
#include "runtime/transform/fourier.h"
#include "runtime/transform/transform.h"

typedef struct {
    int64_t bands, window, hop;
    Range range;
} MelArgs;

enum { MEL_BANDS_MOST = 1024, MEL_WINDOW_LEAST = 16, MEL_WINDOW_MOST = 65536 };

static const Field mel_fields[] = {
    FIELD(MelArgs, bands, FIELD_INTEGER, .preset = "64", .least = 1, .most = MEL_BANDS_MOST,
          .doc = "bands of frequencies: the picture's height"),
    FIELD(MelArgs, window, FIELD_INTEGER, .preset = "1024", .least = MEL_WINDOW_LEAST,
          .most = MEL_WINDOW_MOST, .named_only = true,
          .doc =
              "values of the sound that a column is made of, weighed by a Hann window; factors of 2, 3 and 5 "
              "are fastest"),
    FIELD(MelArgs, hop, FIELD_INTEGER, .preset = "256", .least = 1, .most = MEL_WINDOW_MOST,
          .named_only = true, .doc = "values from one column to the next"),
    FIELD(MelArgs, range, FIELD_RANGE, .preset = "20..8000", .least = 0, .most = SOUND_RATE_MOST,
          .named_only = true, .doc = "lowest and highest frequency, in Hz"),
    FIELDS_END,
};
const Schema mel_schema = {
    .word = "mel",
    .doc =
        "Makes a picture of a sound: its log-mel spectrogram, a row for each band of frequencies, the lowest "
        "first, and a column for each hop, in decibels, at most 80 below the sound's loudest. The numbers "
        "are those of librosa's melspectrogram and power_to_db.",
    .places = IN_DATA,
    .fields = mel_fields,
    .args_bytes = sizeof(MelArgs),
    .example = "mel bands=64, window=1024, hop=256, range=20..8000",
};

/* A band: a triangle over a few neighbouring values of the spectrum. */
typedef struct {
    int64_t first, count;
    const float *weight; /* [count] */
} Band;

typedef struct {
    Transform transform;
    Fourier *fourier;
    int64_t bands, window, hop, bins; /* bins: values of a spectrum */
    double *hann;                     /* [window] */
    float *weights;                   /* of all bands */
    Band *band;                       /* [bands] */
} Mel;

static const double top_decibels = 80; /* below the loudest, where a quieter value is put */

/* ---- The bands ---- */

/* Slaney's scale: linear to 1000 Hz, which is 15 mel, then 27 steps for a factor of 6.4. */
static const double mel_knee = 1000, mel_of_knee = 15, mel_step = 200.0 / 3;

static double mel_of_hz(double hz)
{
    return hz < mel_knee ? hz / mel_step : mel_of_knee + log(hz / mel_knee) * 27 / log(6.4);
}

static double hz_of_mel(double mel)
{
    return mel < mel_of_knee ? mel * mel_step : mel_knee * exp((mel - mel_of_knee) * log(6.4) / 27);
}

/* Where band number i begins; it has its top where the next begins, and ends where that has its top. */
static double mel_edge(const Mel *mel, Range range, int64_t i)
{
    double low = mel_of_hz(range.low), high = mel_of_hz(range.high);
    return hz_of_mel(low + (high - low) * (double)i / (double)(mel->bands + 1));
}

static CnnStatus mel_make_bands(Mel *mel, Range range, double rate, CnnError *error)
{
    float *weight = mel->weights;
    for (int64_t i = 0; i < mel->bands; i++) {
        double from = mel_edge(mel, range, i), top = mel_edge(mel, range, i + 1),
               to = mel_edge(mel, range, i + 2);
        Band *band = &mel->band[i];
        band->weight = weight;
        for (int64_t k = 0; k < mel->bins; k++) {
            double hz = (double)k * rate / (double)mel->window;
            double share = fmin((hz - from) / (top - from), (to - hz) / (to - top));
            if (share <= 0)
                continue;
            if (band->count == 0)
                band->first = k;
            band->count++;
            *weight++ = (float)(share * 2 / (to - from)); /* the area of all bands is the same */
        }
        if (band->count == 0)
            return cnn_fail(
                error, CNN_BAD_INPUT,
                "band %lld of %lld, from %.1f to %.1f Hz, lies between two frequencies of a window "
                "of %lld values, which are %.1f Hz apart: fewer bands, or a longer window",
                (long long)i + 1, (long long)mel->bands, from, to, (long long)mel->window,
                rate / (double)mel->window);
    }
    return CNN_OK;
}

/* ---- A sample ---- */

/* The window around value `centre` of a channel, weighed; beyond its ends the sound is silent. */
static void mel_frame(const Mel *mel, const Picture *sound, int64_t channel, int64_t centre, double *frame)
{
    int64_t first = centre - mel->window / 2, begin = first < 0 ? -first : 0,
            end = sound->width - first < mel->window ? sound->width - first : mel->window;
    const float *values = (const float *)sound->data + channel;
    begin = begin < mel->window ? begin : mel->window;
    for (int64_t i = 0; i < begin; i++)
        frame[i * FOURIER_STEP] = 0;
    for (int64_t i = begin; i < end; i++)
        frame[i * FOURIER_STEP] = values[(first + i) * sound->channels] * mel->hann[i];
    for (int64_t i = end > begin ? end : begin; i < mel->window; i++)
        frame[i * FOURIER_STEP] = 0;
}

/* The power of each band in all windows. The first `count` of them go to `out`, beside each other; bands lie
 * `stride` values apart. */
PIXEL_LOOP
static void mel_powers(const Mel *mel, const double *powers, int64_t count, float *out, int64_t stride)
{
    for (int64_t b = 0; b < mel->bands; b++) {
        const Band *band = &mel->band[b];
        const double *power = powers + band->first * FOURIER_WINDOWS;
        double sum[FOURIER_WINDOWS] = {0};
        for (int64_t k = 0; k < band->count; k++, power += FOURIER_WINDOWS)
            for (int w = 0; w < FOURIER_WINDOWS; w++)
                sum[w] += band->weight[k] * power[w];
        for (int64_t w = 0; w < count; w++)
            out[b * stride + w] = (float)sum[w];
    }
}

static void powers_to_decibels(float *values, int64_t count)
{
    const float least = 1e-10f;
    float most = least;
    for (int64_t i = 0; i < count; i++)
        most = fmaxf(most, values[i]);
    float floor = (float)(10 * log10(most) - top_decibels);
    for (int64_t i = 0; i < count; i++)
        values[i] = fmaxf(10 * log10f(fmaxf(values[i], least)), floor);
}

static CnnStatus mel_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    const Mel *mel = (const Mel *)transform;
    const Layout *layout = &transform->out;
    const Picture *sound = sample->now;
    TRY(bytes_reserve(sample->work, fourier_bytes(mel->fourier), error));
    TRY(picture_reserve(sample->spare, layout->height, layout->width, layout->channels, DTYPE_F32, error));
    double *work = (double *)(void *)sample->work->data;
    float *out = sample->spare->data;
    int64_t all = layout->width * layout->channels; /* windows: those of all channels, then the next column */
    for (int64_t first = 0; first < all; first += FOURIER_WINDOWS) {
        int64_t count = all - first < FOURIER_WINDOWS ? all - first : FOURIER_WINDOWS;
        for (int w = 0; w < FOURIER_WINDOWS; w++) {
            int64_t window = first + (w < count ? w : 0); /* those that are too many are not looked at */
            mel_frame(mel, sound, window % layout->channels, window / layout->channels * mel->hop,
                      fourier_window(mel->fourier, work, w));
        }
        mel_powers(mel, fourier_powers(mel->fourier, work), count, out + first, all);
    }
    powers_to_decibels(out, layout->height * all);
    sample_swap(sample);
    return CNN_OK;
}

/* ---- Planning ---- */

static void mel_close(Transform *transform)
{
    Mel *mel = (Mel *)transform;
    fourier_close(mel->fourier);
    free(mel->hann);
    free(mel->weights);
    free(mel->band);
    free(mel);
}

static CnnStatus mel_fill(Mel *mel, Range range, double rate, CnnError *error)
{
    const double pi = 3.14159265358979323846;
    mel->bins = mel->window / 2 + 1;
    mel->hann = calloc((size_t)mel->window, sizeof *mel->hann);
    mel->weights = calloc((size_t)mel->bins * 2, sizeof *mel->weights); /* bands overlap by two */
    mel->band = calloc((size_t)mel->bands, sizeof *mel->band);
    if (!mel->hann || !mel->weights || !mel->band)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'mel'");
    for (int64_t i = 0; i < mel->window; i++)
        mel->hann[i] = 0.5 - 0.5 * cos(2 * pi * (double)i / (double)mel->window);
    TRY(mel_make_bands(mel, range, rate, error));
    return fourier_open(mel->window, &mel->fourier, error);
}

static CnnStatus mel_plan(const CnnStatement *statement, const Layout *in, Transform **out, CnnError *error)
{
    const MelArgs *args = statement->args;
    if (in->rate == 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'mel' needs a sound: it stands behind the source 'audio', before stages that change "
                        "sizes or places");
    if (!(args->range.low < args->range.high))
        return cnn_fail(error, CNN_BAD_INPUT, "'mel' needs a range that is not empty");
    if (args->range.high > in->rate / 2)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the range goes to %g Hz, but a sound of %g values a second has no frequencies above "
                        "%g Hz: range=%g..%g",
                        args->range.high, in->rate, in->rate / 2, fmin(args->range.low, in->rate / 4),
                        in->rate / 2);
    Mel *mel = calloc(1, sizeof *mel);
    if (!mel)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'mel'");
    mel->bands = args->bands;
    mel->window = args->window;
    mel->hop = args->hop;
    mel->transform = (Transform){
        .out = {.height = args->bands, .width = 1 + in->width / args->hop, .channels = in->channels},
        .apply = mel_apply,
        .close = mel_close};
    CnnStatus status = mel_fill(mel, args->range, in->rate, error);
    if (status == CNN_OK)
        *out = &mel->transform;
    else
        mel_close(&mel->transform);
    return status;
}

const TransformKind transform_mel = {.schema = &mel_schema, .plan = mel_plan};
