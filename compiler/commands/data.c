/* The table of what `cnnc data` does with the data of a model. */
#include "compiler/commands/data.h"

#define OPTION(member) offsetof(Options, member)
#define SEED_FLAG(doc)                                                                                       \
    {                                                                                                        \
        "--seed", FLAG_INTEGER, OPTION(training.seed), "N", doc, 0, 9007199254740992.0,                      \
            OPTION(training.seed_given)                                                                      \
    }

static const Flag check_flags[] = {
    {"--json", FLAG_TEXT, OPTION(json), "FILE", "all that was found, as JSON", 0, 0, 0},
    FLAGS_END,
};
static const Flag preview_flags[] = {
    {"-o", FLAG_TEXT, OPTION(output), "FILE", "the sheet to write: FILE.png or FILE.svg", 0, 0, 0},
    {"--count", FLAG_COUNT, OPTION(count), "N", "how many samples (default: 9)", 1, 150, 0},
    {"--class", FLAG_TEXT, OPTION(class_name), "NAME", "samples of this class only", 0, 0, 0},
    SEED_FLAG("the training's seed, which also chooses the samples"),
    FLAGS_END,
};
static const Flag dump_flags[] = {
    {"-o", FLAG_TEXT, OPTION(output), "FILE", "the .npy file to write", 0, 0, 0},
    {"--sample", FLAG_TEXT, OPTION(sample), "SAMPLE",
     "its name or the end of it, such as disc/0003.png, or its number in the source, from 0", 0, 0, 0},
    {"--augment", FLAG_SWITCH, OPTION(augment), NULL, "as the training sees it, not an evaluation", 0, 0, 0},
    {"--epoch", FLAG_INTEGER, OPTION(epoch), "N", "with --augment: in epoch N, from 1 (default: 1)", 1, 1e9,
     0},
    SEED_FLAG("with --augment: the training's seed"),
    FLAGS_END,
};
static const Flag clean_flags[] = {
    {"--all", FLAG_SWITCH, OPTION(all), NULL, "the files of data that are still there, too", 0, 0, 0},
    FLAGS_END,
};

const Command data_verbs[] = {
    {"data check", "MODEL", 1, 1,
     "decode every sample once: what cannot be read, has an odd size, stands twice, or in two parts",
     check_flags, true, false, false, data_check, NULL},
    {"data preview", "MODEL", 1, 1,
     "a picture of some training samples: as they are stored, as the network sees them, and augmented",
     preview_flags, true, false, false, data_preview, NULL},
    {"data dump", "MODEL", 1, 1, "the exact values that the network sees of a sample, as a .npy file",
     dump_flags, true, false, false, data_dump, NULL},
    {"data pack", "MODEL", 1, 1, "decode every sample once, into the file of `cache disk`", NULL, true, false,
     false, data_pack, NULL},
    {"data clean", "", 0, 0,
     "what data left in the cache folder: says what it is of, and removes what is of use to nobody",
     clean_flags, false, false, false, data_clean, NULL},
    {0},
};

CnnStatus data_of(const Model *model, CnnData **data)
{
    *data = model->program->data;
    return *data ? CNN_OK : model_lacks_data(model, "");
}
