/* What a network took samples for that are something else, with their pictures. */
#ifndef RUN_MISTAKES_H
#define RUN_MISTAKES_H

#include "compiler/commands/json_object.h"
#include "compiler/commands/sheet.h"
#include "runtime/data/data.h"

typedef struct {
    JsonObject line; /* of mistakes.jsonl */
    bool shown;      /* there is a cell: the sample could be read, and is the same as then */
    SheetCell cell;
} RunMistake;
typedef VEC(RunMistake) RunMistakes;

/** Of the lines of mistakes.jsonl. `data`: those that were trained on, or NULL, then nothing is shown. They
 * may be in use by a training at the same time. */
RunMistakes run_mistakes(Arena *arena, const JsonObjects *lines, const CnnData *data);

#endif
