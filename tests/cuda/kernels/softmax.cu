/* loss [samples] = cross entropy of softmax(x [samples, 300]) and label; gradient of x. A block makes a sample. */
CNNC_KERNEL CNNC_BOUNDS(128, 4) softmax(const float *x, const int *label, float *loss, float *gradient, const float *guard,
                                        int samples, int slices)
{
    CNNC_SHARED float parts[4];
    const int sample = CNNC_BLOCK_X, warp = CNNC_THREAD / 32;
    x += sample * 300;
    gradient += sample * 300;
    (void)slices;
    if (sample >= samples || (guard && !cnnc_finite(*guard)))
        return;
    float most = -CNNC_INFINITY;
    for (int i = CNNC_THREAD; i < 300; i += 128)
        most = fmaxf(most, x[i]);
    for (int mask = 16; mask > 0; mask /= 2)
        most = fmaxf(most, cnnc_shuffle_xor(most, mask));
    if (CNNC_THREAD % 32 == 0)
        parts[warp] = most;
    CNNC_BARRIER(); /* maxima */
    most = fmaxf(fmaxf(parts[0], parts[1]), fmaxf(parts[2], parts[3]));
    CNNC_BARRIER(); /* between */
    float sum = 0.0f;
    for (int i = CNNC_THREAD; i < 300; i += 128)
        sum += expf(x[i] - most);
    for (int mask = 16; mask > 0; mask /= 2)
        sum += cnnc_shuffle_xor(sum, mask);
    if (CNNC_THREAD % 32 == 0)
        parts[warp] = sum;
    CNNC_BARRIER(); /* sums */
    sum = parts[0] + parts[1] + parts[2] + parts[3];
    for (int i = CNNC_THREAD; i < 300; i += 128)
        gradient[i] = expf(x[i] - most) / sum - (i == label[sample] ? 1.0f : 0.0f);
    if (CNNC_THREAD == 0)
        loss[sample] = logf(sum) + most - x[label[sample]];
}
#ifndef __CUDACC__
void softmax__call(void **a)
{
    softmax(*(const float **)a[0], *(const int **)a[1], *(float **)a[2], *(float **)a[3], *(const float **)a[4], *(int *)a[5],
            *(int *)a[6]);
}
const int softmax__count = 7;
const int softmax__bytes[] = {8, 8, 8, 8, 8, 4, 4};
#endif
