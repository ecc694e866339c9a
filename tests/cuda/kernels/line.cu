/* The kernels of tests/unit/test_image.h for a GPU: WIDTH 6, slices of 4 samples. */
CNNC_KERNEL CNNC_BOUNDS(32, 1) product(const float *input, const float *weights, float *product,
                                       const float *guard, int samples, int slices)
{
    const int i = CNNC_BLOCK_X * 32 + CNNC_THREAD;
    (void)guard, (void)slices;
    if (i < samples * 6)
        product[i] = input[i] * weights[i % 6];
}

CNNC_KERNEL CNNC_BOUNDS(32, 1) errors(const float *product, const float *label, float *output, float *error,
                                      const float *guard, int samples, int slices)
{
    const int n = CNNC_BLOCK_X * 32 + CNNC_THREAD;
    (void)guard, (void)slices;
    if (n < samples) {
        float sum = 0;
        for (int i = 0; i < 6; i++)
            sum += product[n * 6 + i];
        output[n] = sum;
        error[n] = sum - label[n];
    }
}

CNNC_KERNEL CNNC_BOUNDS(32, 1) partial(const float *input, const float *error, float *partials,
                                       const float *guard, int samples, int slices)
{
    const int slice = CNNC_BLOCK_Y, i = CNNC_THREAD;
    (void)guard, (void)slices;
    if (i < 7) {
        float sum = 0;
        for (int n = slice * 4; n < slice * 4 + 4 && n < samples; n++)
            sum += i < 6 ? error[n] * input[n * 6 + i] : error[n] * error[n];
        partials[slice * 7 + i] = sum;
    }
}

CNNC_KERNEL CNNC_BOUNDS(32, 1)
    sum(const float *partials, float *sums, const float *guard, int samples, int slices)
{
    const int i = CNNC_THREAD;
    (void)guard, (void)samples;
    if (i < 7) {
        float sum = 0;
        for (int s = 0; s < slices; s++)
            sum += partials[s * 7 + i];
        sums[i] = sum;
    }
}

CNNC_KERNEL CNNC_BOUNDS(32, 1)
    loss(const float *sums, float *loss, const float *guard, int samples, int slices)
{
    (void)guard, (void)samples, (void)slices;
    if (CNNC_THREAD == 0)
        loss[0] = sums[6];
}

CNNC_KERNEL CNNC_BOUNDS(32, 1) accumulate(float *total, const float *sums, const float *first,
                                          const float *guard, int samples, int slices)
{
    const int i = CNNC_THREAD;
    (void)samples, (void)slices;
    if (guard && !cnnc_finite(*guard))
        return;
    if (i < 6)
        total[i] = sums[i] + (*first == 1 ? 0 : total[i]);
}

CNNC_KERNEL CNNC_BOUNDS(32, 1) update(float *weights, const float *total, const float *rate,
                                      const float *inverse, const float *guard, int samples, int slices)
{
    const int i = CNNC_THREAD;
    (void)samples, (void)slices;
    if (guard && !cnnc_finite(*guard))
        return;
    if (i < 6)
        weights[i] -= *rate * *inverse * total[i];
}

CNNC_KERNEL CNNC_BOUNDS(32, 1)
    metric(const float *output, const float *label, float *near, const float *guard, int samples, int slices)
{
    (void)guard, (void)slices;
    if (CNNC_THREAD == 0) {
        float count = 0;
        for (int n = 0; n < samples; n++)
            count += fabsf(output[n] - label[n]) < 0.5f;
        near[0] = count;
    }
}
#ifndef __CUDACC__
#define P(i) *(float **)a[i]
#define I(i) *(int *)a[i]
void product__call(void **a)
{
    product(P(0), P(1), P(2), P(3), I(4), I(5));
}
const int product__count = 6;
const int product__bytes[] = {8, 8, 8, 8, 4, 4};
void errors__call(void **a)
{
    errors(P(0), P(1), P(2), P(3), P(4), I(5), I(6));
}
const int errors__count = 7;
const int errors__bytes[] = {8, 8, 8, 8, 8, 4, 4};
void partial__call(void **a)
{
    partial(P(0), P(1), P(2), P(3), I(4), I(5));
}
const int partial__count = 6;
const int partial__bytes[] = {8, 8, 8, 8, 4, 4};
void sum__call(void **a)
{
    sum(P(0), P(1), P(2), I(3), I(4));
}
const int sum__count = 5;
const int sum__bytes[] = {8, 8, 8, 4, 4};
void loss__call(void **a)
{
    loss(P(0), P(1), P(2), I(3), I(4));
}
const int loss__count = 5;
const int loss__bytes[] = {8, 8, 8, 4, 4};
void accumulate__call(void **a)
{
    accumulate(P(0), P(1), P(2), P(3), I(4), I(5));
}
const int accumulate__count = 6;
const int accumulate__bytes[] = {8, 8, 8, 8, 4, 4};
void update__call(void **a)
{
    update(P(0), P(1), P(2), P(3), P(4), I(5), I(6));
}
const int update__count = 7;
const int update__bytes[] = {8, 8, 8, 8, 8, 4, 4};
void metric__call(void **a)
{
    metric(P(0), P(1), P(2), P(3), I(4), I(5));
}
const int metric__count = 6;
const int metric__bytes[] = {8, 8, 8, 8, 4, 4};
#endif
