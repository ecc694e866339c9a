/* What the commands that read a model share: a session set up as the command line says, and the program
 * checked. */
#ifndef MODEL_H
#define MODEL_H

#include "compiler/commands/command.h"
#include "compiler/driver.h"

typedef struct {
    Session *session;
    Program *program;
    const char *path;
} Model;

/**
 * Opens a session and checks the model that the command line names. Messages go to the standard error. On
 * failure nothing is open.
 */
CnnStatus model_open(const Options *options, Model *model);
void model_close(Model *model);

/** Compiles and loads the model; reports what went wrong. Ended by driver_unlink. */
CnnStatus model_compile(Model *model, bool load, Linked *linked);
/** The same for what will read the model's data: an error where it has no such section. */
CnnStatus model_link(Model *model, bool load, Linked *linked);

/** Prints the messages of the session; returns CNN_BAD_INPUT if there is an error among them, else CNN_OK. */
CnnStatus model_report(const Model *model);

#endif
