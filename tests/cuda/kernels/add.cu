/* y [samples] += x [samples]. */
CNNC_KERNEL CNNC_BOUNDS(32, 1) add(const float *x, float *y, const float *guard, int samples, int slices)
{
    const int i = CNNC_BLOCK_X * 32 + CNNC_THREAD;
    (void)slices;
    if (guard && !cnnc_finite(*guard))
        return;
    if (i < samples)
        y[i] += x[i];
}
#ifndef __CUDACC__
void add__call(void **a)
{
    add(*(const float **)a[0], *(float **)a[1], *(const float **)a[2], *(int *)a[3], *(int *)a[4]);
}
const int add__count = 5;
const int add__bytes[] = {8, 8, 8, 4, 4};
#endif
