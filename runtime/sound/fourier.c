/* The Fourier transform, by FFTW. In double precision: of values 80 dB below the loudest, float32 would leave
 * errors above 1e-3 dB. The plan is estimated and not measured: a measured one would depend on what
 * else the machine does, and with it the last bits of the spectrum. */
#include "runtime/sound/sound_parts.h"

#include <fftw3.h>
#include <pthread.h>
#include <stdlib.h>

struct Fourier {
    fftw_plan plan;
};

/* FFTW makes one plan at a time; it runs many. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

CnnStatus fourier_open(int64_t count, Fourier **out, CnnError *error)
{
    Fourier *fourier = malloc(sizeof *fourier);
    /* Memory as later calls will give it: the plan depends on how it is aligned. */
    size_t bytes = ((size_t)count * sizeof(double) / FOURIER_ALIGN + 1) * FOURIER_ALIGN;
    double *in = aligned_alloc(FOURIER_ALIGN, bytes);
    fftw_complex *spectrum = aligned_alloc(FOURIER_ALIGN, bytes + FOURIER_ALIGN);
    if (fourier && in && spectrum) {
        pthread_mutex_lock(&planner);
        fourier->plan = fftw_plan_dft_r2c_1d((int)count, in, spectrum, FFTW_ESTIMATE);
        pthread_mutex_unlock(&planner);
    }
    free(in);
    free(spectrum);
    if (!fourier || !in || !spectrum || !fourier->plan) {
        free(fourier);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a transform of %lld values",
                        (long long)count);
    }
    *out = fourier;
    return CNN_OK;
}

void fourier_run(const Fourier *fourier, double *in, double *out)
{
    fftw_execute_dft_r2c(fourier->plan, in, (fftw_complex *)out);
}

void fourier_close(Fourier *fourier)
{
    pthread_mutex_lock(&planner);
    fftw_destroy_plan(fourier->plan);
    pthread_mutex_unlock(&planner);
    free(fourier);
}
