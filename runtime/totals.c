#include "runtime/totals.h"

/* Sums that a step leaves behind. */
static double buffer_value(CnnDevice *device, const CnnProgram *program, int buffer)
{
    return *(const float *)cnn_device_buffer(device, program, buffer);
}

void totals_add(Totals *totals, CnnDevice *device, const CnnProgram *program, int64_t samples)
{
    totals->loss += buffer_value(device, program, program->loss);
    for (int i = 0; i < program->metric_count; i++)
        if (program->metrics[i].buffer >= 0)
            totals->metric[i] += buffer_value(device, program, program->metrics[i].buffer);
    totals->samples += samples;
}

double totals_loss(const Totals *totals)
{
    return totals->loss / (double)totals->samples;
}

void totals_set(Totals *totals, int i, double value)
{
    totals->metric[i] = value;
    totals->whole[i] = true;
}

double totals_metric(const Totals *totals, int i)
{
    return totals->whole[i] ? totals->metric[i] : totals->metric[i] / (double)totals->samples;
}
