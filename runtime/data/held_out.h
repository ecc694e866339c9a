/* `validation { … }`: the validation part from a source of its own. */
#ifndef CNN_HELD_OUT_H
#define CNN_HELD_OUT_H

#include "runtime/data/source.h"

extern const Schema validation_schema;

/**
 * Opens the source in the statement's body, and makes of it and *source one whose validation part it is.
 * Classes are those of *source, by their names. Takes *source over; when it fails, *source is as it was.
 *
 * Errors  CNN_BAD_INPUT: the samples are of another kind, of a class that *source lacks, or one of the two
 *         has parts of its own that stand in the way.
 */
CnnStatus held_out_join(const CnnStatement *statement, const char *base, Source **source, CnnError *error);

#endif
