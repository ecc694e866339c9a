/* c [64, 32] = a [64, 160] b [32, 160]^T, both in bf16, c in float: three stages of 32 columns are on their way. */
CNNC_KERNEL CNNC_BOUNDS(128, 2) product(const unsigned short *a, const unsigned short *b, float *c, const float *guard,
                                        int samples, int slices)
{
    enum { DEPTH = 160, SLICE = 32, STAGES = 3, PITCH = SLICE + 8 };
    CNNC_SHARED unsigned short rows[STAGES][64][PITCH];
    CNNC_SHARED unsigned short columns[STAGES][32][PITCH];
    const int warp = CNNC_THREAD / 32, lane = CNNC_THREAD % 32;
    float d[4][4] = {{0.0f}};
    (void)samples, (void)slices;
    if (guard && !cnnc_finite(*guard))
        return;
    for (int step = 0; step < DEPTH / SLICE + STAGES - 1; step++) {
        if (step < DEPTH / SLICE) {
            for (int i = CNNC_THREAD; i < 64 * 4; i += 128)
                cnnc_copy16(&rows[step % STAGES][i / 4][i % 4 * 8], a + i / 4 * DEPTH + step * SLICE + i % 4 * 8, 16);
            cnnc_copy16(&columns[step % STAGES][CNNC_THREAD / 4][CNNC_THREAD % 4 * 8],
                        b + CNNC_THREAD / 4 * DEPTH + step * SLICE + CNNC_THREAD % 4 * 8, 16);
        }
        cnnc_copy_commit();
        if (step < STAGES - 1)
            continue;
        const int stage = (step - STAGES + 1) % STAGES;
        cnnc_copy_wait(2);
        CNNC_BARRIER(); /* arrived */
        CNNC_UNROLL
        for (int k = 0; k < SLICE; k += 16) {
            unsigned left[4], right[4];
            cnnc_ldmatrix_x4(left, &rows[stage][warp * 16 + lane % 16][k + lane / 16 * 8]);
            CNNC_UNROLL
            for (int n = 0; n < 4; n += 2) {
                cnnc_ldmatrix_x4(right, &columns[stage][n * 8 + lane / 16 * 8 + lane % 8][k + lane / 8 % 2 * 8]);
                cnnc_mma_bf16(d[n], left, right);
                cnnc_mma_bf16(d[n + 1], left, right + 2);
            }
        }
        CNNC_BARRIER(); /* used */
    }
    for (int n = 0; n < 4; n++)
        for (int i = 0; i < 4; i++)
            c[(warp * 16 + lane / 4 + i / 2 * 8) * 32 + n * 8 + lane % 4 * 2 + i % 2] = d[n][i];
}
#ifndef __CUDACC__
void product__call(void **a)
{
    product(*(const unsigned short **)a[0], *(const unsigned short **)a[1], *(float **)a[2], *(const float **)a[3],
            *(int *)a[4], *(int *)a[5]);
}
const int product__count = 6;
const int product__bytes[] = {8, 8, 8, 8, 4, 4};
#endif
