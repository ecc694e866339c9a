/* Where a model is computed. */
#ifndef MODEL_DEVICE_H
#define MODEL_DEVICE_H

#include "compiler/commands/command.h"
#include "compiler/driver.h"

/** What can be said of --device and --gpu without the model. */
CnnStatus model_device_check(const Options *options);

/** Sets the session's GPU, or leaves it at the CPU, as the command line says, else the model, else what is
 * here. */
CnnStatus model_device_set(const Options *options, const Program *program, Session *session);

#endif
