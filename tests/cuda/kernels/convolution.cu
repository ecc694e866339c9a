/* y = maxpool 2x2 of relu(bias + x * w), 3x3 and padded: x [samples, 16, 16, 4], w [3, 3, 4, 8], y [samples, 8, 8, 8]. A block
 * makes a row of y of one sample, channels of x come in pairs. */
CNNC_KERNEL CNNC_BOUNDS(64, 4) convolution(const float *x, const float *w, const float *bias, float *y, const float *guard,
                                           int samples, int slices)
{
    CNNC_SHARED float picture[4][18][2];
    CNNC_SHARED float taps[9][2][8];
    const int row = CNNC_BLOCK_X, sample = CNNC_BLOCK_Y;
    const int column = CNNC_THREAD / 8, channel = CNNC_THREAD % 8;
    float sums[2][2] = {{bias[channel], bias[channel]}, {bias[channel], bias[channel]}};
    (void)slices;
    if (sample >= samples || (guard && !cnnc_finite(*guard)))
        return;
    for (int pair = 0; pair < 2; pair++) {
        for (int i = CNNC_THREAD; i < 4 * 18 * 2; i += 64) {
            const int r = 2 * row + i / 36 - 1, c = i / 2 % 18 - 1;
            const int inside = r >= 0 && r < 16 && c >= 0 && c < 16; /* padding */
            picture[i / 36][i / 2 % 18][i % 2] = inside ? x[((sample * 16 + r) * 16 + c) * 4 + 2 * pair + i % 2] : 0.0f;
        }
        for (int i = CNNC_THREAD; i < 9 * 2 * 8; i += 64)
            taps[i / 16][i / 8 % 2][i % 8] = w[(i / 16 * 4 + 2 * pair + i / 8 % 2) * 8 + i % 8];
        CNNC_BARRIER(); /* loaded */
        CNNC_UNROLL
        for (int tap = 0; tap < 9; tap++)
            for (int c = 0; c < 2; c++)
                for (int p = 0; p < 4; p++)
                    sums[p / 2][p % 2] = fmaf(picture[p / 2 + tap / 3][2 * column + p % 2 + tap % 3][c], taps[tap][c][channel],
                                              sums[p / 2][p % 2]);
        CNNC_BARRIER(); /* used */
    }
    float best = 0.0f;
    for (int p = 0; p < 4; p++)
        best = fmaxf(best, sums[p / 2][p % 2]);
    y[((sample * 8 + row) * 8 + column) * 8 + channel] = best;
}
#ifndef __CUDACC__
void convolution__call(void **a)
{
    convolution(*(const float **)a[0], *(const float **)a[1], *(const float **)a[2], *(float **)a[3], *(const float **)a[4],
                *(int *)a[5], *(int *)a[6]);
}
const int convolution__count = 7;
const int convolution__bytes[] = {8, 8, 8, 8, 8, 4, 4};
#endif
