/* The stages of the data section that become part of a network for other programs. */
#ifndef EXPORT_STAGES_H
#define EXPORT_STAGES_H

#include "compiler/check/program.h"

/* Numbers `first` … `count` - 1: the last ones, each of which changes each value by itself. */
typedef struct {
    int first, count;
} ExportStages;

/** `bare`: none. *before, in the program's arena, becomes the words of those that stand before them, "" for
 * none: the network's input is a sample as these have left it. */
ExportStages export_stages(const Program *program, bool bare, const char **before);

#endif
