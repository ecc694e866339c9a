/* The verbs of `cnnc data`, each in the file of its name. */
#ifndef DATA_VERBS_H
#define DATA_VERBS_H

#include "compiler/commands/command.h"

CnnStatus data_check(const Options *options);
CnnStatus data_pack(const Options *options);

#endif
