/* Stockham's form of the fast Fourier transform, which needs no reordering (Van Loan, "Computational
 * Frameworks for the Fast Fourier Transform", 1992, section 1.7), with factors of 4 and, for what is left, of
 * any prime. Two real windows are one of complex numbers, of whose transform theirs are the symmetric and the
 * antisymmetric part (the same, section 4.3). No sum depends on the processor. */
#include "runtime/transform/fourier.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/transform/transform.h"

enum { FACTORS_MOST = 64 };

struct Fourier {
    int64_t count;
    int factors, factor[FACTORS_MOST];
    double *cosine, *sine; /* [count]: of -2 pi i / count */
};

/* One value of all windows; written out as a vector, since loops of so few steps are not worth the compiler's
 * checks. */
typedef double Lanes __attribute__((vector_size(FOURIER_STEP * sizeof(double)), aligned(8), may_alias));

/* Complex numbers, [count]. */
typedef struct {
    Lanes *real, *imaginary;
} Numbers;

CnnStatus fourier_open(int64_t count, Fourier **out, CnnError *error)
{
    const double pi = 3.14159265358979323846;
    Fourier *fourier = calloc(1, sizeof *fourier);
    double *table = malloc(2 * (size_t)count * sizeof *table);
    if (!fourier || !table) {
        free(fourier);
        free(table);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a transform of %lld values",
                        (long long)count);
    }
    fourier->count = count;
    fourier->cosine = table;
    fourier->sine = table + count;
    for (int64_t i = 0; i < count; i++) {
        fourier->cosine[i] = cos(2 * pi * (double)i / (double)count);
        fourier->sine[i] = -sin(2 * pi * (double)i / (double)count);
    }
    int64_t left = count;
    for (int p = 4; left > 1; p = p == 4 ? 2 : p == 2 ? 3 : p + 2)
        for (; left % p == 0; left /= p)
            fourier->factor[fourier->factors++] = p;
    *out = fourier;
    return CNN_OK;
}

void fourier_close(Fourier *fourier)
{
    if (fourier)
        free(fourier->cosine);
    free(fourier);
}

/* Two buffers of complex numbers. */
size_t fourier_bytes(const Fourier *fourier)
{
    return 4 * (size_t)fourier->count * FOURIER_STEP * sizeof(double);
}

static Numbers buffer(const Fourier *fourier, double *work, int number)
{
    Lanes *at = (Lanes *)work + 2 * number * fourier->count;
    return (Numbers){at, at + fourier->count};
}

double *fourier_window(const Fourier *fourier, double *work, int window)
{
    Numbers first = buffer(fourier, work, 0);
    return window < FOURIER_STEP ? (double *)first.real + window
                                 : (double *)first.imaginary + (window - FOURIER_STEP);
}

/* One step, by a factor of 4: of `span` numbers that lie `step` apart in sequences beside each other. */
PIXEL_LOOP
static void step_of_four(const Fourier *fourier, Numbers in, Numbers out, int64_t span, int64_t step)
{
    int64_t quarter = span / 4, turn = fourier->count / span;
    for (int64_t j = 0; j < quarter; j++) {
        const Lanes *ar = in.real + j * step, *ai = in.imaginary + j * step;
        const Lanes *br = ar + quarter * step, *bi = ai + quarter * step;
        const Lanes *cr = br + quarter * step, *ci = bi + quarter * step;
        const Lanes *dr = cr + quarter * step, *di = ci + quarter * step;
        Lanes *restrict yr = out.real + 4 * j * step, *restrict yi = out.imaginary + 4 * j * step;
        double c1 = fourier->cosine[j * turn], s1 = fourier->sine[j * turn],
               c2 = fourier->cosine[2 * j * turn], s2 = fourier->sine[2 * j * turn],
               c3 = fourier->cosine[3 * j * turn], s3 = fourier->sine[3 * j * turn];
        for (int64_t q = 0; q < step; q++) {
            Lanes acr = ar[q] + cr[q], aci = ai[q] + ci[q], a_cr = ar[q] - cr[q], a_ci = ai[q] - ci[q];
            Lanes bdr = br[q] + dr[q], bdi = bi[q] + di[q], b_dr = br[q] - dr[q], b_di = bi[q] - di[q];
            Lanes r1 = a_cr + b_di, i1 = a_ci - b_dr, r2 = acr - bdr, i2 = aci - bdi, r3 = a_cr - b_di,
                  i3 = a_ci + b_dr;
            yr[q] = acr + bdr;
            yi[q] = aci + bdi;
            yr[q + step] = r1 * c1 - i1 * s1;
            yi[q + step] = r1 * s1 + i1 * c1;
            yr[q + 2 * step] = r2 * c2 - i2 * s2;
            yi[q + 2 * step] = r2 * s2 + i2 * c2;
            yr[q + 3 * step] = r3 * c3 - i3 * s3;
            yi[q + 3 * step] = r3 * s3 + i3 * c3;
        }
    }
}

/* The same by any factor: each result is a sum over all. */
PIXEL_LOOP
static void step_of_any(const Fourier *fourier, Numbers in, Numbers out, int64_t span, int64_t step,
                        int factor)
{
    int64_t part = span / factor, turn = fourier->count / span;
    for (int64_t j = 0; j < part; j++)
        for (int64_t k = 0; k < factor; k++) {
            Lanes *restrict yr = out.real + (factor * j + k) * step;
            Lanes *restrict yi = out.imaginary + (factor * j + k) * step;
            for (int64_t r = 0; r < factor; r++) {
                const Lanes *ar = in.real + (j + part * r) * step, *ai = in.imaginary + (j + part * r) * step;
                int64_t angle = (j + part * r) * k % span * turn; /* j k / span and r k / factor together */
                double c = fourier->cosine[angle], s = fourier->sine[angle];
                for (int64_t q = 0; q < step; q++) {
                    Lanes more_r = ar[q] * c - ai[q] * s, more_i = ar[q] * s + ai[q] * c;
                    if (r > 0) {
                        more_r += yr[q];
                        more_i += yi[q];
                    }
                    yr[q] = more_r;
                    yi[q] = more_i;
                }
            }
        }
}

/* The powers of both windows of each complex one. */
PIXEL_LOOP
static void powers(int64_t count, Numbers in, Lanes *restrict out)
{
    for (int64_t k = 0; k <= count / 2; k++) {
        int64_t back = k ? count - k : 0;
        Lanes even_r = in.real[k] + in.real[back], even_i = in.imaginary[k] - in.imaginary[back],
              odd_r = in.imaginary[k] + in.imaginary[back], odd_i = in.real[k] - in.real[back];
        out[2 * k] = (even_r * even_r + even_i * even_i) / 4;
        out[2 * k + 1] = (odd_r * odd_r + odd_i * odd_i) / 4;
    }
}

const double *fourier_powers(const Fourier *fourier, double *work)
{
    int64_t span = fourier->count, step = 1; /* of Lanes */
    int from = 0;
    for (int f = 0; f < fourier->factors; f++, from = !from) {
        int factor = fourier->factor[f];
        Numbers in = buffer(fourier, work, from), out = buffer(fourier, work, !from);
        if (factor == 4)
            step_of_four(fourier, in, out, span, step);
        else
            step_of_any(fourier, in, out, span, step, factor);
        span /= factor;
        step *= factor;
    }
    Lanes *out = buffer(fourier, work, !from).real;
    powers(fourier->count, buffer(fourier, work, from), out);
    return (const double *)out;
}
