#include "compiler/commands/rate_curve.h"

#include <math.h>

static const double RATE_LEAST = 1e-7, RATE_MOST = 10;
/* A loss is smoothed over about 1 / (1 - SMOOTHING) updates. */
static const double SMOOTHING = 0.98;
/* A smooth loss of so many times the lowest has exploded. */
static const double EXPLODED = 4;
/* The first points have rates too low to learn anything: their losses differ by chance. */
static const double BEGIN = 0.2;
/* The loss must fall by this share of it, and by so many standard errors of the mean of the first points, or
 * it has only moved by chance. */
static const double FALL_LEAST = 0.05, ERRORS_LEAST = 3.3;
/* Where so much of the fall is done, it has begun: before that, it may be chance. */
static const double FALL_BEGINS = 0.1;
/* The smooth loss lags behind, and where it is lowest, the loss of the next rates already rises: known
 * practice is to take a tenth of that rate. */
static const double OF_LOWEST = 0.1;

double rate_curve_rate(int64_t step, int64_t steps)
{
    return RATE_LEAST * pow(RATE_MOST / RATE_LEAST, (double)step / (double)(steps - 1));
}

void rate_curve_add(Arena *arena, RateCurve *curve, double rate, double loss)
{
    RatePoint *point = vec_push(arena, &curve->points);
    double count = (double)curve->points.count;
    if (isfinite(loss))
        curve->average = SMOOTHING * curve->average + (1 - SMOOTHING) * loss;
    double smooth = isfinite(loss) ? curve->average / (1 - pow(SMOOTHING, count)) : loss;
    *point = (RatePoint){rate, loss, smooth};
    if (curve->points.count == 1 || smooth < curve->lowest)
        curve->lowest = smooth;
    curve->exploded = !isfinite(loss) || smooth > EXPLODED * curve->lowest;
}

/* Rounded down to one digit. */
static double one_digit(double rate)
{
    double power = pow(10, floor(log10(rate)));
    return floor(rate / power + 1e-9) * power;
}

/* Points with a finite loss. */
static size_t count_finite(const RateCurve *curve)
{
    size_t count = curve->points.count;
    while (count > 0 && !isfinite(curve->points.items[count - 1].smooth))
        count--;
    return count;
}

/* Of the mean of the first losses. */
static double standard_error(const RatePoint *points, size_t count)
{
    double mean = 0, squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++)
        mean += points[i].loss / n;
    for (size_t i = 0; i < count; i++)
        squares += (points[i].loss - mean) * (points[i].loss - mean);
    return count > 1 ? sqrt(squares / (n - 1) / n) : 0;
}

RateSuggestion rate_curve_read(const RateCurve *curve)
{
    RateSuggestion read = {0};
    const RatePoint *points = curve->points.items;
    size_t count = count_finite(curve), begin = (size_t)(BEGIN * (double)count);
    if (count < 2)
        return read;
    read.lowest = begin;
    for (size_t i = begin; i < count; i++)
        if (points[i].smooth < points[read.lowest].smooth)
            read.lowest = i;
    double fall = points[begin].smooth - points[read.lowest].smooth, fastest = 0;
    if (fall <= FALL_LEAST * points[begin].smooth || fall <= ERRORS_LEAST * standard_error(points, begin))
        return read;
    for (size_t i = read.lowest; i > begin; i--) {
        double step = points[i - 1].smooth - points[i].smooth;
        if (step > fastest) {
            fastest = step;
            read.steepest = i;
        }
        if (points[i].smooth > points[begin].smooth - FALL_BEGINS * fall)
            break;
    }
    double tenth = OF_LOWEST * points[read.lowest].rate, steepest = points[read.steepest].rate;
    read.found = true;
    read.by_lowest = tenth < steepest;
    read.rate = one_digit(read.by_lowest ? tenth : steepest);
    return read;
}
