#include "compiler/commands/statistics.h"

#include <math.h>

Statistics statistics_of(const double *values, int count)
{
    Statistics result = {.mean = NAN, .least = NAN, .most = NAN, .deviation = NAN};
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        result.count++;
        sum += values[i];
        result.least = fmin(result.least, values[i]); /* of a number and NAN the number */
        result.most = fmax(result.most, values[i]);
    }
    if (result.count > 0)
        result.mean = sum / result.count;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i]))
            squares += (values[i] - result.mean) * (values[i] - result.mean);
    if (result.count > 1)
        result.deviation = sqrt(squares / (result.count - 1));
    return result;
}
