/* Power spectra of windows of a sound: the discrete Fourier transform in double precision, since of values 80
 * dB below the loudest float32 would leave errors above 1e-3 dB. Windows are transformed several at a time,
 * side by side, so that the vectors of a processor are full whatever the length. */
#ifndef CNN_FOURIER_H
#define CNN_FOURIER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/status.h"

enum { FOURIER_WINDOWS = 8 };

typedef struct Fourier Fourier;

/** Prepares the transform of windows of `count` values, count >= 1. A length of factors 2, 3, 5 is fast; the
 * time of one grows with its largest prime factor. */
CnnStatus fourier_open(int64_t count, Fourier **out, CnnError *error);
void fourier_close(Fourier *fourier);

/** Bytes of the scratch in which windows are given and transformed. */
size_t fourier_bytes(const Fourier *fourier);
/** Where value 0 of a window is to be put in the scratch; the values lie FOURIER_STEP apart. */
double *fourier_window(const Fourier *fourier, double *work, int window);
enum { FOURIER_STEP = FOURIER_WINDOWS / 2 };
/**
 * Transforms all windows, of which each value must have been put. The result lies in the scratch: the square
 * of the absolute value number k of window w at [k * FOURIER_WINDOWS + w], for k = 0 … count / 2. From any
 * thread.
 */
const double *fourier_powers(const Fourier *fourier, double *work);

#endif
