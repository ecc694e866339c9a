/* What several measurements of the same thing say together. */
#ifndef STATISTICS_H
#define STATISTICS_H

typedef struct {
    int count; /* of the values that are finite: all else is of these */
    double mean, least, most;
    double deviation; /* of a sample: the sum of squares is divided by count - 1 */
} Statistics;

/** NAN where there are too few values: one is needed, for the deviation two. */
Statistics statistics_of(const double *values, int count);

#endif
