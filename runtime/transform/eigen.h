/* Eigenvectors of symmetric matrices, by LAPACK. It is loaded when it is first needed, so that neither cnnc
 * nor a trainer depends on it that measures no principal components. */
#ifndef CNN_EIGEN_H
#define CNN_EIGEN_H

#include <stdint.h>

#include "runtime/status.h"

/**
 * The `count` largest eigenvalues of a symmetric matrix [n, n], of which the upper half is read, in falling
 * order, and their eigenvectors, vectors[count, n], each with its largest element positive (as scikit-learn
 * has them). The matrix is lost. CNN_NO_RESOURCE: LAPACK is not installed, or memory is short.
 */
CnnStatus eigen_symmetric(double *matrix, int64_t n, int64_t count, double *values, double *vectors,
                          CnnError *error);

/**
 * Makes the columns of a matrix [rows, columns] orthonormal, rows >= columns: they span what they did before,
 * and more where they were not independent. CNN_NO_RESOURCE as above.
 */
CnnStatus eigen_orthonormalize(double *matrix, int64_t rows, int64_t columns, CnnError *error);

#endif
