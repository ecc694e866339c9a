/* A warp: d[0] and d[1], [16, 8] each, are the products of a [16, 16] in f16 with b [16, 8] in f16 (which is turned as it is loaded)
 * and of their first 8 columns and rows in TF32. Then conversions of v [8]: to bf16 and f16 and back, to TF32; high words. */
CNNC_KERNEL CNNC_BOUNDS(32, 1) units(const float *a, const float *b, float *d, const float *v, float *w, const float *guard,
                                     int samples, int slices)
{
    CNNC_SHARED unsigned short left[16][16];
    CNNC_SHARED unsigned short right[16][8];
    const int lane = CNNC_THREAD, g = lane / 4, t = lane % 4;
    float sums[2][4] = {{0.0f}};
    unsigned p[4], q[4];
    (void)guard, (void)samples, (void)slices;
    for (int i = lane; i < 256; i += 32)
        left[i / 16][i % 16] = cnnc_f16_of(a[i]);
    for (int i = lane; i < 128; i += 32)
        right[i / 8][i % 8] = cnnc_f16_of(b[i]);
    CNNC_BARRIER();
    cnnc_ldmatrix_x4(p, &left[lane % 16][lane / 16 * 8]);
    cnnc_ldmatrix_x4_turned(q, &right[lane % 16][0]); /* twice the same: the third and fourth are not used */
    cnnc_mma_f16(sums[0], p, q);
    for (int i = 0; i < 4; i++)
        p[i] = cnnc_tf32_of(a[(g + i % 2 * 8) * 16 + t + i / 2 * 4]);
    for (int i = 0; i < 2; i++)
        q[i] = cnnc_tf32_of(b[(t + 4 * i) * 8 + g]);
    cnnc_mma_tf32(sums[1], p, q);
    for (int i = 0; i < 2; i++) {
        float row[4] = {sums[i][0], sums[i][1], sums[i][2], sums[i][3]};
        for (int j = 0; j < 4; j++)
            d[i * 128 + (g + j / 2 * 8) * 8 + 2 * t + j % 2] = row[j];
    }
    if (lane < 8) {
        float four[4];
        cnnc_load4(four, v + lane / 4 * 4);
        w[lane] = cnnc_bf16_value(cnnc_bf16_of(four[lane % 4]));
        w[8 + lane] = cnnc_f16_value(cnnc_f16_of(four[lane % 4]));
        w[16 + lane] = cnnc_float(cnnc_tf32_of(four[lane % 4]));
        w[24 + lane] = (float)cnnc_high(cnnc_bits(four[lane % 4]), 0x10001u);
        if (lane % 4 == 0)
            cnnc_store4(w + 32 + lane, four);
    }
}
#ifndef __CUDACC__
void units__call(void **a)
{
    units(*(const float **)a[0], *(const float **)a[1], *(float **)a[2], *(const float **)a[3], *(float **)a[4],
          *(const float **)a[5], *(int *)a[6], *(int *)a[7]);
}
const int units__count = 8;
const int units__bytes[] = {8, 8, 8, 8, 8, 8, 4, 4};
#endif
