/* Sums and sums of products of the differences from the first vector, which keeps them small. Products are
 * added for several vectors at once, so that the matrix passes through the processor less often. */
#include "runtime/transform/covariance.h"

#include <string.h>

#include "runtime/transform/transform.h"

enum { ROWS = 8 };

typedef struct {
    int64_t count;   /* vectors seen, those waiting too */
    int64_t waiting; /* of them, not in `products` yet */
    double values[]; /* the four below */
} Covariance;

typedef struct {
    double *offset, *sum; /* [n] */
    double *rows;         /* [ROWS, n]: those waiting */
    double *products;     /* [n, n], upper half */
} Parts;

static Parts covariance_parts(const Covariance *state, int64_t n)
{
    double *at = (double *)state->values;
    return (Parts){at, at + n, at + 2 * n, at + (2 + ROWS) * n};
}

size_t covariance_bytes(int64_t n)
{
    return sizeof(Covariance) + sizeof(double) * (size_t)n * (size_t)(2 + ROWS + n);
}

PIXEL_LOOP
static void products_add(double *products, const double *rows, int64_t n)
{
    const double *r0 = rows, *r1 = r0 + n, *r2 = r1 + n, *r3 = r2 + n, *r4 = r3 + n, *r5 = r4 + n,
                 *r6 = r5 + n, *r7 = r6 + n;
    for (int64_t i = 0; i < n; i++) {
        double *to = products + i * n;
        double a0 = r0[i], a1 = r1[i], a2 = r2[i], a3 = r3[i], a4 = r4[i], a5 = r5[i], a6 = r6[i], a7 = r7[i];
        for (int64_t j = i; j < n; j++)
            to[j] += ((a0 * r0[j] + a1 * r1[j]) + (a2 * r2[j] + a3 * r3[j])) +
                     ((a4 * r4[j] + a5 * r5[j]) + (a6 * r6[j] + a7 * r7[j]));
    }
}

static void covariance_flush(Covariance *state, int64_t n)
{
    Parts parts = covariance_parts(state, n);
    if (state->waiting == 0)
        return;
    memset(parts.rows + state->waiting * n, 0, (size_t)((ROWS - state->waiting) * n) * sizeof *parts.rows);
    products_add(parts.products, parts.rows, n);
    state->waiting = 0;
}

void covariance_add(void *memory, int64_t n, const void *values, Dtype dtype)
{
    Covariance *state = memory;
    Parts parts = covariance_parts(state, n);
    const unsigned char *bytes = values;
    const float *floats = values;
    double *row = parts.rows + state->waiting * n;
    for (int64_t i = 0; i < n; i++)
        row[i] = dtype == DTYPE_U8 ? bytes[i] : floats[i];
    if (state->count++ == 0)
        memcpy(parts.offset, row, (size_t)n * sizeof *row);
    for (int64_t i = 0; i < n; i++) {
        row[i] -= parts.offset[i];
        parts.sum[i] += row[i];
    }
    if (++state->waiting == ROWS)
        covariance_flush(state, n);
}

/* The sums of `from` as they would be with the offset of `into`. */
void covariance_merge(void *memory, int64_t n, const void *later)
{
    Covariance *into = memory;
    const Covariance *from = later;
    if (from->count == 0)
        return;
    if (into->count == 0) {
        memcpy(into, from, covariance_bytes(n));
        return;
    }
    Parts to = covariance_parts(into, n), parts = covariance_parts(from, n);
    covariance_flush(into, n);
    double *shift = to.rows, count = (double)from->count; /* the rows are free now */
    for (int64_t i = 0; i < n; i++)
        shift[i] = parts.offset[i] - to.offset[i];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++)
            to.products[i * n + j] += parts.products[i * n + j] + parts.sum[i] * shift[j] +
                                      shift[i] * parts.sum[j] + count * shift[i] * shift[j];
    for (int64_t i = 0; i < n; i++)
        to.sum[i] += parts.sum[i] + count * shift[i];
    into->count += from->count;
    into->waiting = from->waiting;
    memcpy(to.rows, parts.rows, (size_t)(ROWS * n) * sizeof *to.rows);
    covariance_flush(into, n);
}

double *covariance_result(void *memory, int64_t n, double *mean, int64_t *vectors)
{
    Covariance *state = memory;
    Parts parts = covariance_parts(state, n);
    double *matrix = parts.products, count = (double)state->count;
    covariance_flush(state, n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++)
            matrix[i * n + j] = (matrix[i * n + j] - parts.sum[i] * parts.sum[j] / count) / count;
    for (int64_t i = 0; i < n; i++)
        mean[i] = parts.offset[i] + parts.sum[i] / count;
    *vectors = state->count;
    return matrix;
}
