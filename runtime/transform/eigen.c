/* The call of LAPACK. Its C interface is found by name: its header would have to be there for every build. */
#include "runtime/transform/eigen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/shared_library.h"

enum { ROW_MAJOR = 101, COLUMN_MAJOR = 102 }; /* LAPACK_ROW_MAJOR, LAPACK_COL_MAJOR */
enum { NO_MEMORY = -1010 };                   /* LAPACKE's own codes for memory begin here, downwards */

/* LAPACKE_dsyevr, with lapack_int of 32 bits, as Debian and all others build it. */
typedef int (*Dsyevr)(int layout, char vectors, char range, char half, int n, double *a, int lda, double low,
                      double high, int first, int last, double tolerance, int *found, double *values,
                      double *z, int ldz, int *support);

/* LAPACKE_dgeqrf: the factors of A = QR; LAPACKE_dorgqr: Q of them. */
typedef int (*Dgeqrf)(int layout, int m, int n, double *a, int lda, double *factors);
typedef int (*Dorgqr)(int layout, int m, int n, int k, double *a, int lda, const double *factors);

/* function: the address of a pointer to the function. */
static CnnStatus eigen_load(const char *name, void *function, CnnError *error)
{
    const char *complaint;
    void *symbol = cnn_shared_symbol("liblapacke.so.3", name, &complaint);
    if (!symbol)
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "principal components need LAPACK (Debian: apt-get install liblapacke): %s",
                        complaint);
    memcpy(function, &symbol, sizeof symbol); /* ISO C has no cast from an object to a function */
    return CNN_OK;
}

static void eigen_settle_sign(double *vector, int64_t n)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fabs(vector[i]) > fabs(largest) ? vector[i] : largest;
    for (int64_t i = 0; i < n && largest < 0; i++)
        vector[i] = -vector[i];
}

/* LAPACK gives them in rising order. */
static void eigen_turn_round(double *values, double *vectors, int64_t n, int64_t count)
{
    for (int64_t a = 0, b = count - 1; a < b; a++, b--) {
        double value = values[a];
        values[a] = values[b];
        values[b] = value;
        for (int64_t i = 0; i < n; i++) {
            double element = vectors[a * n + i];
            vectors[a * n + i] = vectors[b * n + i];
            vectors[b * n + i] = element;
        }
    }
    for (int64_t k = 0; k < count; k++)
        eigen_settle_sign(vectors + k * n, n);
}

CnnStatus eigen_symmetric(double *matrix, int64_t n, int64_t count, double *values, double *vectors,
                          CnnError *error)
{
    Dsyevr dsyevr = NULL;
    int found = 0;
    TRY(eigen_load("LAPACKE_dsyevr", &dsyevr, error));
    double *all = malloc((size_t)n * sizeof *all); /* LAPACK writes n values, whatever is asked for */
    int *support = malloc(2 * (size_t)n * sizeof *support);
    int failure = NO_MEMORY;
    if (all && support) /* rows above the diagonal are columns below it */
        failure = dsyevr(COLUMN_MAJOR, 'V', 'I', 'L', (int)n, matrix, (int)n, 0, 0, (int)(n - count + 1),
                         (int)n, 0, &found, all, vectors, (int)n, support);
    if (failure == 0)
        memcpy(values, all, (size_t)count * sizeof *values);
    free(all);
    free(support);
    if (failure != 0 || found != count)
        return cnn_fail(error, CNN_NO_RESOURCE,
                        failure <= NO_MEMORY ? "not enough memory for the eigenvectors of %lld values"
                                             : "LAPACK found no eigenvectors of these %lld values",
                        (long long)n);
    eigen_turn_round(values, vectors, n, count);
    return CNN_OK;
}

CnnStatus eigen_orthonormalize(double *matrix, int64_t rows, int64_t columns, CnnError *error)
{
    Dgeqrf dgeqrf = NULL;
    Dorgqr dorgqr = NULL;
    TRY(eigen_load("LAPACKE_dgeqrf", &dgeqrf, error));
    TRY(eigen_load("LAPACKE_dorgqr", &dorgqr, error));
    double *factors = malloc((size_t)columns * sizeof *factors);
    int m = (int)rows, n = (int)columns, failure = NO_MEMORY;
    if (factors)
        failure = dgeqrf(ROW_MAJOR, m, n, matrix, n, factors);
    if (failure == 0)
        failure = dorgqr(ROW_MAJOR, m, n, n, matrix, n, factors);
    free(factors);
    if (failure != 0)
        return cnn_fail(error, CNN_NO_RESOURCE,
                        failure <= NO_MEMORY ? "not enough memory for %lld directions of %lld values"
                                             : "LAPACK cannot make %lld directions of %lld values orthogonal",
                        (long long)columns, (long long)rows);
    return CNN_OK;
}
