/* The page of a run: report.html, one file that needs no other. */
#ifndef RUN_PAGE_H
#define RUN_PAGE_H

#include "compiler/commands/explain.h"
#include "compiler/commands/run_charts.h"
#include "compiler/commands/run_mistakes.h"
#include "compiler/commands/run_record.h"

typedef struct {
    Arena *arena;
    const RunRecord *record;
    const CurveCharts *charts;
    JsonObjects classes; /* of classes.jsonl */
    RunMistakes mistakes;
    const Explanation *explanation; /* of the training step; NULL: not known */
    const char *explained;          /* the model with what its lines became; NULL likewise */
    const char *text;               /* the model; NULL: not there */
} RunPage;

void run_page(const RunPage *page, Text *out);

#endif
