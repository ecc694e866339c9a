/* Changes of colour that `randaugment` draws from beside those with statements of their own. Values are
 * between black and white; where bytes are spoken of, 0 is black and 255 is white. */
#ifndef CNN_TONES_H
#define CNN_TONES_H

#include "runtime/augment/augment.h"

/** Multiplies the differences from a smoothed copy by `factor` (3x3 pixels, the middle five times; the
 * outermost pixels stay). By way of the spare picture. */
CnnStatus tones_sharpen(const Layout *layout, float factor, Sample *sample, CnnError *error);
/** Multiplies the differences from the mean grey of the picture (its channels' means, where they are not
 * three). */
CnnStatus tones_contrast(const Layout *layout, float factor, Sample *sample, CnnError *error);
/** Keeps the upper `bits` of each byte, 1 to 8 of them. */
void tones_posterize(const Layout *layout, int bits, Picture *picture);
/** Inverts values from `threshold` on, a share of the way from black to white. */
void tones_solarize(const Layout *layout, float threshold, Picture *picture);
/** Stretches each channel so that its least value becomes black and its largest white. */
void tones_autocontrast(const Layout *layout, Picture *picture);
/** Makes all bytes about equally frequent in each channel. */
void tones_equalize(const Layout *layout, Picture *picture);

#endif
