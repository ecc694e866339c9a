/* What the pages of a training have in common: that of a run, and the one that is there while it trains. */
#ifndef PAGE_PARTS_H
#define PAGE_PARTS_H

#include "compiler/check/program.h"
#include "compiler/commands/run_charts.h"
#include "compiler/commands/run_mistakes.h"
#include "compiler/driver.h"

/** The page up to its heading, with all styles in it. `nonce`: by which the reader's browser knows these
 * styles, or NULL. */
void page_begin(Text *out, const char *title, const char *nonce);
void page_end(Text *out);

/** A row of a table of the class "facts"; nothing where the text is "". */
void page_fact(Text *out, const char *what, const char *text);

/** Nothing where there are no charts. */
void page_charts(Text *out, const char *heading, const CurveCharts *charts);

/** Nothing where there are no mistakes. */
void page_mistakes(Text *out, const char *heading, const RunMistakes *mistakes);

/** The table of layers. `plan`: of the training step. */
void page_layers(Text *out, Session *session, const Program *program, const Plan *plan);

#endif
