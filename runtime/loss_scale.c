#include "runtime/loss_scale.h"

void loss_scale_open(LossScale *scale)
{
    *scale = (LossScale){.value = LOSS_SCALE_FIRST};
}

void loss_scale_set(const LossScale *scale, CnnScalars *scalars)
{
    scalars->loss_scale = (float)scale->value;
    scalars->inverse_loss_scale = (float)(1 / scale->value);
}

bool loss_scale_update(LossScale *scale, bool finite)
{
    if (finite) {
        if (++scale->good < LOSS_SCALE_GOOD)
            return true;
        scale->good = 0;
        if (scale->value < LOSS_SCALE_MOST)
            scale->value *= 2;
        return true;
    }
    if (scale->value <= LOSS_SCALE_LEAST)
        return false;
    scale->value /= 2;
    scale->good = 0;
    scale->skipped++;
    scale->of_epoch++;
    return true;
}

bool loss_scale_heed(LossScale *scale, CnnDevice *device, const CnnProgram *program)
{
    return !program->scaled ||
           loss_scale_update(scale, *(const float *)cnn_device_buffer(device, program, program->finite) == 1);
}
