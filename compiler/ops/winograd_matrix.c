/* The linear transforms of Winograd's minimal filtering as expressions, with as few operations as sharing
 * allows.
 */
#include "compiler/ops/winograd_matrix.h"

/* For tiles of 2 and of 4: the transform of the picture's tile (B^T), of the kernel (G), of the result (A^T),
 * and of the gradients of the last two (G^T, A). */
const WinogradMatrix winograd_picture[2] = {
    {BY_PARITY, 4, 4, {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}},
    {BY_PARITY,
     6,
     6,
     {{4, 0, -5, 0, 1, 0},
      {0, -4, -4, 1, 1, 0},
      {0, 4, -4, -1, 1, 0},
      {0, -2, -1, 2, 1, 0},
      {0, 2, -1, -2, 1, 0},
      {0, 4, 0, -5, 0, 1}}},
};
const WinogradMatrix winograd_kernel[2] = {
    {BY_PARITY, 4, 3, {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}},
    {BY_PARITY,
     6,
     3,
     {{1 / 4.0, 0, 0},
      {-1 / 6.0, -1 / 6.0, -1 / 6.0},
      {-1 / 6.0, 1 / 6.0, -1 / 6.0},
      {1 / 24.0, 1 / 12.0, 1 / 6.0},
      {1 / 24.0, -1 / 12.0, 1 / 6.0},
      {0, 0, 1}}},
};
const WinogradMatrix winograd_result[2] = {
    {BY_PAIRS, 2, 4, {{1, 1, 1, 0}, {0, 1, -1, -1}}},
    {BY_PAIRS, 4, 6, {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}},
};

WinogradMatrix winograd_transposed(const WinogradMatrix *matrix)
{
    WinogradMatrix turned = {.sharing = matrix->sharing == BY_PARITY ? BY_PAIRS : BY_PARITY,
                             .rows = matrix->columns,
                             .columns = matrix->rows};
    for (int i = 0; i < turned.rows; i++)
        for (int j = 0; j < turned.columns; j++)
            turned.at[i][j] = matrix->at[j][i];
    return turned;
}

/* sum + coefficient * x; NO_EXPR: nothing yet. */
enum { NO_EXPR = -1 };

static ExprId plus(Lowering *lowering, ExprId sum, double coefficient, ExprId x)
{
    double size = coefficient < 0 ? -coefficient : coefficient;
    ExprId term = size == 1 ? x : lower_scalar(lowering, SCALAR_mul, x, lower_const(lowering, size), 0);
    if (sum == NO_EXPR)
        return coefficient < 0 ? lower_scalar(lowering, SCALAR_neg, term, 0, 0) : term;
    return lower_scalar(lowering, coefficient < 0 ? SCALAR_sub : SCALAR_add, sum, term, 0);
}

/* One part of a row: its terms from `first` on, `step` apart, before `end`. The part with its sign turned is
 * the same expression. */
static ExprId add_part(Lowering *lowering, ExprId sum, const double *row, const ExprId *x, int first, int end,
                       int step)
{
    ExprId part = NO_EXPR;
    double sign = 0;
    for (int j = first; j < end; j += step) {
        if (row[j] == 0)
            continue;
        if (sign == 0)
            sign = row[j] < 0 ? -1 : 1;
        part = plus(lowering, part, sign * row[j], x[j]);
    }
    return part == NO_EXPR ? sum : plus(lowering, sum, sign, part);
}

/* A pair x, y with coefficients a, a or a, -a is a (x + y) or a (x - y). */
static ExprId add_pair(Lowering *lowering, ExprId sum, const double *row, const ExprId *x, int first)
{
    if (row[first] == 0)
        return sum;
    double ratio = row[first + 1] / row[first];
    return plus(lowering, sum, row[first], plus(lowering, x[first], ratio, x[first + 1]));
}

/* Element `i` of matrix * x. */
static ExprId multiply(Lowering *lowering, const WinogradMatrix *matrix, int64_t i, const ExprId *x)
{
    const double *row = matrix->at[i];
    int columns = matrix->columns;
    ExprId sum = NO_EXPR;
    if (matrix->sharing == BY_PARITY) {
        sum = add_part(lowering, sum, row, x, 0, columns, 2);
        return add_part(lowering, sum, row, x, 1, columns, 2);
    }
    sum = add_part(lowering, sum, row, x, 0, 1, 1);
    int j = 1;
    for (; j + 1 < columns; j += 2)
        sum = add_pair(lowering, sum, row, x, j);
    return add_part(lowering, sum, row, x, j, columns, 1);
}

ExprId winograd_sandwich(Lowering *lowering, const WinogradMatrix *matrix, int64_t row, int64_t column,
                         WinogradRead *read, void *context)
{
    ExprId outer[WINOGRAD_SIDE_MOST];
    for (int i = 0; i < matrix->columns; i++) {
        ExprId inner[WINOGRAD_SIDE_MOST];
        for (int j = 0; j < matrix->columns; j++)
            inner[j] = read(context, i, j);
        outer[i] = multiply(lowering, matrix, column, inner);
    }
    return multiply(lowering, matrix, row, outer);
}
