/* The verbs of `cnnc data`, each in the file of its name. */
#ifndef DATA_VERBS_H
#define DATA_VERBS_H

#include "compiler/commands/model.h"

CnnStatus data_check(const Options *options);
CnnStatus data_clean(const Options *options);
CnnStatus data_dump(const Options *options);
CnnStatus data_pack(const Options *options);
CnnStatus data_preview(const Options *options);

/** The data of the model; reports that it has none. */
CnnStatus data_of(const Model *model, CnnData **data);

#endif
