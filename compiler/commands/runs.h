/* The verbs of `cnnc runs`, each in the file of its name, and what they share. */
#ifndef RUNS_H
#define RUNS_H

#include "compiler/base/text.h"
#include "compiler/commands/model.h"
#include "compiler/commands/run_record.h"

CnnStatus runs_show(const Options *options);
CnnStatus runs_diff(const Options *options);
CnnStatus runs_report(const Options *options);

/**
 * Writes report.html and, with cairo, plot.png into the folder of a run. `model`, `plan`: the model that was
 * trained and the plan of its training step; without, the page has neither layers nor pictures. What could
 * not be done is said in a note.
 */
CnnStatus runs_write_report(Arena *arena, const char *path, const Model *model, const Plan *plan,
                            CnnError *error);

/** Reads the run that is called `name`; prints what went wrong. `epochs` may be NULL. */
CnnStatus runs_read(const Options *options, const char *name, RunRecord *record, JsonObjects *epochs);

/** Whether a key of a step's, an epoch's or a test's event is a result: the loss or a metric. */
bool runs_is_result(const char *key);
/** "loss 0.2512  accuracy 0.9103". */
const char *runs_results_text(Arena *arena, const JsonObject *event);
/** "epoch 3: loss 0.2512  accuracy 0.9103"; "" where there is no event. */
const char *runs_event_text(Arena *arena, const JsonObject *event);
/** "2:07", "1:02:07". */
const char *runs_time_text(Arena *arena, double seconds);
/** "2026-11-30 19:01:28 UTC" of an event with a time. */
const char *runs_moment_text(Arena *arena, const JsonObject *event);
/** "3/5" */
const char *runs_epochs_text(Arena *arena, const RunRecord *record);
/** What it has of its own among the trainings of a series, "width=0.5, seed=2"; "" of one alone. */
const char *runs_varied(const RunRecord *record);
/** The seconds that the training has run, as far as its events tell. */
double runs_seconds(const RunRecord *record);

/** A run as a JSON object, with `more` before its end: ", \"key\": value" or "". */
void runs_json(const RunRecord *record, const char *more, Text *out);
/** Whether the path of --json can be written; says why not. */
CnnStatus runs_check_json(const Options *options);
/** Writes a report to that path; says what went wrong. NULL: nothing is written. */
CnnStatus runs_write_json(const char *path, const Text *text);

#endif
