/* Power spectra against their definition, of lengths of every kind of factors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/rng.h"
#include "runtime/transform/fourier.h"

static double value_of(int window, int64_t i)
{
    return cnn_uniform(cnn_random4(7, (uint32_t)window, (uint32_t)i, 0, 0).word[0]) - 0.3;
}

static double power_of(int window, int64_t count, int64_t k)
{
    double real = 0, imaginary = 0;
    for (int64_t i = 0; i < count; i++) {
        double angle = 2 * 3.14159265358979323846 * (double)(i * k % count) / (double)count;
        real += value_of(window, i) * cos(angle);
        imaginary -= value_of(window, i) * sin(angle);
    }
    return real * real + imaginary * imaginary;
}

static void powers_are_those_of_the_definition(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 30, 64, 97, 121, 128, 300, 441};
    CnnError error = {0};
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        Fourier *fourier;
        int64_t count = counts[n];
        assert_int_equal(fourier_open(count, &fourier, &error), CNN_OK);
        double *work = malloc(fourier_bytes(fourier));
        for (int w = 0; w < FOURIER_WINDOWS; w++)
            for (int64_t i = 0; i < count; i++) /* loud and quiet ones beside each other */
                fourier_window(fourier, work, w)[i * FOURIER_STEP] = value_of(w, i) * (w == 2 ? 1e-3 : 1);
        const double *powers = fourier_powers(fourier, work);
        for (int64_t k = 0; k <= count / 2; k++)
            for (int w = 0; w < FOURIER_WINDOWS; w++) {
                double expected = power_of(w, count, k) * (w == 2 ? 1e-6 : 1);
                assert_true(fabs(powers[k * FOURIER_WINDOWS + w] - expected) <= 1e-12 * (double)count);
            }
        free(work);
        fourier_close(fourier);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(powers_are_those_of_the_definition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
