/* `cnnc why`: where the time of an epoch goes, and what would make it shorter, each idea tried. */
#ifndef WHY_H
#define WHY_H

#include "compiler/commands/bench.h"
#include "compiler/commands/feed.h"
#include "compiler/commands/model.h"

/* Something that may make an epoch shorter. */
typedef struct {
    const char *name;   /* as --apply takes it: "half_input" */
    const char *change; /* what is written: "resize 14x14" */
    const char *cost;   /* for the user: what it costs beside */
    const char *text;   /* the model so changed; NULL: it is a flag of `cnnc run`, which `change` is */
    int loader_threads; /* 0: as many as the model has */
    bool of_data;       /* it helps only where the data take time */
    /* Once it was tried: */
    const char *refused; /* why it could not be; NULL: it could */
    double factor;       /* by which the epoch is faster; 0: it was not tried */
    double moved;        /* by which the two windows of the model as it is differ around it: 1, they do not */
    double least;        /* the factor that is more than noise; why_rank */
    double seconds;      /* of the epoch then */
    double memory;       /* bytes of network and step */
} Idea;
typedef VEC(Idea) IdeaList;

/* How fast the two parts of an epoch go. validation.images is 0 where there is no such part. */
typedef struct {
    Fed training, validation;
} Pace;

typedef struct {
    Arena *arena;
    Options options;                   /* that the text is opened with */
    Model *model;                      /* as it is */
    const char *text;                  /* of the model, with what the command line says of it */
    double tried_seconds;              /* of each try */
    int64_t images, validation_images; /* of an epoch */
    Bench bench;                       /* of the step, without data */
    double loaded;                     /* images a second that the loader delivers alone */
    DataCosts costs;
    Pace pace;
    double seconds;  /* of an epoch */
    double memory;   /* bytes of network and step */
    bool data_cheap; /* ideas about the data were left out */
    IdeaList ideas;  /* ranked */
} Why;

/* ---- why_text.c ---- */
/** The text of the model with all that the command line says of it, and the options to open it with. Prints
 * what goes wrong. */
CnnStatus why_text(const Options *options, const Model *model, const char **text, Options *remaining);
/** Writes the model with the ideas `names`, separated by commas. Prints what goes wrong. */
CnnStatus why_apply(const Options *options, const char *names, const char *output);

/* ---- why_ideas.c ---- */
/** All that may help this model: nothing is measured. */
IdeaList why_ideas(Arena *arena, const Model *model, const char *text);
/** The idea of this name; NULL after it has said, of this flag, that there is none. */
const Idea *why_find(const IdeaList *ideas, const char *flag, const char *name);
/** Leaves those that `names` name, separated by commas. Errors as above. */
CnnStatus why_choose(Arena *arena, IdeaList *ideas, const char *names);
/** Says of each from which factor on it helps: WHY_HELPS, or more where the model as it is went now faster
 * and now slower, around this idea or around half of all. The largest factor comes first, then those that
 * could not be tried, or were not. */
void why_rank(IdeaList *ideas);
/** It helps by more than the noise of a measurement. After why_rank. */
bool why_helps(const Idea *idea);
/** The most that the model as it is differed around an idea; 1 where no idea was tried. */
double why_moved(const IdeaList *ideas);
/* The least factor that counts, on a machine that does nothing else. */
#define WHY_HELPS 1.03

/* ---- why_trial.c ---- */
typedef struct {
    const Model *model;
    const Linked *linked;
    CnnDevice *device;
    int loader_threads;
    CacheUse cache;
    bool made;                 /* the file of a cache, which goes again */
    int64_t first[PART_COUNT]; /* batches that are read of an epoch: those in a cache; 0: all */
    int64_t number;            /* steps done */
} Trial;

/** A device, and the data ready to be fed: what they measure is taken from `like`, the same model's, where it
 * is as long there. Where they say `cache`, some seconds of samples are kept. */
CnnStatus trial_open(Trial *trial, const Model *model, const Linked *linked, CnnData *like,
                     int loader_threads, double seconds, CnnError *error);
void trial_close(Trial *trial);
/** The loader alone, images a second. */
CnnStatus trial_load(Trial *trial, double seconds, double *images, CnnError *error);
/** Training and validation for some seconds. */
CnnStatus trial_pace(Trial *trial, double seconds, Pace *pace, CnnError *error);

/* ---- why_run.c ---- */
/** Measures the model as it is, and tries the ideas. */
CnnStatus why_run(Why *why, const Linked *linked, CnnError *error);
/** Seconds of an epoch that goes so fast. */
double why_epoch(const Why *why, const Pace *pace);

/* Where the seconds of an epoch go. */
typedef struct {
    double waiting, part[STEP_PARTS], between, slowed, validation;
    double reading, transforming,
        augmenting; /* seconds of a core, in the loader's threads beside the steps */
} Split;
Split why_split(const Why *why);
/** Share of the cores' time that the loader's threads take. */
double why_loader_share(const Why *why);

/* ---- why_table.c, why_json.c ---- */
void why_print(const Why *why, Text *out);
const char *why_json(const Why *why);
/** What the epoch waits for most, in a sentence or two. */
const char *why_bound(const Why *why);
/** Indices of the layers that take longest, those before the others, ended by -1. */
int *why_layers(const Why *why);

/* Where a layer stands against what the machine reaches. */
typedef struct {
    double seconds, flops; /* of a step */
    double share;          /* of the peak; 0: unknown */
    Bound bound;           /* of its longest kernel */
    double bound_share;    /* of that limit, what this kernel reaches */
} LayerPeak;
LayerPeak why_layer(const Why *why, int layer);

#endif
