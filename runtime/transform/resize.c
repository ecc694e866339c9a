/* `resize HxW`: bilinear, with the filter widened by the factor of the reduction, so that every pixel of a
 * larger picture counts (a triangle of twice that width; what Pillow's BILINEAR and torch's antialias=True
 * do, and tf.image.resize with antialias=True). First all columns of a row of the result are summed over
 * rows, then along the row. Bytes are rounded to bytes, as Pillow does: what `cache` keeps is a quarter of
 * what floats would take, and the same whether a picture had the size already or not. */
#include <math.h>
#include <stdlib.h>

#include "runtime/transform/four.h"
#include "runtime/transform/transform.h"

typedef enum { FIT_STRETCH, FIT_CROP, FIT_PAD } ResizeFit;

typedef struct {
    Dims size;
    int fit;
} ResizeArgs;

static const Field resize_fields[] = {
    FIELD(ResizeArgs, size, FIELD_WINDOW, .least = 1, .most = 16384,
          .doc = "height x width in pixels; a lone 64 means 64x64"),
    FIELD(ResizeArgs, fit, FIELD_WORD, .preset = "stretch", .words = "stretch crop pad", .named_only = true,
          .doc =
              "where the proportions differ: stretch; crop keeps the middle; pad adds black on both sides"),
    FIELDS_END,
};
const Schema resize_schema = {
    .word = "resize",
    .doc = "Brings every picture to one size. Bilinear, and antialiased where the picture gets smaller, as "
           "Pillow does it. "
           "A JPEG that is more than twice too large is decoded at a half, a quarter or an eighth first.",
    .places = IN_DATA,
    .fields = resize_fields,
    .args_bytes = sizeof(ResizeArgs),
    .example = "resize 224x224, fit=crop",
};

typedef struct {
    Transform transform;
    int64_t height, width;
    ResizeFit fit;
    const float *black; /* [channels], for padding; NULL where it is not known */
} Resize;

/* How `out` positions along one axis are made of those of `in`: out[i] = sum over j < taps of weight[i * most
 * + j] * in[first[i] + j], with taps[i] <= most. */
typedef struct {
    int64_t out, most;
    int32_t *first, *taps;
    float *weight;
} Filter;

/* The part of a picture that is read, and the part of the result that is written, along one axis. */
typedef struct {
    double from, extent; /* in pixels of the picture */
    int64_t out_from, out_extent;
} Span;

static double span_scale(const Span *span)
{
    return span->extent / (double)span->out_extent;
}

static int64_t filter_most(const Span *span)
{
    return 2 * (int64_t)ceil(fmax(span_scale(span), 1)) + 1;
}

static size_t filter_bytes(const Span *span)
{
    return (size_t)span->out_extent * (2 * sizeof(int32_t) + (size_t)filter_most(span) * sizeof(float));
}

/* Lays the filter out in memory at *at, which is moved on, and computes it. extent: of the picture along the
 * axis. */
static Filter filter_make(const Span *span, int64_t extent, unsigned char **at)
{
    Filter filter = {.out = span->out_extent, .most = filter_most(span)};
    filter.first = (int32_t *)*at;
    filter.taps = filter.first + filter.out;
    filter.weight = (float *)(filter.taps + filter.out);
    *at += filter_bytes(span);
    double scale = span_scale(span), reach = fmax(scale, 1);
    for (int64_t i = 0; i < filter.out; i++) {
        double centre = span->from + ((double)i + 0.5) * scale, sum = 0;
        int64_t first = (int64_t)fmax(floor(centre - reach + 0.5), 0);
        int64_t end = (int64_t)fmin(floor(centre + reach + 0.5), (double)extent);
        float *weight = filter.weight + i * filter.most;
        for (int64_t j = first; j < end; j++)
            sum += fmax(1 - fabs((double)j + 0.5 - centre) / reach, 0);
        for (int64_t j = first; j < end; j++)
            weight[j - first] = (float)(fmax(1 - fabs((double)j + 0.5 - centre) / reach, 0) / sum);
        filter.first[i] = (int32_t)first;
        filter.taps[i] = (int32_t)(end - first);
    }
    return filter;
}

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
    for (int64_t i = 0; i < values; i++)
        out[i] = (unsigned char)(in[i] + 0.5f); /* a mean of bytes is never below 0, nor as much as 255.5 */
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
                      filter_bytes(&row_span) + filter_bytes(&column_span) + row_bytes +
                          (size_t)(resize->width * channels) * sizeof(float),
                      error));
    TRY(picture_reserve(out, resize->height, resize->width, channels, in->dtype, error));
    unsigned char *at = sample->work->data;
    Filter rows = filter_make(&row_span, in->height, &at),
           columns = filter_make(&column_span, in->width, &at);
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
    Resize *resize = calloc(1, sizeof *resize);
    if (!resize)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for 'resize'");
    resize->height = args->size.value[0];
    resize->width = args->size.value[1];
    resize->fit = (ResizeFit)args->fit;
    resize->black = in->ranged ? in->black : NULL;
    resize->transform = (Transform){.out = *in, .apply = resize_apply, .close = resize_close};
    resize->transform.out.rate = 0;
    resize->transform.out.height = resize->transform.want_height = resize->height;
    resize->transform.out.width = resize->transform.want_width = resize->width;
    *out = &resize->transform;
    return CNN_OK;
}

const TransformKind transform_resize = {.schema = &resize_schema, .plan = resize_plan};
