/* A contact sheet: samples in several states each, drawn by cairo. */
#ifndef SHEET_H
#define SHEET_H

#include <stdint.h>

#include "runtime/status.h"

enum { SHEET_CELL = 144, SHEET_COLUMNS = 6 }; /* pixels of a cell's side; cells beside each other */

/* A sample in one state: a picture, or a curve where it has one row. */
typedef struct {
    int64_t height, width;
    const uint32_t *pixels; /* 0xRRGGBB, [height, width]; NULL: a curve, of */
    const float *curve;     /* [width], 0 at the bottom … 1 at the top */
} SheetCell;

typedef struct {
    const char *name, *note; /* above its cells, in bold and in grey */
    const SheetCell *cells;
} SheetStrip;

typedef struct {
    const char *title, *subtitle;
    int cells;                   /* of each strip, at most SHEET_COLUMNS */
    const char *const *headings; /* [cells] */
    const SheetStrip *strips;
    int count;
} Sheet;

/** Writes it, whole or not at all; `path` has passed chart_check. */
CnnStatus sheet_write(const Sheet *sheet, const char *path, CnnError *error);

#endif
