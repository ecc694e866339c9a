/* The table of what `cnnc data` does with the data of a model. */
#include "compiler/commands/data.h"

static const Flag check_flags[] = {
    {"--json", FLAG_TEXT, offsetof(Options, json), "FILE", "all that was found, as JSON", 0, 0, 0},
    FLAGS_END,
};

const Command data_verbs[] = {
    {"data check", "MODEL", 1, 1,
     "decode every sample once: what cannot be read, has an odd size, stands twice, or in two parts",
     check_flags, true, false, false, data_check, NULL},
    {"data pack", "MODEL", 1, 1, "decode every sample once, into the file of `cache disk`", NULL, true, false,
     false, data_pack, NULL},
    {0},
};
