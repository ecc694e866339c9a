/* Samples as cells of a contact sheet. */
#ifndef DATA_CELL_H
#define DATA_CELL_H

#include <stdbool.h>

#include "compiler/base/arena.h"
#include "compiler/commands/sheet.h"
#include "runtime/data/source.h"

/**
 * A cell of a sample's values, made smaller where it is much larger than what is drawn. black, white:
 * [channels], what is drawn dark and bright; NULL: the least and the greatest of the values. Three channels
 * and more are drawn as red, green and blue, fewer as grey. upward: the first row is at the bottom.
 */
SheetCell data_cell(Arena *arena, const Picture *picture, const float *black, const float *white,
                    bool upward);

#endif
