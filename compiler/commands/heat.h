/* A heat map laid over a picture, beside the original, as a PNG. */
#ifndef HEAT_H
#define HEAT_H

#include "compiler/commands/sheet.h"

/* What is drawn. Rows go downwards in all three. */
typedef struct {
    const SheetCell *original; /* on the left; both with pixels */
    const SheetCell *seen;     /* on the right, under the map */
    const float *map;          /* [rows, columns], not below 0, over all of `seen` */
    int64_t rows, columns;
} Heat;

/** The share of the map's largest value at a place of it, 0 … 1 from its top and its left: between the
 * middles of the cells linearly, beyond them as there. 0 where the map is. */
double heat_at(const Heat *heat, double y, double x);

/** Writes the PNG, whole or not at all: the original; the picture with yellow to red over it, the more the
 * map says. */
CnnStatus heat_write(const Heat *heat, const char *path, CnnError *error);

#endif
