/* Changes of a model's text that leave all the rest as it was written, comments too. Each returns the new
 * text in the arena, or NULL where there is nothing to change. The text must be one that parses. */
#ifndef WHY_EDIT_H
#define WHY_EDIT_H

#include "compiler/base/arena.h"

/* The first argument of a statement of a section, by position or by this name: {"train", "batch", "size"}. */
typedef struct {
    const char *section, *statement, *field;
} EditPlace;

/** Sets an argument; where it is not there it is added, and so are its statement and its section. */
const char *edit_set(Arena *arena, const char *text, const EditPlace *place, const char *value);
/** The argument as it is written; NULL: it is not there. */
const char *edit_value(Arena *arena, const char *text, const EditPlace *place);
/** Adds a line to a section behind the line of this statement. */
const char *edit_add_behind(Arena *arena, const char *text, const char *section, const char *statement,
                            const char *line);
/** Takes a statement out of a section; or of those in its `{ }` the one called `inner`, where that is not
 * NULL. */
const char *edit_remove(Arena *arena, const char *text, const char *section, const char *statement,
                        const char *inner);
/** The words of the statements in a statement's `{ }`, ended by NULL. */
const char *const *edit_words(Arena *arena, const char *text, const char *section, const char *statement);

/** Halves a number that a `let` or a parameter of the model calls its width, or its filters, units or
 * channels; *name is what it is called, with both values: "width 1.0 -> 0.5". */
const char *edit_half_constant(Arena *arena, const char *text, const char **name);
/** Halves the filters and units that are written as numbers, but for those of the last layer that has some,
 * which are the network's outputs. */
const char *edit_half_widths(Arena *arena, const char *text);

#endif
