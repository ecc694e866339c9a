/* Between the files of ops/: the linear transforms of Winograd's minimal filtering (winograd.c). */
#ifndef WINOGRAD_MATRIX_H
#define WINOGRAD_MATRIX_H

#include "compiler/ir/kernel.h"
#include "compiler/ops/winograd.h"

enum { WINOGRAD_SIDE_MOST = WINOGRAD_TILE_LARGE + WINOGRAD_WINDOW - 1 };

/* How the terms of a row are put together, so that rows share partial sums: those of even and those of odd
 * number, or the pairs 1 and 2, 3 and 4. Between rows the parts differ by their sign only. */
typedef enum { BY_PARITY, BY_PAIRS } Sharing;

typedef struct {
    Sharing sharing;
    int rows, columns;
    double at[WINOGRAD_SIDE_MOST][WINOGRAD_SIDE_MOST];
} WinogradMatrix;

/* For tiles of 2 and of 4: the transform of the picture's tile (B^T), of the kernel (G), of the result (A^T).
 */
extern const WinogradMatrix winograd_picture[2], winograd_kernel[2], winograd_result[2];

/** For the gradients: G^T, A. */
WinogradMatrix winograd_transposed(const WinogradMatrix *matrix);

typedef ExprId WinogradRead(void *context, int i, int j);

/** Element (row, column) of matrix X matrix^T, where element (i, j) of X is what `read` gives. */
ExprId winograd_sandwich(Lowering *lowering, const WinogradMatrix *matrix, int64_t row, int64_t column,
                         WinogradRead *read, void *context);

#endif
