/* `resize HxW`. For each row of the result, rows of the picture are weighed and added, all columns of them;
 * then the columns, along that row. Bytes are rounded to bytes, as Pillow does: what `cache` keeps is a
 * quarter of what floats would take, and the same whether a picture had the size already or not. */
#include <math.h>
#include <stdlib.h>

#include "runtime/transform/filter.h"
#include "runtime/transform/four.h"
#include "runtime/transform/transform.h"

typedef enum { FIT_STRETCH, FIT_CROP, FIT_PAD } ResizeFit;

typedef struct {
    Dims size;
    int fit, method; /* ResizeFit, FilterMethod */
    bool antialias;
} ResizeArgs;

static const Field resize_fields[] = {
    FIELD(ResizeArgs, size, FIELD_WINDOW, .least = 1, .most = 16384,
          .doc = "height x width in pixels; a lone 64 means 64x64"),
    FIELD(ResizeArgs, fit, FIELD_WORD, .preset = "stretch", .words = "stretch crop pad", .named_only = true,
          .doc =
              "where the proportions differ: stretch; crop keeps the middle; pad adds black on both sides"),
    FIELD(ResizeArgs, method, FIELD_WORD, .preset = "bilinear", .words = FILTER_METHODS, .named_only = true,
          .doc =
              "how a pixel is made of those around its place: of two and two, by their distance; of four "
              "and four, sharper (Keys, with a = -0.5; kept between black and white); the mean of the area "
              "that it covers; the nearest"),
    FIELD(ResizeArgs, antialias, FIELD_BOOLEAN, .preset = "true", .named_only = true,
          .doc =
              "bilinear and bicubic: where the picture gets smaller, all pixels count, as in Pillow; false: "
              "those around the place alone, as in Keras"),
    FIELDS_END,
};
const Schema resize_schema = {
    .word = "resize",
    .doc = "Brings every picture to one size. Where all pixels count, a JPEG that is more than twice too "
           "large is decoded at a half, a quarter or an eighth first.",
    .source =
        "Keys, Cubic convolution interpolation for digital image processing, 1981; Pillow, Image.resize",
    .places = IN_DATA,
    .fields = resize_fields,
    .args_bytes = sizeof(ResizeArgs),
    .example = "resize 224x224, fit=crop",
};

typedef struct {
    Transform transform;
    int64_t height, width;
    ResizeFit fit;
    FilterMethod method;
    bool antialias;
    const float *black, *white; /* [channels]; NULL where they are not known */
} Resize;

/* One row of the result before it is filtered along the row: rows of bytes, weighed. */
PIXEL_LOOP
static void rows_of_bytes(const unsigned char *in, int64_t values, int taps, const float *weight, float *out)
{
    for (int64_t i = 0; i < values; i++)
        out[i] = weight[0] * (float)in[i];
    for (int t = 1; t < taps; t++) {
        const unsigned char *row = in + t * values;
        float factor = weight[t];
        for (int64_t i = 0; i < values; i++)
            out[i] += factor * (float)row[i];
    }
}

PIXEL_LOOP
static void rows_of_floats(const float *in, int64_t values, int taps, const float *weight, float *out)
{
    for (int64_t i = 0; i < values; i++)
        out[i] = weight[0] * in[i];
    for (int t = 1; t < taps; t++) {
        const float *row = in + t * values;
        float factor = weight[t];
        for (int64_t i = 0; i < values; i++)
            out[i] += factor * row[i];
    }
}

/* Along a row of three channels. */
static void row_filter3(const Filter *columns, const float *row, float *out)
{
    for (int64_t x = 0; x < columns->out; x++, out += 3) {
        const float *in = row + columns->first[x] * 3, *weight = columns->weight + x * columns->most;
        Four sum = four_load(in) * weight[0];
        for (int32_t t = 1; t < columns->taps[x]; t++)
            sum += four_load(in + 3 * t) * weight[t];
        four_store3(out, sum);
    }
}

/* The same for any number of channels. */
static void row_filter(const Filter *columns, const float *row, int64_t channels, float *out)
{
    for (int64_t x = 0; x < columns->out; x++, out += channels) {
        const float *in = row + columns->first[x] * channels, *weight = columns->weight + x * columns->most;
        for (int64_t c = 0; c < channels; c++)
            out[c] = weight[0] * in[c];
        for (int32_t t = 1; t < columns->taps[x]; t++)
            for (int64_t c = 0; c < channels; c++)
                out[c] += weight[t] * in[t * channels + c];
    }
}

PIXEL_LOOP
static void row_round(const float *in, int64_t values, unsigned char *out)
{
    for (int64_t i = 0; i < values; i++) {
        float rounded = in[i] + 0.5f;
        rounded = rounded < 0 ? 0 : rounded;
        out[i] = (unsigned char)(rounded > 255 ? 255 : rounded);
    }
}

/* Which part of a picture of height x width goes where. */
static void resize_spans(const Resize *resize, int64_t height, int64_t width, Span *rows, Span *columns)
{
    *rows = (Span){0, (double)height, 0, resize->height};
    *columns = (Span){0, (double)width, 0, resize->width};
    double by_rows = span_scale(rows), by_columns = span_scale(columns);
    if (resize->fit == FIT_CROP) { /* the smaller reduction for both axes, from the middle */
        double scale = fmin(by_rows, by_columns);
        rows->extent = scale * (double)resize->height;
        columns->extent = scale * (double)resize->width;
        rows->from = ((double)height - rows->extent) / 2;
        columns->from = ((double)width - columns->extent) / 2;
    } else if (resize->fit == FIT_PAD) { /* the larger one, into the middle */
        double scale = fmax(by_rows, by_columns);
        rows->out_extent = (int64_t)fmax(round((double)height / scale), 1);
        columns->out_extent = (int64_t)fmax(round((double)width / scale), 1);
        rows->out_from = (resize->height - rows->out_extent) / 2;
        columns->out_from = (resize->width - columns->out_extent) / 2;
    }
}

/* Fills the result with black where the picture will not reach. */
static void resize_pad(const Resize *resize, Picture *out)
{
    int64_t pixels = resize->height * resize->width, channels = out->channels;
    float *floats = out->data;
    unsigned char *bytes = out->data;
    for (int64_t i = 0; i < pixels * channels; i++) {
        float black = resize->black ? resize->black[i % channels] : 0;
        if (out->dtype == DTYPE_U8)
            bytes[i] = (unsigned char)black;
        else
            floats[i] = black;
    }
}

/* The weights of bicubic are negative in places, so that edges overshoot. */
static void resize_clip(const Resize *resize, Picture *out)
{
    int64_t pixels = resize->height * resize->width, channels = out->channels;
    float *value = out->data;
    for (int64_t i = 0; i < pixels; i++, value += channels)
        for (int64_t c = 0; c < channels; c++) {
            float least = value[c] < resize->black[c] ? resize->black[c] : value[c];
            value[c] = least > resize->white[c] ? resize->white[c] : least;
        }
}

static CnnStatus resize_apply(const Transform *transform, Sample *sample, CnnError *error)
{
    const Resize *resize = (const Resize *)transform;
    const Picture *in = sample->now;
    Picture *out = sample->spare;
    int64_t channels = in->channels, values = in->width * channels;
    Span row_span, column_span;
    if (in->height == resize->height && in->width == resize->width)
        return CNN_OK;
    resize_spans(resize, in->height, in->width, &row_span, &column_span);
    size_t row_bytes = (size_t)(values + 1) * sizeof(float);
    TRY(bytes_reserve(sample->work,
                      filter_bytes(resize->method, resize->antialias, &row_span) +
                          filter_bytes(resize->method, resize->antialias, &column_span) + row_bytes +
                          (size_t)(resize->width * channels) * sizeof(float),
                      error));
    TRY(picture_reserve(out, resize->height, resize->width, channels, in->dtype, error));
    unsigned char *at = sample->work->data;
    Filter rows = filter_make(resize->method, resize->antialias, &row_span, in->height, &at),
           columns = filter_make(resize->method, resize->antialias, &column_span, in->width, &at);
    float *row = (float *)at, *filtered = (float *)(at + row_bytes);
    if (resize->fit == FIT_PAD)
        resize_pad(resize, out);
    for (int64_t y = 0; y < rows.out; y++) {
        int64_t first = rows.first[y] * values;
        int64_t to = ((row_span.out_from + y) * resize->width + column_span.out_from) * channels;
        const float *weight = rows.weight + y * rows.most;
        float *result = in->dtype == DTYPE_U8 ? filtered : (float *)out->data + to;
        if (in->dtype == DTYPE_U8)
            rows_of_bytes((const unsigned char *)in->data + first, values, rows.taps[y], weight, row);
        else
            rows_of_floats((const float *)in->data + first, values, rows.taps[y], weight, row);
        if (channels == 3)
            row_filter3(&columns, row, result);
        else
            row_filter(&columns, row, channels, result);
        if (in->dtype == DTYPE_U8)
            row_round(filtered, columns.out * channels, (unsigned char *)out->data + to);
    }
    if (resize->method == FILTER_BICUBIC && resize->black && out->dtype == DTYPE_F32)
        resize_clip(resize, out);
    sample_swap(sample);
    return CNN_OK;
}

static void resize_close(Transform *transform)
{
    free(transform);
}

static CnnStatus resize_plan(const CnnStatement *statement, const Layout *in, Transform **out,
                             CnnError *error)
{
    const ResizeArgs *args = statement->args;
    bool all_count = args->method == FILTER_AREA || (args->method != FILTER_NEAREST && args->antialias);
    if (args->method == FILTER_AREA && !args->antialias)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "'resize' takes the mean with method=area: leave antialias out");
    Resize *resize = calloc(1, sizeof *resize);
    if (!resize)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'resize'");
    resize->height = args->size.value[0];
    resize->width = args->size.value[1];
    resize->fit = (ResizeFit)args->fit;
    resize->method = (FilterMethod)args->method;
    resize->antialias = args->antialias;
    resize->black = in->ranged ? in->black : NULL;
    resize->white = in->ranged ? in->white : NULL;
    resize->transform = (Transform){.out = *in, .apply = resize_apply, .close = resize_close};
    resize->transform.out.rate = 0;
    resize->transform.out.height = resize->height;
    resize->transform.out.width = resize->width;
    if (all_count) {
        resize->transform.want_height = resize->height;
        resize->transform.want_width = resize->width;
    }
    *out = &resize->transform;
    return CNN_OK;
}

const TransformKind transform_resize = {.schema = &resize_schema, .plan = resize_plan};
