/* What the commands that read a model share: a session set up as the command line says, and the program
 * checked. */
#ifndef MODEL_H
#define MODEL_H

#include "compiler/commands/command.h"
#include "compiler/driver.h"
#include "compiler/rewrite/rewrite.h"

typedef struct {
    Session *session;
    Program *checked; /* as it is written */
    Program *program; /* after the rewrites */
    RewriteOptions rewrites;
    RewritePlaces places[REWRITE_COUNT];
    const char *path;
    FILE *messages; /* where they are printed */
} Model;

/**
 * Opens a session and checks the model that the command line names. Messages go to options->messages. On
 * failure nothing is open.
 */
CnnStatus model_open(const Options *options, Model *model);
/** Says that the model has no data, or a data section without a source, and `so`, what follows from that.
 * Returns CNN_BAD_INPUT. */
CnnStatus model_lacks_data(const Model *model, const char *so);
/** The same of a text that takes the place of the file's. Nothing is printed: `error` has the first message.
 */
CnnStatus model_open_text(const Options *options, const char *text, Model *model, CnnError *error);
void model_close(Model *model);

/** Whether this machine can execute code for the CPU of the session; reports why not. */
CnnStatus model_runs_here(const Model *model);
/** Compiles the model, and loads it if `load`; reports what went wrong. Ended by driver_unlink. */
CnnStatus model_compile(Model *model, bool load, Linked *linked);
/** model_compile for what will read the data: an error where there are none. */
CnnStatus model_link(Model *model, bool load, Linked *linked);

/** Makes model->program of model->checked, as model->rewrites says. */
void model_rewrite(Model *model);
/** What the rewrites were done on, a line for each that was asked for; "" when none was. */
const char *model_rewrites_text(const Model *model);

/** Prints the messages of the session to model->messages; returns CNN_BAD_USAGE if one says that -D or --set
 * is not of its form, CNN_BAD_INPUT if there is another error among them, else CNN_OK. */
CnnStatus model_report(const Model *model);

#endif
