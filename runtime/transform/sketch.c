/* Each pass multiplies the covariance with the range so far: first random signs, then the orthonormal range
 * of the pass before. Of the last one the components are those of the covariance within the range. All
 * products are of eight rows at once, so that the large matrices pass through the processor less often. */
#include "runtime/transform/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/memory.h"
#include "runtime/rng.h"
#include "runtime/transform/eigen.h"
#include "runtime/transform/transform.h"

enum { ROWS = 8, PASSES = 4, SIGNS = 128 };
#define MOST_ELEMENTS ((uint64_t)1 << 27) /* of values x columns: 1 GiB */

typedef struct {
    int64_t count;   /* vectors seen, those waiting too */
    int64_t waiting; /* of them, not in `products` yet */
    double square;   /* sum of the squares of all values */
    double parts[];  /* the four below */
} State;

typedef struct {
    double *sum;      /* [values], of the differences from the mean so far */
    double *rows;     /* [ROWS, values]: those waiting */
    double *shadows;  /* [ROWS, columns]: what they are in the range */
    double *products; /* [values, columns] */
} Parts;

/* Rows of zeros make the values a multiple of ROWS. */
static int64_t padded(int64_t count)
{
    return (count + ROWS - 1) / ROWS * ROWS;
}

static Parts state_parts(const Sketch *sketch, const State *state)
{
    int64_t n = padded(sketch->values);
    double *at = (double *)state->parts;
    return (Parts){at, at + n, at + (1 + ROWS) * n, at + (1 + ROWS) * n + ROWS * sketch->columns};
}

size_t sketch_bytes(const Sketch *sketch)
{
    size_t n = (size_t)padded(sketch->values), columns = (size_t)sketch->columns;
    return sizeof(State) + sizeof(double) * ((1 + ROWS) * n + ROWS * columns + n * columns);
}

/* The first range: random signs. */
static void sketch_draw(Sketch *sketch)
{
    for (int64_t j = 0; j < sketch->values; j++) {
        double *row = sketch->range + j * sketch->columns;
        Random4 random = {{0}};
        for (int64_t k = 0; k < sketch->columns; k++) {
            if (k % SIGNS == 0)
                random = cnn_random4(1, (uint32_t)j, (uint32_t)(k / SIGNS), 0, PURPOSE_SKETCH);
            row[k] = random.word[k % SIGNS / 32] >> k % 32 & 1 ? 1 : -1;
        }
    }
}

CnnStatus sketch_plan(int64_t values, int64_t wanted, const char *word, Sketch *sketch, CnnError *error)
{
    int64_t columns = padded(wanted + (wanted / 4 > 16 ? wanted / 4 : 16)), most = values / ROWS * ROWS;
    uint64_t elements;
    columns = columns < most ? columns : most;
    *sketch = (Sketch){.values = values, .columns = columns};
    if (cnn_multiply((uint64_t)padded(values), (uint64_t)columns, &elements) && elements <= MOST_ELEMENTS)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "'%s' would take more than 1 GiB for %lld directions of %lld values: 'resize' makes "
                    "samples smaller",
                    word, (long long)columns, (long long)values);
}

CnnStatus sketch_open(Sketch *sketch, CnnError *error)
{
    int64_t n = padded(sketch->values);
    sketch->mean = calloc((size_t)n, sizeof *sketch->mean);
    sketch->range = calloc((size_t)(n * sketch->columns), sizeof *sketch->range);
    if (!sketch->mean || !sketch->range)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld directions of %lld values",
                        (long long)sketch->columns, (long long)sketch->values);
    sketch_draw(sketch);
    return CNN_OK;
}

void sketch_close(Sketch *sketch)
{
    free(sketch->mean);
    free(sketch->range);
    *sketch = (Sketch){0};
}

/* Adds eight rows of n numbers to one, each times a factor: the factors lie `step` apart. */
PIXEL_LOOP
static void add_rows(double *to, const double *rows, int64_t n, const double *factor, int64_t step)
{
    const double *r0 = rows, *r1 = r0 + n, *r2 = r1 + n, *r3 = r2 + n, *r4 = r3 + n, *r5 = r4 + n,
                 *r6 = r5 + n, *r7 = r6 + n;
    double a0 = factor[0], a1 = factor[step], a2 = factor[2 * step], a3 = factor[3 * step],
           a4 = factor[4 * step], a5 = factor[5 * step], a6 = factor[6 * step], a7 = factor[7 * step];
    for (int64_t k = 0; k < n; k++)
        to[k] += ((a0 * r0[k] + a1 * r1[k]) + (a2 * r2[k] + a3 * r3[k])) +
                 ((a4 * r4[k] + a5 * r5[k]) + (a6 * r6[k] + a7 * r7[k]));
}

static void sketch_flush(const Sketch *sketch, State *state)
{
    int64_t n = padded(sketch->values), columns = sketch->columns;
    Parts parts = state_parts(sketch, state);
    if (state->waiting == 0)
        return;
    memset(parts.rows + state->waiting * n, 0, (size_t)((ROWS - state->waiting) * n) * sizeof *parts.rows);
    memset(parts.shadows, 0, (size_t)(ROWS * columns) * sizeof *parts.shadows);
    for (int64_t j = 0; j < n; j += ROWS)
        for (int64_t r = 0; r < state->waiting; r++)
            add_rows(parts.shadows + r * columns, sketch->range + j * columns, columns,
                     parts.rows + r * n + j, 1);
    for (int64_t j = 0; j < sketch->values; j++)
        add_rows(parts.products + j * columns, parts.shadows, columns, parts.rows + j, n);
    state->waiting = 0;
}

void sketch_add(const Sketch *sketch, void *memory, const void *values, Dtype dtype)
{
    State *state = memory;
    Parts parts = state_parts(sketch, state);
    const unsigned char *bytes = values;
    const float *floats = values;
    double *row = parts.rows + state->waiting * padded(sketch->values), square = 0;
    for (int64_t j = 0; j < sketch->values; j++) {
        row[j] = (dtype == DTYPE_U8 ? bytes[j] : floats[j]) - sketch->mean[j];
        parts.sum[j] += row[j];
        square += row[j] * row[j];
    }
    state->square += square;
    state->count++;
    if (++state->waiting == ROWS)
        sketch_flush(sketch, state);
}

void sketch_merge(const Sketch *sketch, void *memory, const void *later)
{
    State *into = memory;
    const State *from = later;
    int64_t n = padded(sketch->values);
    Parts to = state_parts(sketch, into), parts = state_parts(sketch, from);
    sketch_flush(sketch, into);
    for (int64_t j = 0; j < sketch->values; j++)
        to.sum[j] += parts.sum[j];
    for (int64_t i = 0; i < n * sketch->columns; i++)
        to.products[i] += parts.products[i];
    into->count += from->count;
    into->square += from->square;
    into->waiting = from->waiting;
    memcpy(to.rows, parts.rows, (size_t)(ROWS * n) * sizeof *to.rows);
    sketch_flush(sketch, into);
}

/* Makes the products those of the covariance with the range, and brings the mean up to date. */
static void sketch_center(Sketch *sketch, State *state, SketchResult *result)
{
    Parts parts = state_parts(sketch, state);
    int64_t n = padded(sketch->values), columns = sketch->columns;
    double count = (double)state->count, *shadow = parts.shadows;
    memset(shadow, 0, (size_t)columns * sizeof *shadow);
    result->vectors = state->count;
    result->all = state->square / count;
    for (int64_t j = 0; j < n; j++) {
        parts.sum[j] /= count;
        result->all -= parts.sum[j] * parts.sum[j];
    }
    for (int64_t j = 0; j < n; j += ROWS)
        add_rows(shadow, sketch->range + j * columns, columns, parts.sum + j, 1);
    for (int64_t j = 0; j < sketch->values; j++)
        for (int64_t k = 0; k < columns; k++)
            parts.products[j * columns + k] =
                parts.products[j * columns + k] / count - parts.sum[j] * shadow[k];
    for (int64_t j = 0; j < sketch->values; j++)
        sketch->mean[j] += parts.sum[j];
}

/* Turns the columns of the range: they become sums of each other, by the rows of `turn` [columns, columns].
 */
static void range_turn(Sketch *sketch, const double *turn, double *row)
{
    int64_t columns = sketch->columns;
    for (int64_t j = 0; j < sketch->values; j++) {
        double *at = sketch->range + j * columns;
        memset(row, 0, (size_t)columns * sizeof *row);
        for (int64_t i = 0; i < columns; i += ROWS)
            add_rows(row, turn + i * columns, columns, at + i, 1);
        memcpy(at, row, (size_t)columns * sizeof *row);
    }
}

/* The largest element of each column becomes positive. */
static void range_settle_signs(Sketch *sketch, double *largest)
{
    int64_t columns = sketch->columns;
    memset(largest, 0, (size_t)columns * sizeof *largest);
    for (int64_t i = 0; i < sketch->values * columns; i++)
        if (fabs(sketch->range[i]) > fabs(largest[i % columns]))
            largest[i % columns] = sketch->range[i];
    for (int64_t i = 0; i < sketch->values * columns; i++)
        if (largest[i % columns] < 0)
            sketch->range[i] = -sketch->range[i];
}

/* The components of the covariance within the range, of which products is covariance x range. */
static CnnStatus sketch_components(Sketch *sketch, const double *products, SketchResult *result,
                                   CnnError *error)
{
    int64_t columns = sketch->columns, n = padded(sketch->values);
    size_t square = (size_t)(columns * columns);
    double *within = calloc(3 * square + (size_t)columns, sizeof *within);
    result->variance = malloc((size_t)columns * sizeof *result->variance);
    CnnStatus status = CNN_OK;
    if (!within || !result->variance)
        status =
            cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %lld components", (long long)columns);
    if (status == CNN_OK) {
        double *vectors = within + square, *turn = vectors + square, *row = turn + square;
        for (int64_t j = 0; j < n; j += ROWS)
            for (int64_t a = 0; a < columns; a++)
                add_rows(within + a * columns, products + j * columns, columns,
                         sketch->range + j * columns + a, columns);
        status = eigen_symmetric(within, columns, columns, result->variance, vectors, error);
        for (int64_t i = 0; i < columns; i++)
            for (int64_t k = 0; k < columns; k++)
                turn[i * columns + k] = vectors[k * columns + i];
        range_turn(sketch, turn, row);
        range_settle_signs(sketch, row);
    }
    free(within);
    if (status != CNN_OK) {
        free(result->variance);
        result->variance = NULL;
    }
    return status;
}

CnnStatus sketch_finish(Sketch *sketch, void *memory, SketchResult *result, CnnError *error)
{
    State *state = memory;
    Parts parts = state_parts(sketch, state);
    *result = (SketchResult){0};
    sketch_flush(sketch, state);
    sketch_center(sketch, state, result);
    if (result->all <= 0) {
        result->all = 0;
        return CNN_OK;
    }
    if (++sketch->pass == PASSES)
        return sketch_components(sketch, parts.products, result, error);
    result->again = true;
    TRY(eigen_orthonormalize(parts.products, sketch->values, sketch->columns, error));
    memcpy(sketch->range, parts.products, (size_t)(sketch->values * sketch->columns) * sizeof *sketch->range);
    return CNN_OK;
}
